"""Posting small JSON documents to one service, on connections that are kept: for what a request waits for.

Redirects are not followed, an answer that is not a whole 200 is an error, and a connection whose answer did not come is
never used again. A kept connection that the service had closed meanwhile is replaced once.
"""

from __future__ import annotations

import asyncio
import ssl

import httptools

from seekgate import __version__
from seekgate.gateway.connect import connect

MAX_BYTES = 1_048_576
MAX_IDLE = 16


class PostError(OSError):
    """The answer did not come; the text says why."""


class Poster:
    """Posts to ``path`` at ``host``. ``context`` is TLS's (None: plain HTTP), ``authorization`` a bearer token."""

    def __init__(
        self,
        host: str,
        port: int,
        path: str,
        context: ssl.SSLContext | None,
        authorization: str | None,
        proxy: str | None,
    ) -> None:
        self._host, self._port, self._context, self._proxy = host, port, context, proxy
        self._idle: list[_Connection] = []
        self._closed = False
        name = f"[{host}]" if ":" in host else host
        authority = name if port == (443 if context is not None else 80) else f"{name}:{port}"
        bearer = f"Authorization: Bearer {authorization}\r\n" if authorization is not None else ""
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {authority}\r\nAccept: application/json\r\n"
            f"Content-Type: application/json\r\nUser-Agent: seekgate/{__version__}\r\n{bearer}"
        ).encode("latin-1")

    async def post(self, body: bytes, timeout: float) -> bytes:
        """The answer's body. Raise `PostError` for everything but a whole 200 within ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                return await self._post(body)
        except PostError:
            raise
        except TimeoutError:
            raise PostError(f"no answer within {timeout:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise PostError(f"its certificate is not valid: {error.verify_message}") from None
        except OSError as error:
            raise PostError(error.strerror or str(error) or type(error).__name__) from None

    async def _post(self, body: bytes) -> bytes:
        request = b"%bContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body)
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                try:
                    return await self._on(connection, request)
                except _Stale:
                    break  # it was closed as we took it: once more, on a connection of its own
        return await self._on(await self._connect(), request)

    async def _connect(self) -> _Connection:
        connection = _Connection(asyncio.get_running_loop())
        await connect(lambda: connection, self._host, self._port, self._host, self._context, self._proxy)
        return connection

    async def _on(self, connection: _Connection, request: bytes) -> bytes:
        answered = False
        try:
            answer = await connection.exchange(request)
            answered = True
            return answer
        finally:
            # Also when it was cancelled: a late answer must not be taken for the next one's.
            if answered and connection.reusable and len(self._idle) < MAX_IDLE and not self._closed:
                self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Let go of the kept connections, and keep no more. Calls that are under way, or come, are made."""
        self._closed = True
        for connection in self._idle:
            connection.close()
        self._idle.clear()


class _Stale(PostError):
    """A kept connection ended without a byte of an answer."""


class _Connection(asyncio.Protocol):
    """One connection, one exchange at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._whole: asyncio.Future[bytes] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._used = False
        self._answering = False
        self._kept = False

    @property
    def open(self) -> bool:
        """Whether it can be written to."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow."""
        return self.open and self._kept

    async def exchange(self, request: bytes) -> bytes:
        """Send, and wait for the whole answer."""
        if self._transport is None:
            raise _Stale("the connection was closed")
        self._whole = self._loop.create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._body.clear()
        self._answering = self._kept = False
        self._transport.write(request)
        try:
            return await self._whole
        finally:
            self._used, self._whole = True, None

    def close(self) -> None:
        """Let go of it."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._answering = True
        if self._whole is None:
            self.close()  # nothing was asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(PostError("its answer is not HTTP/1.1"))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._used and not self._answering:
            self._fail(_Stale("the connection was closed"))
        else:
            self._fail(PostError("the connection was closed before the answer was whole"))

    # What the parser finds.

    def on_headers_complete(self) -> None:
        """The head is whole."""
        status = self._parser.get_status_code()
        if status != 200:
            self._fail(PostError(f"it answered with status {status}"))

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self._body += data
        if len(self._body) > MAX_BYTES:
            self._fail(PostError(f"its answer is larger than {MAX_BYTES} bytes"))

    def on_message_complete(self) -> None:
        """All of it is here."""
        self._kept = self._parser.should_keep_alive()
        if self._whole is not None and not self._whole.done():
            self._whole.set_result(bytes(self._body))

    def _fail(self, error: PostError) -> None:
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(error)
