"""An answer before delivery: a status and either one body or the events of a stream."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

JSON = "application/json"
STREAM = "text/event-stream; charset=utf-8"


class Answer(msgspec.Struct, frozen=True):
    """``events`` are complete server-sent events, each ending in an empty line; without them ``body`` is sent.

    ``waits`` says that inference makes it, so that queueing can delay it.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    events: Iterator[bytes] | None = None
    waits: bool = False


def sse(data: bytes) -> bytes:
    """Return an event with only data, as chat completions sends it."""
    return b"data: " + data + b"\n\n"


def named_sse(name: str, value: object) -> bytes:
    """Return an event with a name and JSON data, as Messages and Responses send it."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(value) + b"\n\n"
