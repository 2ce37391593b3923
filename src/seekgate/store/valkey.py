"""One connection to Valkey, for a worker's loop: commands go out at once, their replies come in order.

Nobody waits here: each command has a callback. Whoever asks decides how long an answer is worth waiting for, and what
to do without one (`seekgate.store.valkey_leases`).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable

from seekgate.config.compiled.quota import Valkey
from seekgate.store.resp import ProtocolError, Replies, Reply, ServerError, command

CONNECT = 2.0
"""Seconds for a connection to be made and greeted: no request waits for that."""

UNANSWERED = 256
"""Commands that may wait for replies; with more, the connection is given up."""

Told = Callable[[Reply], object]

LOST = ServerError("LOST the connection")


class Unusable(Exception):
    """The server is there and will not work: wrong password, no scripts, not Valkey."""


class Link(asyncio.Protocol):
    """An open connection. ``lost`` is told once when it is gone; commands without a reply by then get `LOST`."""

    def __init__(self, lost: Callable[[], object]) -> None:
        self._lost = lost
        self._replies = Replies()
        self._waiting: deque[Told] = deque()
        self._transport: asyncio.Transport | None = None

    @property
    def waiting(self) -> int:
        """Commands without a reply yet."""
        return len(self._waiting)

    @property
    def open(self) -> bool:
        """Whether commands can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def descriptor(self) -> int:
        """The socket's descriptor, or -1: for what must be written while the loop ends. Not with TLS."""
        if self._transport is None or self._transport.get_extra_info("ssl_object") is not None:
            return -1
        found = self._transport.get_extra_info("socket")
        return -1 if found is None else int(found.fileno())

    def send(self, data: bytes, told: Told) -> None:
        """Send one command (`seekgate.store.resp.command`); ``told`` gets its reply."""
        if self._transport is None:
            return
        self._waiting.append(told)
        self._transport.write(data)
        if len(self._waiting) > UNANSWERED:
            self.close()

    async def ask(self, *parts: bytes | str | int) -> Reply:
        """Send a command and wait for its reply. Raises `Unusable` for an error, `ConnectionError` without a reply."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.send(command(*parts), lambda reply: None if future.done() else future.set_result(reply))
        if not self.open:
            raise ConnectionResetError
        reply = await future
        if reply is LOST:
            raise ConnectionResetError
        if isinstance(reply, ServerError):
            raise Unusable(str(reply).partition(" ")[0])
        return reply

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Some replies."""
        try:
            replies = self._replies.feed(data)
        except ProtocolError:
            self.close()
            return
        for reply in replies:
            if not self._waiting:
                self.close()
                return
            self._waiting.popleft()(reply)

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._transport = None
        waiting, self._waiting = self._waiting, deque()
        for told in waiting:
            told(LOST)
        self._lost()


async def connect(where: Valkey, password: str | None, lost: Callable[[], object]) -> Link:
    """Connect and greet. Raises `OSError`, `TimeoutError` or `Unusable`."""
    async with asyncio.timeout(CONNECT):
        loop = asyncio.get_running_loop()
        if where.path:
            _, link = await loop.create_unix_connection(lambda: Link(lost), where.path)
        else:
            context = ssl.create_default_context(cafile=where.ca) if where.tls else None
            _, link = await loop.create_connection(lambda: Link(lost), where.host, where.port, ssl=context)
        try:
            if password is not None:
                await link.ask("AUTH", *([where.username] if where.username else []), password)
            if where.database:
                await link.ask("SELECT", where.database)
            await link.ask("PING")
        except BaseException:
            link.close()
            raise
    return link
