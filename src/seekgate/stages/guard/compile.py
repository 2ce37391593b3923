"""Guard settings into the snapshot: words become patterns, files are read, the service's URL is taken apart."""

from __future__ import annotations

from pathlib import Path

from seekgate.config import units
from seekgate.config.compiled import guard as compiled
from seekgate.config.context import Context
from seekgate.config.problems import ConfigError
from seekgate.config.proxy import parse_proxy, proxy_for
from seekgate.stages.guard import config
from seekgate.stages.guard.matcher import Maker, word
from seekgate.stages.guard.signs import builtin
from seekgate.stages.guard.stage import Guard, wanted


def compile_guard(context: Context, settings: config.Guard) -> compiled.Guard:
    """What workers check by. Raise `ConfigError` for a file that cannot be read any more, or is too long."""
    limits, tools = settings.limits, settings.tools
    shape = compiled.Shape(
        text_bytes=limits.text_bytes,
        messages=limits.messages,
        depth=limits.depth,
        tools=limits.tools,
        allow_tools=None if tools.allow is None else tuple(tools.allow),
        deny_tools=tuple(tools.deny),
    )
    injection = settings.injection
    return compiled.Guard(
        lists=tuple(_list(context, number, one) for number, one in enumerate(settings.lists)),
        injection=None if injection is None else compiled.Injection(injection.action, injection.threshold),
        shape=None if shape == compiled.Shape() else shape,
        moderation=None if settings.moderation is None else _moderation(context, settings.moderation),
        window=settings.window,
    )


def warm(settings: compiled.Guard, folder: Path) -> None:
    """Compile now what a worker would have to: its loop must not wait for that."""
    if wanted(settings):
        signs = builtin() if settings.injection is not None else ()
        Guard(settings, signs, Maker(folder), None, lambda check, action: None)


def _list(context: Context, number: int, one: config.PatternList) -> compiled.PatternList:
    words = [*one.words, *(() if one.file is None else _words(context, number, one.file))]
    return compiled.PatternList(
        name=one.name,
        patterns=tuple(dict.fromkeys([*map(word, words), *one.patterns])),
        action=one.action,
        request="request" in one.where,
        answer="answer" in one.where,
        roles=tuple(one.roles),
    )


def _words(context: Context, number: int, file: str) -> list[str]:
    path = ("guard", "lists", number, "file")
    try:
        lines = Path(context.located(file)).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError([context.tree.problem(path, f"cannot read the list: {reason}")]) from None
    words = [text for line in lines if (text := line.partition("#")[0].strip())]
    if len(words) > config.MAX_WORDS:
        what = f"the list has {len(words)} words"
        raise ConfigError([context.tree.problem(path, what, f"at most {config.MAX_WORDS}")])
    return words


def _moderation(context: Context, one: config.Moderation) -> compiled.Moderation:
    base = units.parse_base(one.url)
    proxy = (
        None
        if one.proxy == "none"
        else (proxy_for(base, context.environ) if one.proxy == "env" else parse_proxy(one.proxy))
    )
    return compiled.Moderation(
        type=one.type,
        scheme="https" if base.scheme == "https" else "http",
        host=base.host,
        port=base.port,
        path=f"{base.path}/moderations" if one.type == "openai" else base.path or "/",
        authorization=None if one.key is None else context.located_reference(one.key),
        model=one.model,
        timeout=one.timeout,
        on_failure=one.on_failure,
        action=one.action,
        categories=None if one.categories is None else tuple(one.categories),
        concurrency=one.concurrency,
        answer_window=one.answer_window if one.answers else 0,
        ca=None if one.ca is None else context.located(one.ca),
        proxy=proxy,
    )
