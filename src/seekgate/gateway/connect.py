"""Opening one connection to an upstream: directly or through an HTTPS proxy (CONNECT, RFC 9110, 9.3.6)."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from seekgate.config.snapshot import UpstreamTls

_MAX_PROXY_HEAD = 16_384


class Refused(OSError):
    """The proxy did not open the tunnel."""


def client_context(tls: UpstreamTls) -> ssl.SSLContext:
    """TLS towards an upstream: verified against ``tls.ca`` or the system's roots, TLS 1.2 at least.

    Raise `OSError` or `ssl.SSLError` when a file cannot be read or does not fit.
    """
    context = ssl.create_default_context(cafile=tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def connect(
    protocol: Callable[[], asyncio.Protocol],
    address: str,
    port: int,
    server_name: str,
    context: ssl.SSLContext | None,
    proxy: str | None,
) -> None:
    """Connect; ``protocol`` has its transport when this returns. Raise `OSError` (`ssl.SSLError` is one)."""
    loop = asyncio.get_running_loop()
    if proxy is not None:
        await _through_proxy(protocol, server_name, port, context, proxy)
    elif address.startswith("/"):
        await loop.create_unix_connection(protocol, address)
    else:
        name = server_name if context is not None else None
        await loop.create_connection(protocol, address, port, ssl=context, server_hostname=name)


async def _through_proxy(
    protocol: Callable[[], asyncio.Protocol], host: str, port: int, context: ssl.SSLContext | None, proxy: str
) -> None:
    loop = asyncio.get_running_loop()
    url = urlsplit(proxy)
    tunnel = _Tunnel(loop.create_future())
    transport, _ = await loop.create_connection(lambda: tunnel, url.hostname or "", url.port or 3128)
    try:
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        head = f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"
        if url.username is not None:
            pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
            head += f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
        transport.write(head.encode("latin-1") + b"\r\n")
        await tunnel.opened
        inner = protocol()
        if context is None:
            transport.set_protocol(inner)
            inner.connection_made(transport)
            return
        secured = await loop.start_tls(transport, inner, context, server_hostname=host)
        if secured is None:
            raise Refused("the connection was closed during the TLS handshake")
        inner.connection_made(secured)
    except BaseException:
        transport.abort()
        raise


class _Tunnel(asyncio.Protocol):
    """Reads the proxy's answer to CONNECT."""

    def __init__(self, opened: asyncio.Future[None]) -> None:
        self.opened = opened
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self.opened.done():
            return
        if b"\r\n\r\n" not in self._head:
            if len(self._head) > _MAX_PROXY_HEAD:
                self.opened.set_exception(Refused("the proxy's answer has no end"))
            return
        line = self._head.split(b"\r\n", 1)[0].split(b" ")
        if len(line) >= 2 and line[1].startswith(b"2"):
            self.opened.set_result(None)
        else:
            status = line[1].decode("latin-1")[:3] if len(line) >= 2 else "?"
            self.opened.set_exception(Refused(f"the proxy answered {status} to CONNECT"))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(Refused("the proxy closed the connection"))
