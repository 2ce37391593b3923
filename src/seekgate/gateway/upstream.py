"""One connection to an upstream: bytes in, and what they mean for the relay that holds the connection.

The protocol collects what one read brought (a head, pieces of body, the end) and tells the relay once. httptools
decodes the framing; a response that is not HTTP ends the attempt.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httptools

from seekgate.gateway.head import ACTIONS, passed_lines
from seekgate.gateway.turn import LARGE
from seekgate.wire.repeated import LESSONS, RepeatedHead

if TYPE_CHECKING:
    from seekgate.gateway.pool import Pool
    from seekgate.gateway.relay import Relay


class Upstream(asyncio.Protocol):
    """A keep-alive connection that serves one relay at a time.

    ``passed`` are the header lines of the response that go on to the client, ``special`` the headers that the gateway
    has to understand, by lower-case name, ``length`` the Content-Length. ``surplus``: more came than was asked for, and
    the connection is not used again. ``untouched``: nothing of the present response was read yet. ``choked``: part of
    the request has not been sent. ``frame``: the chunk that is the only one in ``parts``, with its framing.
    ``answered`` counts the responses it has carried: a connection that broke before the first byte of a further one
    was probably closed by the other side while idle.
    """

    __slots__ = (
        "_known_passed",
        "_known_special",
        "_lessons",
        "_repeat",
        "address",
        "answered",
        "between_chunks",
        "choked",
        "complete",
        "deadline",
        "events",
        "frame",
        "head_done",
        "in_chunk",
        "keep_alive",
        "length",
        "lines",
        "parser",
        "parts",
        "passed",
        "pool",
        "relay",
        "special",
        "status",
        "surplus",
        "transport",
        "untouched",
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
        self.surplus = False
        self.between_chunks = False
        self.in_chunk = False
        self.frame = b""
        self.untouched = True
        self.choked = False
        self.passed = b""
        self.events = False
        self.length: bytes | None = None
        self._repeat = RepeatedHead()
        self._lessons = LESSONS
        self._known_passed = b""
        self._known_special: dict[bytes, bytes] = {}
        self.lines: list[bytes] = []
        self.special: dict[bytes, bytes] = {}
        self.parts: list[bytes] = []

    # -- asyncio calls these --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected (and, with TLS, verified)."""
        self.transport = transport  # type: ignore[assignment]
        self.pool.opened(self)

    def data_received(self, data: bytes) -> None:
        """A read: worked on at once or, on a busy worker, with all others of this turn."""
        if self.relay is None:
            # Nothing was asked: whatever this is, it must not become the answer to what is asked next.
            self.transport.abort()
            return
        turn = self.pool.turn
        if turn.collecting and len(data) < LARGE:
            turn.upstreams.append((self, data))
            if not turn.scheduled:
                turn.begin()
        else:
            turn.at_once(self, data)

    def received(self, data: bytes) -> None:
        """What was read: parse all of it, then tell the relay once."""
        relay = self.relay
        if relay is None:
            return  # the client left in this turn, and the connection is closing
        first = self.untouched
        if first:
            self.untouched = False
            span = self._repeat.match(data)
            if span is not None and span[1] == len(data):
                # The last head again and exactly its body: nothing is left for the parser to find out.
                self._lessons = LESSONS
                self.head_done = self.complete = True
                self.status = 200
                self.events = False
                self.passed = self._known_passed
                self.special = self._known_special
                self.length = b"%d" % (span[1] - span[0])
                self.parts = [data[span[0] :]]
                relay.upstream_read(self)
                return
        elif self.between_chunks:
            stop = data.find(b"\r\n", 0, 10)
            size = len(data) - stop - 4
            if size > 0 and data[:stop] == b"%x" % size and data.endswith(b"\r\n"):
                # Exactly one chunk, as nearly every read of a stream is: the parser would stand where it stands now.
                self.frame = data
                self.parts.append(data[stop + 2 : -2])
                relay.upstream_read(self)
                self.frame = b""
                return
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self.complete:
                self.deadline = 0.0
                self.transport.abort()
                relay.upstream_invalid(self)
                return
            self.surplus = True  # the answer is whole; what stands behind it costs only the connection
        if self.complete:
            self.between_chunks = False
            if first and self._lessons:
                self._learn(data)
        else:
            # Behind a chunk, and nothing of the next one's size was read: its line would be open, or its data awaited.
            self.between_chunks = self.events and not self.in_chunk and data.endswith(b"\r\n")
        relay.upstream_read(self)

    def _learn(self, data: bytes) -> None:
        """Remember the head of a whole plain answer. An upstream whose heads never repeat is not studied for long."""
        self._lessons -= 1
        end = data.find(b"\r\n\r\n") + 4
        length = self.length
        plain = (
            self.status == 200 and self.keep_alive and length is not None and len(data) - end == int(length)
        )
        if plain and self._repeat.learn(data, end):
            self._known_passed = self.passed
            self._known_special = self.special

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
            relay.upstream_lost(self, broken=error is not None)

    def pause_writing(self) -> None:
        """The request's body is larger than the socket takes at once; it waits in the transport."""
        self.choked = True

    def resume_writing(self) -> None:
        """See `pause_writing`."""
        self.choked = False

    # -- httptools calls these ------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A response begins; a second one, of which nothing more may have come yet, was not asked for."""
        if self.complete:
            self.surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field of a response: a line of the client's head, or something that we say ourselves."""
        action = ACTIONS[name]
        if action.line:
            self.lines.append(action.line + value)
        if action.special and not self.complete:
            self.special[action.special] = value

    def on_headers_complete(self) -> None:
        """The head is whole; interim responses (1xx) are passed over."""
        if self.complete:
            return
        self.status = status = self.parser.get_status_code()
        if status < 200:
            self.lines.clear()
            self.special.clear()
        else:
            self.head_done = True
            special = self.special
            self.length = special.get(b"content-length")
            self.events = (
                status == 200 and special.get(b"content-type", b"")[:17].lower() == b"text/event-stream"
            )
            self.passed = passed_lines(self.lines, special, status)
            # Asked now, because llhttp forgets it when the message is complete.
            self.keep_alive = self.parser.should_keep_alive()

    def on_chunk_header(self) -> None:
        """The size of a chunk was read: its data follow."""
        self.in_chunk = True

    def on_chunk_complete(self) -> None:
        """The data of a chunk have been read, and the line end behind them."""
        self.in_chunk = False

    def on_body(self, data: bytes) -> None:
        """A piece of body, freed of its framing."""
        if not self.complete:
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
        self.head_done = self.complete = self.events = False
        self.between_chunks = self.in_chunk = False
        self.untouched = True
        self.parts = []
        self.lines = []
        self.special = {}

    def end(self, now: float) -> None:
        """The response is whole: back to the pool, unless the other side wants to close."""
        self.relay = None
        self.answered += 1
        if self.keep_alive and not self.surplus and not self.choked:
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
