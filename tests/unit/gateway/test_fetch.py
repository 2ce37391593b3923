"""One small document over the network: whole, in time, and within bounds, or an error that says what was wrong."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from seekgate.gateway.fetch import FetchError, fetch
from tests.support.certificates import Authority

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(data: bytes, *, stay: bool = False) -> tuple[Handle, list[bytes]]:
    """A server that answers so; what it was asked. ``stay``: it does not close."""
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(data)
        await writer.drain()
        if stay:
            await reader.read()
        writer.close()

    return handle, asked


def play(handle: Handle, path: str = "/keys?a=b", timeout: float = 20.0, **options: object) -> bytes:
    """Fetch from a server of this test's own."""

    async def scene() -> bytes:
        context = options.pop("server", None)
        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            scheme = "http" if context is None else "https"
            return await fetch(f"{scheme}://127.0.0.1:{port}{path}", timeout=timeout, **options)  # type: ignore[arg-type]

    return asyncio.run(scene())


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
    ],
)
def test_a_document(data: bytes) -> None:
    handle, asked = answer(data)
    assert play(handle) == b"hello"
    assert asked[0].startswith(b"GET /keys?a=b HTTP/1.1\r\nHost: 127.0.0.1:")
    assert asked[0].lower().count(b"connection: close") == 1


def test_it_does_not_wait_for_the_end_of_the_connection() -> None:
    handle, _ = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", stay=True)
    assert play(handle) == b"hello"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "status 302"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", "status 503"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", "closed before the answer was whole"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "closed before"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed before the answer was whole"),
        (b"", "closed before the answer was whole"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1_100_000, "larger than"),
    ],
)
def test_what_is_not_a_whole_document(data: bytes, reason: str) -> None:
    handle, _ = answer(data)
    with pytest.raises(FetchError, match=reason):
        play(handle)


def test_a_server_that_says_nothing_is_given_up() -> None:
    handle, _ = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", stay=True)
    with pytest.raises(FetchError, match=r"no answer within 0\.1 s"):
        play(handle, timeout=0.1)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(FetchError, match=r"refused|onnect"):
        asyncio.run(fetch(f"http://127.0.0.1:{port}/"))


def test_tls_is_verified(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    handle, _ = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    assert play(handle, server=context, ca=str(authority.file)) == b"hello"
    with pytest.raises(FetchError, match="certificate is not valid"):
        play(handle, server=context)
    with pytest.raises(FetchError, match="No such file"):
        play(handle, server=context, ca=str(tmp_path / "gone"))


def test_through_a_proxy() -> None:
    handle, _ = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    tunnels: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnels.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await handle(reader, writer)

    async def scene() -> bytes:
        async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await fetch("http://keys.example/k", proxy=f"http://127.0.0.1:{port}", timeout=20.0)

    assert asyncio.run(scene()) == b"hello"
    assert tunnels[0].startswith(b"CONNECT keys.example:80 ")
