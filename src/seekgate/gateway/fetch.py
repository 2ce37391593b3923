"""Fetching one small document by HTTP or HTTPS: a GET on a connection of its own, bounded in time and size.

Redirects are not followed: whoever configures a URL means that one.
"""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

import httptools

from seekgate import __version__
from seekgate.config.snapshot import UpstreamTls
from seekgate.gateway.connect import client_context, connect

TIMEOUT = 5.0
MAX_BYTES = 1_048_576


class FetchError(OSError):
    """The document did not come; the text says why."""


async def fetch(
    url: str, *, ca: str | None = None, proxy: str | None = None, timeout: float = TIMEOUT
) -> bytes:
    """The document at ``url``. ``ca`` is a PEM file instead of the system's roots; ``proxy`` as a provider has it.

    Raise `FetchError` for everything but a whole 200.
    """
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(timeout):
            return await _get(parts.scheme, parts.hostname or "", parts.port, _target(url), ca, proxy)
    except FetchError:
        raise
    except TimeoutError:
        raise FetchError(f"no answer within {timeout:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise FetchError(f"its certificate is not valid: {error.verify_message}") from None
    except OSError as error:
        raise FetchError(error.strerror or str(error) or type(error).__name__) from None


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


async def _get(
    scheme: str, host: str, port: int | None, target: str, ca: str | None, proxy: str | None
) -> bytes:
    context = client_context(UpstreamTls(ca=ca)) if scheme == "https" else None
    port = port or (443 if context is not None else 80)
    answer = _Answer(asyncio.get_running_loop().create_future())
    await connect(lambda: answer, host, port, host, context, proxy)
    try:
        name = f"[{host}]" if ":" in host else host
        authority = name if port == (443 if context is not None else 80) else f"{name}:{port}"
        head = (
            f"GET {target} HTTP/1.1\r\nHost: {authority}\r\nAccept: application/json\r\n"
            f"User-Agent: seekgate/{__version__}\r\nConnection: close\r\n\r\n"
        )
        answer.send(head.encode())
        return await answer.whole
    finally:
        answer.close()


class _Answer(asyncio.Protocol):
    """Reads one answer."""

    def __init__(self, whole: asyncio.Future[bytes]) -> None:
        self.whole = whole
        self._body = bytearray()
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._begun = False
        self._until_close = True

    def send(self, data: bytes) -> None:
        """Send the request."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Nothing more is wanted."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("its answer is not HTTP/1.1")

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if error is None and self._begun and self._until_close:
            self.on_message_complete()
        self._fail("the connection was closed before the answer was whole")

    # What the parser finds.

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head."""
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._until_close = False

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._begun = True
        status = self._parser.get_status_code()
        if status != 200:
            self._fail(f"it answered with status {status}")

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        self._body += data
        if len(self._body) > MAX_BYTES:
            self._fail(f"it is larger than {MAX_BYTES} bytes")

    def on_message_complete(self) -> None:
        """All of it is here."""
        if not self.whole.done():
            self.whole.set_result(bytes(self._body))

    def _fail(self, reason: str) -> None:
        if not self.whole.done():
            self.whole.set_exception(FetchError(reason))
