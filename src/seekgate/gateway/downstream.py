"""One connection of a client: bytes in, requests out to the front, answers back.

One request is answered at a time; pipelined bytes wait, bounded, until it is settled. The connection carries one
deadline, which means whatever it waits for now: the rest of a head, the rest of a body, the next request, or a slow
reader.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Protocol

from seekgate.config.snapshot import Limits
from seekgate.gateway.sweep import Sweep
from seekgate.gateway.turn import LARGE, Turn
from seekgate.host.clock import Clock
from seekgate.wire import errors
from seekgate.wire.http1 import RequestReader
from seekgate.wire.message import Refusal, Request
from seekgate.wire.response import CONTINUE, own_head

if TYPE_CHECKING:
    from seekgate.gateway.callers import Caller
    from seekgate.gateway.relay import Relay
    from seekgate.gateway.tls import Door, Trust

# Bytes of further pipelined requests that are held while one is answered; beyond it the socket is not read.
MAX_HELD = 65_536
# After a refusal the rest of the request is read and thrown away, this long and this much, because closing a socket
# with unread bytes resets the connection and the client would not see the refusal (RFC 9112, 9.6).
LINGER_SECONDS = 2.0
LINGER_BYTES = 4_194_304
# A body may take its timeout plus the time that this rate allows, in bytes a second: a slow link passes, a drip not.
BODY_RATE = 16_384.0

_RESET = struct.pack("ii", 1, 0)
_IDLE, _HEAD, _BODY = range(3)


class Front(Protocol):
    """Who takes the requests of a connection."""

    limits: Limits
    clock: Clock
    sweep: Sweep
    turn: Turn
    draining: bool
    buffered: int

    def admit(self, down: Downstream, request: Request) -> None:
        """Answer ``request`` on ``down``, at once or later, with exactly one `Downstream.finish`."""
        ...

    def refused(self, down: Downstream, kind: errors.ErrorKind) -> None:
        """Bytes were refused before they became a request."""
        ...

    def connected(self, down: Downstream) -> errors.ErrorKind | None:
        """A client has connected; a kind refuses it."""
        ...

    def disconnected(self, down: Downstream) -> None:
        """A client is gone."""
        ...


class Downstream(asyncio.Protocol):
    """A client's connection."""

    __slots__ = (
        "_advancing",
        "_busy",
        "_counted",
        "_held",
        "_lingering",
        "_phase",
        "_reading_paused",
        "_since",
        "_unsent",
        "caller",
        "closing",
        "deadline",
        "door",
        "front",
        "peer",
        "reader",
        "relay",
        "secure",
        "transport",
        "trust",
        "writable",
    )

    def __init__(self, front: Front, door: Door | None = None, trust: Trust | None = None) -> None:
        self.front = front
        self.door = door
        self.trust = trust  # which client certificates its handshake accepted
        self.caller: Caller | None = None  # where a certificate says who calls
        self.reader = RequestReader(front.limits)
        self.transport: asyncio.Transport = None  # type: ignore[assignment]  # set before anything else happens
        self.relay: Relay | None = None
        self.peer = ""
        self.secure = False
        self.deadline = 0.0
        self.closing = False
        self.writable = True
        self._busy = False
        self._advancing = False
        self._held = b""
        self._counted = 0  # bytes of an unfinished body that stand in front.buffered
        self._unsent = 0
        self._lingering = 0
        self._reading_paused = False
        self._phase = _HEAD  # a new connection owes a head
        self._since = 0.0

    # -- asyncio calls these --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self.transport = transport  # type: ignore[assignment]
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        self.secure = transport.get_extra_info("ssl_object") is not None
        refusal = self.front.connected(self)
        if refusal is not None:
            self._refuse(refusal, refusal.message)
            return
        self.deadline = self.front.clock.monotonic() + self.front.limits.header_timeout

    def data_received(self, data: bytes) -> None:
        """A read: worked on at once or, on a busy worker, with all others of this turn."""
        turn = self.front.turn
        if turn.collecting and len(data) < LARGE:
            turn.clients.append((self, data))
            if not turn.scheduled:
                turn.begin()
        else:
            turn.at_once(self, data)

    def received(self, data: bytes) -> None:
        """Bytes of the next request, or of one that waits behind the one being answered."""
        turn = self.front.turn
        waits = turn.holds(self.transport)
        if self._busy or not self.writable or waits:
            # Who does not read answers, or whose last one waits for its record, gets no further ones: they would pile
            # up here.
            if waits and not self._held:
                turn.after(self.transport, self._recorded)
            self._held += data
            if len(self._held) > MAX_HELD:
                self._reading_paused = True
                self.transport.pause_reading()
            return
        if self._lingering:
            self._lingering -= len(data)
            if self._lingering <= 0:
                self.transport.abort()
        elif not self.closing:
            self._advance(self.reader.feed(data))

    def eof_received(self) -> bool:
        """The client has finished: whoever sends no more does not wait for an answer either (as nginx has it)."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone; so is the reason for any work on its behalf."""
        self.closing = True
        self.deadline = 0.0
        self._uncount()
        relay = self.relay
        if relay is not None:
            self.relay = None
            relay.client_left()
        self.front.disconnected(self)

    def pause_writing(self) -> None:
        """The client reads slower than the upstream writes: stop reading the upstream."""
        self.writable = False
        self._unsent = self.transport.get_write_buffer_size()
        self.deadline = self.front.clock.monotonic() + self.front.limits.idle_timeout
        if self.relay is not None:
            self.relay.pause()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.writable = True
        if self._busy:
            self.deadline = 0.0
            if self.relay is not None:
                self.relay.resume()
        elif not self.closing and not self._lingering:
            self._take_held()

    def _recorded(self) -> None:
        """The answer that waited for its record is on its way."""
        if not self._busy and self.writable and not self.closing and not self._lingering:
            self._take_held()

    # -- requests -------------------------------------------------------------------------------------------------

    def _advance(self, message: Request | Refusal | None) -> None:
        """Take requests for as long as they are whole and answered at once."""
        self._advancing = True
        if message is not None and self._counted:
            self._uncount()
        while message is not None:
            if type(message) is Refusal:
                self._advancing = False
                kind = _KINDS.get(message.status, errors.BAD_REQUEST)
                self.front.refused(self, kind)
                self._refuse(kind, message.message, message.status)
                return
            self._busy = True
            self.deadline = 0.0
            self.front.admit(self, message)  # type: ignore[arg-type]
            if self._busy or self.closing or not self.writable:
                self._advancing = False
                return
            message = self._next()
        self._advancing = False
        self._await_more()

    def _next(self) -> Request | Refusal | None:
        held = self._held
        if held:
            self._held = b""
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        return self.reader.feed(held)

    def _await_more(self) -> None:
        """Set the deadline for what is missing now."""
        reader, limits = self.reader, self.front.limits
        if reader.in_body:
            if self._phase != _BODY:
                self._phase = _BODY
                self._since = self.front.clock.monotonic()
            self.deadline = self._since + limits.body_timeout + reader.buffered / BODY_RATE
            front, counted = self.front, reader.buffered
            front.buffered += counted - self._counted
            self._counted = counted
            if front.buffered > limits.buffer_bytes:
                # Whoever sends a body has not shown a key yet: all of them together get so much memory and no more.
                self._uncount()
                front.refused(self, errors.BUFFERS_FULL)
                self._refuse(errors.BUFFERS_FULL, errors.BUFFERS_FULL.message)
                return
            if reader.expects_continue:
                reader.expects_continue = False
                self.write(CONTINUE)
        elif reader.in_head and self._phase != _HEAD:
            # Not moved by further bytes: a head that comes in drips has the same time as any other.
            self._phase = _HEAD
            self.deadline = self.front.clock.monotonic() + limits.header_timeout

    def _uncount(self) -> None:
        self.front.buffered -= self._counted
        self._counted = 0

    def finish(self, keep_alive: bool, now: float) -> None:
        """The request in hand has been answered: go on with the next one, or close."""
        self.relay = None
        self._busy = False
        if self.closing:
            return
        if not keep_alive or self.front.draining:
            self.close()
            return
        self._phase = _IDLE
        self.deadline = now + self.front.limits.idle_timeout
        if self.writable and not self._advancing and (self._held or self._reading_paused or self.reader.rest):
            self._advance(self._next())

    def _take_held(self) -> None:
        """Go on with what has come meanwhile."""
        if self._held or self._reading_paused or self.reader.rest:
            self._advance(self._next())

    @property
    def idle(self) -> bool:
        """No request is being read or answered."""
        return not self._busy and not self.reader.in_body and not self.reader.in_head

    # -- answers --------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send to the client, at the end of this turn."""
        self.front.turn.write(self.transport, data)

    def write_last(self, data: bytes) -> None:
        """Send the end of an answer, which waits until the answer's record is safe."""
        self.front.turn.write_recorded(self.transport, data)

    def close(self) -> None:
        """Close once everything written has been sent."""
        self.closing = True
        self.deadline = self.front.clock.monotonic() + LINGER_SECONDS + self.front.limits.idle_timeout
        self.front.turn.close(self.transport)

    def abort(self) -> None:
        """Close at once: the client must see that the answer is not whole."""
        self.closing = True
        self.front.turn.flush()
        self.deadline = 0.0
        # As a reset: an answer that ends with its connection would otherwise look whole.
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def _refuse(self, kind: errors.ErrorKind, message: str, status: int = 0) -> None:
        """Answer bytes that are no request, and close: what follows them cannot be trusted."""
        body = errors.error_body(message, kind.type, kind.code)
        head = own_head(status or kind.status, b"application/json", len(body), b"", close=True)
        self.write(head + body)
        self.linger()

    def linger(self) -> None:
        """Finish sending, then read and forget for a moment, then close."""
        self._busy = False
        self.front.turn.flush()
        if self.secure or not self.transport.can_write_eof() or self.front.turn.holds(self.transport):
            self.close()
            return
        self._lingering = LINGER_BYTES
        self.deadline = self.front.clock.monotonic() + LINGER_SECONDS
        self.transport.write_eof()

    def on_deadline(self, now: float) -> None:
        """Too slow, or idle for long enough."""
        self.deadline = 0.0
        if not self.writable and not self.closing:
            unsent = self.transport.get_write_buffer_size()
            if unsent < self._unsent:
                # Slow, but reading.
                self._unsent = unsent
                self.deadline = now + self.front.limits.idle_timeout
                return
        if self._lingering or self.closing or self._busy or not self.writable:
            self.transport.abort()
        elif self.reader.in_head or self.reader.in_body:
            what = "head" if self.reader.in_head else "body"
            self.front.refused(self, errors.REQUEST_TIMEOUT)
            self._refuse(errors.REQUEST_TIMEOUT, f"The request {what} did not arrive completely in time.")
        else:
            self.close()


_KINDS = {
    400: errors.BAD_REQUEST,
    408: errors.REQUEST_TIMEOUT,
    413: errors.BODY_TOO_LARGE,
    417: errors.EXPECTATION_FAILED,
    431: errors.HEADER_TOO_LARGE,
}
