"""The guard in the snapshot: what requests and answers are checked for, and what is done about it."""

from __future__ import annotations

from typing import Literal

import msgspec

Action = Literal["block", "report"]


class PatternList(msgspec.Struct, frozen=True, omit_defaults=True):
    """Patterns under a name; words are patterns already. ``roles`` are those of the messages that are looked at."""

    name: str
    patterns: tuple[str, ...]
    action: Action = "block"
    request: bool = True
    answer: bool = False
    roles: tuple[str, ...] = ("system", "user", "assistant", "tool")


class Injection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Texts with a score of ``threshold`` or more are reported or refused."""

    action: Action = "report"
    threshold: float = 0.7


class Shape(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bounds of a request (None: no bound). Names of tools may end in ``*``."""

    text_bytes: int | None = None
    messages: int | None = None
    depth: int | None = None
    tools: int | None = None
    allow_tools: tuple[str, ...] | None = None
    deny_tools: tuple[str, ...] = ()


class Moderation(msgspec.Struct, frozen=True, omit_defaults=True):
    """An external service. ``timeout`` in seconds for each call; ``categories`` are those that count (None: all).
    ``answer_window`` is how many characters of a stream are checked at once (0: answers are not)."""

    type: Literal["openai", "webhook"]
    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    authorization: str | None = None
    model: str | None = None
    timeout: float = 2.0
    on_failure: Literal["allow", "refuse"] = "allow"
    action: Action = "block"
    categories: tuple[str, ...] | None = None
    concurrency: int = 64
    answer_window: int = 0
    ca: str | None = None
    proxy: str | None = None


class Guard(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of it. ``window`` is how many characters of a stream are seen again with those that come."""

    lists: tuple[PatternList, ...] = ()
    injection: Injection | None = None
    shape: Shape | None = None
    moderation: Moderation | None = None
    window: int = 256
