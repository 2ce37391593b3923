"""The audit ledger as workers and the keeper see it."""

from __future__ import annotations

from typing import Literal

import msgspec


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """Prompts and answers are kept, encrypted. ``key`` is a secret reference to 32 bytes in hex or base64; ``id`` names
    the key in the records, so that it can be replaced."""

    key: str
    id: str


class Heads(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the manifest's newest entry is told: appended to ``file``, and given to ``command`` on standard input."""

    file: str | None = None
    command: tuple[str, ...] = ()


class Audit(msgspec.Struct, frozen=True, omit_defaults=True):
    """Every request is recorded. Times in seconds, sizes in bytes.

    ``fsync``: what `commit` waits for; ``always`` for the disk, ``interval`` and ``never`` for the kernel only.
    ``on_failure``: what happens to new requests while records cannot be written. ``answers``: see every answer, so that
    its digest is recorded. ``retention`` None keeps sealed segments for ever.
    """

    fsync: Literal["always", "interval", "never"] = "interval"
    fsync_interval: float = 0.2
    on_failure: Literal["refuse", "continue"] = "refuse"
    segment_bytes: int = 268_435_456
    segment_age: float = 3600.0
    retention: float | None = None
    answers: bool = False
    content: Content | None = None
    heads: Heads = Heads()
