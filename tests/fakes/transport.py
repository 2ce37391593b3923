"""A transport without a socket: it records what a protocol writes and hands it what a test sends.

It keeps the promises that asyncio's and uvloop's transports keep: callbacks of the loop's end come in a later turn,
`pause_writing` is called from within `write`, nothing is delivered while reading is paused or after `close`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

HIGH_WATER = 65_536
LOW_WATER = 16_384


class FakeTransport(asyncio.Transport):
    """One end of a connection. The test is the other end, by the methods that begin with ``peer_``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, peer: str, tls: bool = False) -> None:
        super().__init__()
        self._loop = loop
        self._peer = peer
        self._tls = tls
        self._protocol: asyncio.Protocol | None = None
        self._incoming: deque[bytes | None] = deque()
        self._reading = True
        self._closing = False
        self._lost = False
        self._full = False
        self._buffer = bytearray()
        self._stuck = False
        self.sent = bytearray()
        self.eof_sent = False
        self.end = ""  # "closed" or "aborted", by the protocol; "reset" by the peer
        self.late: list[bytes] = []

    def attach(self, protocol: asyncio.Protocol) -> None:
        """Connected: tell the protocol."""
        self._protocol = protocol
        protocol.connection_made(self)

    # -- the protocol calls these ---------------------------------------------------------------------------------

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Only the peer's address, and whether the connection is encrypted."""
        if name == "peername":
            return (self._peer, 50_000)
        if name == "ssl_object":
            return object() if self._tls else None
        return default

    def is_closing(self) -> bool:
        """Closed by either side."""
        return self._closing

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send, or buffer while the peer does not read."""
        if self.eof_sent:
            raise RuntimeError("Cannot call write() after write_eof()")
        if self._closing:
            self.late.append(bytes(data))
            return
        if not self._stuck:
            self.sent += data
            return
        self._buffer += data
        if len(self._buffer) > HIGH_WATER and not self._full:
            self._full = True
            self.protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        """Bytes that the peer has not taken."""
        return len(self._buffer)

    def can_write_eof(self) -> bool:
        """TLS has no half-closed connections."""
        return not self._tls

    def write_eof(self) -> None:
        """Half-close."""
        self.eof_sent = True

    def pause_reading(self) -> None:
        """Deliver nothing until `resume_reading`."""
        self._reading = False

    def resume_reading(self) -> None:
        """Deliver again, from the loop's next turn on."""
        self._reading = True
        self._loop.call_soon(self._deliver)

    def is_reading(self) -> bool:
        """Whether bytes are delivered."""
        return self._reading and not self._closing

    def close(self) -> None:
        """Close when everything is sent."""
        if not self._closing:
            self._closing = True
            self.end = self.end or "closed"
            if not self._buffer:
                self._loop.call_soon(self._lose, None)

    def abort(self) -> None:
        """Close now; what is buffered is lost."""
        if not self._lost and self.end != "aborted":
            self._closing = True
            self.end = "aborted"
            self._buffer.clear()
            self._loop.call_soon(self._lose, None)

    # -- the test calls these -------------------------------------------------------------------------------------

    @property
    def protocol(self) -> asyncio.Protocol:
        """The protocol that is connected."""
        assert self._protocol is not None
        return self._protocol

    @property
    def open(self) -> bool:
        """Neither side has closed."""
        return not self._closing

    def peer_sends(self, data: bytes) -> None:
        """One read's worth of bytes."""
        self._incoming.append(data)
        self._deliver()

    def peer_finishes(self) -> None:
        """End of file: behind the bytes that were sent before."""
        self._incoming.append(None)
        self._deliver()

    def peer_resets(self) -> None:
        """The connection breaks."""
        if not self._closing:
            self._closing = True
            self.end = "reset"
            self._loop.call_soon(self._lose, ConnectionResetError(104, "Connection reset by peer"))

    def peer_stops_reading(self) -> None:
        """What is written is buffered from now on."""
        self._stuck = True

    def peer_takes(self, size: int) -> None:
        """Take so many of the buffered bytes, and no more."""
        self.sent += self._buffer[:size]
        del self._buffer[:size]

    def peer_reads_on(self) -> None:
        """Take what was buffered, and all that follows."""
        self._stuck = False
        self.sent += self._buffer
        self._buffer.clear()
        if self._full:
            self._full = False
            self.protocol.resume_writing()
        if self._closing:
            self._loop.call_soon(self._lose, None)

    def _deliver(self) -> None:
        while self._incoming and self._reading and not self._closing:
            data = self._incoming.popleft()
            if data is not None:
                self.protocol.data_received(data)
            elif not self.protocol.eof_received() or self._tls:
                self.close()

    def _lose(self, error: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self.protocol.connection_lost(error)
