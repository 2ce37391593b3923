"""Settings of the guard: lists, injection heuristics, the shape of requests, an external moderation service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from seekgate.config.context import Context
from seekgate.config.fields import BaseUrl, Duration, FilePath, Name, SecretReference, Section, Size
from seekgate.config.problems import Invalid, Problem
from seekgate.config.proxy import parse_proxy
from seekgate.config.tree import Path
from seekgate.config.units import parse_base
from seekgate.stages.guard.matcher import PatternError, make, word

MAX_WORDS = 50_000
_NEED_SOMETHING = "at least one of words, patterns and file"


def _proxy(value: str) -> str:
    return value if value in ("env", "none") else parse_proxy(value)


Action = Literal["block", "report"]
Proxy = Annotated[
    str, AfterValidator(_proxy), WithJsonSchema({"type": "string", "examples": ["env", "none"]})
]


class PatternList(Section):
    """Words and patterns under a name, and what is done where one of them is found."""

    name: Name = Field(description="What the record and the refusal call it.")
    words: list[str] = Field(default=[], description="Words and phrases, in letters of either case.")
    patterns: list[str] = Field(
        default=[], description="Regular expressions without look-around and back-references."
    )
    file: FilePath | None = Field(
        default=None, description="A file with a word on each line; `#` begins a comment."
    )
    action: Action = Field(
        default="block", description="`block` refuses, `report` writes it into the record."
    )
    where: list[Literal["request", "answer"]] = Field(
        default=["request"], min_length=1, description="What is looked at."
    )
    roles: list[Literal["system", "user", "assistant", "tool"]] = Field(
        default=["system", "user", "assistant", "tool"],
        min_length=1,
        description="Of a request the messages with these roles.",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.words or self.patterns or self.file):
            raise Invalid("a list without anything in it", _NEED_SOMETHING)
        return self


class Injection(Section):
    """Heuristics for prompts that try to take over the model, in English and Chinese."""

    action: Action = Field(
        default="report", description="`block` refuses, `report` writes it into the record."
    )
    threshold: float = Field(
        default=0.7, ge=0.1, le=1.0, description="The score, from 0 to 1, from which on it is done."
    )


class Tools(Section):
    """Which tools a request may offer to the model, by name; names may end in `*`."""

    allow: list[Name] | None = Field(default=None, description="These only; all without it.")
    deny: list[Name] = Field(default=[], description="None of these.")


class Shape(Section):
    """Bounds of a request's shape."""

    text_bytes: Size | None = Field(default=None, ge=1, description="All its text together, as UTF-8.")
    messages: int | None = Field(default=None, ge=1, description="Messages.")
    depth: int | None = Field(default=None, ge=2, description="Objects and lists within each other.")
    tools: int | None = Field(default=None, ge=0, description="Tools that it offers.")


class Moderation(Section):
    """An external service that is asked about each request."""

    type: Literal["openai", "webhook"] = Field(
        default="openai", description="`openai`: its moderation API; `webhook`: plain texts, see the guide."
    )
    url: BaseUrl = Field(
        description="`openai`: the base URL, such as `https://api.openai.com/v1`; `webhook`: all of it."
    )
    key: SecretReference | None = Field(default=None, description="Sent as a bearer token.")
    model: Name | None = Field(default=None, description="The model that the service shall use.")
    timeout: Duration = Field(default=2.0, ge=0.01, le=60, description="For one call, connecting included.")
    on_failure: Literal["allow", "refuse"] = Field(
        default="allow", description="What happens where the service is late, down or not understood."
    )
    action: Action = Field(default="block", description="What is done about flagged requests.")
    categories: list[Name] | None = Field(
        default=None, description="The categories that count; all without it."
    )
    concurrency: int = Field(default=64, ge=1, le=10_000, description="Calls at once, of each worker.")
    answers: bool = Field(
        default=False, description="Streams are asked about too, window by window while they go on."
    )
    answer_window: int = Field(
        default=1000, ge=100, le=65_536, description="Characters of a stream asked about at once."
    )
    ca: FilePath | None = Field(default=None, description="PEM file: authorities instead of the system's.")
    proxy: Proxy = Field(default="env", description="`env`, `none`, or a URL such as `http://proxy:3128`.")


class Guard(Section):
    """What requests and answers are checked for. Nothing by default."""

    lists: list[PatternList] = Field(default=[], description="Word and pattern lists.")
    injection: Injection | None = Field(default=None, description="Look for prompt injection.")
    limits: Shape = Field(default=Shape(), description="Bounds of a request's shape.")
    tools: Tools = Field(default=Tools(), description="Which tools may be offered.")
    moderation: Moderation | None = Field(default=None, description="Ask an external service.")
    window: int = Field(
        default=256,
        ge=16,
        le=8192,
        description="Characters of a stream that are seen again with those that come.",
    )


def check(context: Context) -> Iterator[Problem]:
    """Names used twice, files that cannot be read, patterns that cannot be compiled, secrets that are not there."""
    tree = context.tree
    seen: dict[str, Path] = {}
    for path, name in tree.texts("guard.lists.*.name"):
        if name in seen:
            line = tree.mark(seen[name]).line
            yield tree.problem(
                path, f"the name {tree.show(path, name)} is taken (line {line})", "another name"
            )
        seen.setdefault(name, path)
    for path, file in tree.texts("guard.lists.*.file"):
        yield from context.readable(path, file)
    for path, ca in tree.texts("guard.moderation.ca"):
        yield from context.readable(path, ca)
    for path, reference in tree.texts("guard.moderation.key"):
        yield from context.secret(path, reference)
    yield from _patterns(context)
    yield from _url(context)


def _patterns(context: Context) -> Iterator[Problem]:
    for pattern in ("guard.lists.*.patterns.*", "guard.lists.*.words.*"):
        for path, text in context.tree.texts(pattern):
            if not text.strip():
                yield context.tree.problem(path, "nothing is written here", "a word or pattern")
                continue
            try:
                make([word(text) if path[3] == "words" else text])
            except PatternError as error:
                yield context.tree.problem(
                    path, f"this pattern cannot be used: {error}", "no look-around and no back-references"
                )


def _url(context: Context) -> Iterator[Problem]:
    path: Path = ("guard", "moderation", "url")
    url = context.tree.at(path)
    if isinstance(url, str) and context.tree.at(("guard", "moderation", "key")) is not None:
        try:
            base = parse_base(url)
        except Invalid:
            return  # the type check says it
        if base.scheme == "http" and base.host not in ("127.0.0.1", "::1", "localhost"):
            yield context.tree.warning(path, "the key is sent over a connection that is not encrypted")
