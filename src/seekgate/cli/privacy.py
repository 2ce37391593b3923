"""``seekgate privacy``: what the detectors find in a text, and what would leave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from seekgate.config.compiled.privacy import Privacy
    from seekgate.stages.privacy.detect import Span
    from seekgate.stages.privacy.tokens import Mint

privacy_app = typer.Typer(help="Try the detectors of personal data and secrets.", no_args_is_help=True)


class Outcome(NamedTuple):
    """A line as it would leave (None: it would not), and what was found in it with what is done."""

    text: str | None
    spans: list[tuple[int, int, str, str]]


def register(app: typer.Typer) -> None:
    """Add ``privacy test``."""
    app.add_typer(privacy_app, name="privacy")


@privacy_app.callback()
def _root() -> None:
    """Keeps ``test`` a command of its own while it is the only one."""


@privacy_app.command("test")
def show_test(
    file: Annotated[Path, typer.Argument(help="A UTF-8 text; `-` reads standard input.", allow_dash=True)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each line.")] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Take the policy of this file; the default policy without it."),
    ] = None,
    route: Annotated[str, typer.Option("--route", help="As if asked under this route prefix.")] = "",
    core: Annotated[bool, typer.Option("--core", help="As if asked by an application of tier core.")] = False,
    role: Annotated[list[str] | None, typer.Option("--role", help="As if the caller had this role.")] = None,
) -> None:
    """Print each line as it would leave, and what was found in it. Nothing is sent or kept."""
    settings = _settings(config)
    try:
        data = typer.get_binary_stream("stdin").read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        typer.echo(f"{file}: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    show = _as_json if as_json else _as_text
    for outcome in outcomes(settings, data.decode("utf-8", "replace"), route, core, role or ()):
        typer.echo(show(outcome))


def outcomes(
    settings: Privacy, text: str, route: str = "", core: bool = False, roles: Sequence[str] = ()
) -> Iterator[Outcome]:
    """What becomes of each line of ``text``, each taken as a request of its own."""
    import secrets
    import sys

    from seekgate.config.home import cache
    from seekgate.pipeline.principal import Principal
    from seekgate.stages.privacy.budget import Budget
    from seekgate.stages.privacy.tokens import Mint
    from seekgate.stages.privacy.wiring import make_detector, make_policy

    detector, policy = make_detector(settings, cache() / "detectors"), make_policy(settings)
    who = Principal(tier="core" if core else "non-core", roles=tuple(roles))
    mint = Mint(secrets.token_bytes(32), settings.numbering)
    for line in _lines(text):
        spans = detector.scan(line, Budget(sys.maxsize))
        found = frozenset(policy.classes[span.type] for span in spans)
        yield _outcome(line, spans, policy.actions(who, route, found), mint)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _outcome(line: str, spans: Sequence[Span], actions: Mapping[str, str], mint: Mint) -> Outcome:
    from seekgate.stages.privacy.mask import mask

    vault = mint.vault("")
    replace: dict[str, Callable[[str, str], str]] = {"mask": mask, "token": vault.issue}
    pieces: list[str] = []
    at = 0
    for start, end, kind in spans:
        change = replace.get(actions[kind])
        if change is not None:
            pieces += (line[at:start], change(kind, line[start:end]))
            at = end
    done = [(start, end, kind, actions[kind]) for start, end, kind in spans]
    blocked = any(action == "block" for *_, action in done)
    return Outcome(None if blocked else "".join(pieces) + line[at:], done)


def _as_text(outcome: Outcome) -> str:
    shown = "(blocked)" if outcome.text is None else outcome.text
    return "\n".join(
        [shown, *(f"    {kind} {start}-{end} {action}" for start, end, kind, action in outcome.spans)]
    )


def _as_json(outcome: Outcome) -> str:
    import json

    spans = [
        {"type": kind, "start": start, "end": end, "action": action}
        for start, end, kind, action in outcome.spans
    ]
    return json.dumps({"text": outcome.text, "spans": spans}, ensure_ascii=False)


def _settings(config: Path | None) -> Privacy:
    """The policy of a configuration file, or the default one: every type, with its default action."""
    if config is None:
        from seekgate.config.compiled.privacy import Privacy
        from seekgate.stages.privacy.detect.kinds import KINDS

        return Privacy(types=tuple(KINDS))
    from seekgate.config.problems import ConfigError
    from seekgate.settings import load
    from seekgate.stages.privacy.compile import compile_privacy

    try:
        loaded = load(config, outside=False)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None
    compiled = compile_privacy(loaded.settings.privacy, loaded.context)
    if compiled is None:
        typer.echo(f"{config} has no section `privacy`: every line would leave as it is", err=True)
        raise typer.Exit(1)
    return compiled
