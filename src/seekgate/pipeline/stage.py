"""What a stage is, and what it may say.

A stage overrides the hooks that it needs; those that it leaves alone cost nothing, because the pipeline keeps only
overridden ones. Hooks are synchronous: a stage that must wait returns a `Wait`, and the request is parked.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import msgspec

from seekgate.pipeline.exchange import Exchange
from seekgate.wire.errors import ErrorKind


class Reply(msgspec.Struct, frozen=True):
    """Answer now, without an upstream.

    With ``error`` set, the body is made from it, ``message``, ``param`` and the request's id, in the shape that
    OpenAI's SDKs expect, and the status is the error's; otherwise ``status`` and ``body`` are sent as they are.
    """

    status: int = 200
    body: bytes = b""
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    error: ErrorKind | None = None
    message: str = ""
    param: str | None = None


class Wait(msgspec.Struct, frozen=True):
    """Park the request until ``awaitable`` is done. It resolves to a `Reply` or None, and the request goes on with
    the next stage. It is cancelled when the client leaves.

    ``keep_alive``: the wait may be long. A client that asked for a stream is sent comments meanwhile, and a refusal
    after such a comment becomes an error event of the stream.
    """

    awaitable: Awaitable[Reply | None]
    keep_alive: bool = False


Verdict = Reply | Wait | None


class Stage:
    """The hooks, none of which does anything."""

    def on_request(self, x: Exchange) -> Verdict:
        """The request is whole. None lets it pass."""

    def on_head(self, x: Exchange) -> None:
        """The upstream's status and headers are known (``x.status``). Asked only where ``x.inspected`` is set."""

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        """A piece of the answer's body is about to go out; return what shall go out instead (``b""`` holds back).

        Asked only where ``x.inspected`` is set. Of a stream ``data`` is one or more whole events, with the comments
        and empty lines among them, or such lines alone; of a plain answer it is the whole body. Setting ``x.stop``
        ends the answer after what is returned.
        """
        return data

    def on_last(self, x: Exchange) -> bytes:
        """A stream has ended, whole or cut, without its last event having been `on_chunk`'s: what is still held back,
        as whole events. Asked only where ``x.inspected`` is set."""
        return b""

    def on_end(self, x: Exchange) -> None:
        """The exchange is settled. Called exactly once for each stage that was entered, on disconnect too."""


def overrides(stage: Any, hook: str) -> bool:
    """Whether ``stage`` has a ``hook`` of its own."""
    return getattr(type(stage), hook) is not getattr(Stage, hook)
