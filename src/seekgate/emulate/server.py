"""The protocol: bytes of a connection become requests, and the steps of a delivery become writes and waits.

One connection answers one request at a time; pipelined requests wait their turn. Writing stops while the transport's
buffer is full and goes on when it has drained, so a stream of any length takes no more memory than that buffer. A
client that closes its side while it is being answered has left: it is recorded at once and the connection closed.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol, cast

import httptools

from seekgate.emulate.delivery import Signal, Step, Terms, head
from seekgate.emulate.errors import refusal

#: Steps taken before the loop gets a turn, and requests that may wait on one connection.
_BATCH = 64
_PIPELINE = 16

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

#: One parsed request: method, target, headers, body.
Parsed = tuple[str, str, tuple[tuple[str, str], ...], bytes]


class Exchange(Protocol):
    """A request that is being answered."""

    steps: Iterator[Step]

    def finish(self, sent_bytes: int, left: bool) -> None:
        """Take note of the end, exactly once; ``left`` says that the client went away."""


#: Begins to answer a request. `Terms` say what the connection can do.
Begin = Callable[[Parsed, Terms], Exchange]


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, begin: Begin, terms: Terms, max_body: int, connections: set[Connection]) -> None:
        self._begin = begin
        self._terms = terms
        self._max_body = max_body
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Parsed, Terms]] = deque()
        self._exchange: Exchange | None = None
        self._sent = 0
        self._paused = False
        self._stalled = False
        self._closing = False
        self._timer: asyncio.Handle | None = None
        self._target = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, whoever ended it."""
        self._connections.discard(self)
        self._closing = True
        self._end(left=True)

    def eof_received(self) -> bool:
        """The client has closed its side: whoever waits for an answer does not do that."""
        self._closing = True
        self._end(left=True)
        return False

    def data_received(self, data: bytes) -> None:
        """Parse what came; what is not HTTP ends the connection with a 400."""
        if self._closing:
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._reject(400, f"This is not a request that the emulator understands: {error}")

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self._paused = True

    def resume_writing(self) -> None:
        """The transport's buffer has drained."""
        self._paused = False
        if self._stalled:
            self._stalled = False
            self._pump()

    # What httptools calls.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._target = b""
        self._headers = []
        self._body = []
        self._size = 0

    def on_url(self, url: bytes) -> None:
        """A part of the request target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field."""
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """The head is complete: a client that asked for it is told to go on (RFC 9110, section 10.1.1)."""
        if any(name == "expect" and value.lower() == "100-continue" for name, value in self._headers):
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._size += len(body)
        if self._size > self._max_body:
            self._reject(413, None)
        elif not self._closing:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is complete: answer it, or let it wait for the one before it."""
        if self._closing:
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        method = self._parser.get_method().decode("latin-1")
        chunked = self._parser.get_http_version() == "1.1"
        keep_alive = self._parser.should_keep_alive()
        terms = self._terms
        if not (chunked and keep_alive):
            terms = Terms(chunked, keep_alive, terms.keepalive_interval, terms.queue_limit)
        request = (method, self._target.decode("latin-1"), tuple(self._headers), body)
        self._waiting.append((request, terms))
        if self._exchange is None:
            self._next()
        elif len(self._waiting) == _PIPELINE:
            self._transport.pause_reading()

    # Answering.

    def close(self) -> None:
        """Close the connection at once; a request in flight counts as aborted."""
        self._closing = True
        self._end(left=True)
        self._transport.abort()

    def _next(self) -> None:
        """Begin with the request that has waited longest, if nothing is being answered."""
        if self._exchange is not None or not self._waiting or self._closing:
            return
        if len(self._waiting) == _PIPELINE:
            self._transport.resume_reading()
        request, terms = self._waiting.popleft()
        self._sent = 0
        self._exchange = self._begin(request, terms)
        self._pump()

    def _pump(self) -> None:
        """Take steps until one waits, the buffer is full, or the answer is complete."""
        self._timer = None
        if self._exchange is None:
            return
        steps, transport = self._exchange.steps, self._transport
        for _ in range(_BATCH):
            if self._paused:
                self._stalled = True
                return
            step = next(steps, None)
            if isinstance(step, bytes):
                self._sent += len(step)
                transport.write(step)
            elif step is None:
                self._end(left=False)
                if self._waiting:
                    # Through the loop, so that many pipelined requests do not nest.
                    self._loop.call_soon(self._next)
                return
            elif isinstance(step, Signal):
                self._stop(step)
                return
            else:
                self._timer = (
                    self._loop.call_later(step, self._pump) if step else self._loop.call_soon(self._pump)
                )
                return
        self._timer = self._loop.call_soon(self._pump)

    def _stop(self, signal: Signal) -> None:
        self._closing = True
        self._end(left=False)
        if signal is Signal.RESET:
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    def _end(self, left: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.finish(self._sent, left)

    def _reject(self, status: int, message: str | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._end(left=False)
        body = refusal(status, message).body()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        self._transport.write(head(status, headers) + body)
        self._transport.close()
