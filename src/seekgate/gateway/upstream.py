"""One connection to an upstream: bytes in, and what they mean for the relay that holds the connection.

The protocol collects what one read brought (a head, pieces of body, the end) and tells the relay once. httptools
decodes the framing; a response that is not HTTP ends the attempt.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httptools

if TYPE_CHECKING:
    from seekgate.gateway.pool import Pool
    from seekgate.gateway.relay import Relay


class Upstream(asyncio.Protocol):
    """A keep-alive connection that serves one relay at a time.

    ``answered`` counts the responses it has carried: a connection that broke before the first byte of a further one
    was probably closed by the other side while idle.
    """

    __slots__ = (
        "address",
        "answered",
        "complete",
        "deadline",
        "head_done",
        "headers",
        "keep_alive",
        "parser",
        "parts",
        "pool",
        "relay",
        "status",
        "transport",
    )

    def __init__(self, pool: Pool, address: str) -> None:
        self.pool = pool
        self.address = address
        self.relay: Relay | None = None
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # set before anything else happens
        self.parser = httptools.HttpResponseParser(self)
        self.deadline = 0.0
        self.answered = 0
        self.status = 0
        self.head_done = False
        self.keep_alive = False
        self.complete = False
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []

    # -- asyncio calls these --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected (and, with TLS, verified)."""
        self.transport = transport  # type: ignore[assignment]
        self.pool.opened(self)

    def data_received(self, data: bytes) -> None:
        """A read: parse all of it, then tell the relay once."""
        relay = self.relay
        if relay is None:
            # Nothing was asked: whatever this is, it is not an answer.
            self.transport.abort()
            return
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.deadline = 0.0
            self.transport.abort()
            relay.upstream_invalid(self)
            return
        relay.upstream_read(self)

    def eof_received(self) -> bool:
        """The other side has finished sending."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Gone, for whatever reason."""
        self.deadline = 0.0
        self.pool.closed(self)
        relay = self.relay
        if relay is not None:
            self.relay = None
            relay.upstream_lost(self)

    def pause_writing(self) -> None:
        """The request's body is larger than the socket takes at once; it waits in the transport."""

    def resume_writing(self) -> None:
        """See `pause_writing`."""

    # -- httptools calls these ------------------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field of a response."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole; interim responses (1xx) are passed over."""
        self.status = self.parser.get_status_code()
        if self.status < 200:
            self.headers.clear()
        else:
            self.head_done = True
            self.keep_alive = self.parser.should_keep_alive()  # llhttp forgets it when the message is complete

    def on_body(self, data: bytes) -> None:
        """A piece of body, freed of its framing."""
        self.parts.append(data)

    def on_message_complete(self) -> None:
        """The response is whole."""
        if self.status >= 200:
            self.complete = True

    # -- the relay and the sweep call these -----------------------------------------------------------------------

    def begin(self, relay: Relay, deadline: float) -> None:
        """Serve ``relay`` from now on."""
        self.relay = relay
        self.deadline = deadline
        self.head_done = self.complete = False
        self.status = 0
        self.headers = []

    def end(self, now: float) -> None:
        """The response is whole: back to the pool, unless the other side wants to close."""
        self.relay = None
        self.answered += 1
        self.parts.clear()
        if self.keep_alive:
            self.pool.put(self, now)
        else:
            self.deadline = 0.0
            self.transport.abort()

    def drop(self) -> None:
        """Nobody wants the rest: close at once, so that the upstream stops working on it."""
        self.relay = None
        self.deadline = 0.0
        self.transport.abort()

    def on_deadline(self, now: float) -> None:
        """Too long idle, or too long without an event."""
        self.deadline = 0.0
        relay = self.relay
        self.transport.abort()
        if relay is not None:
            self.relay = None
            relay.upstream_timeout(self)
