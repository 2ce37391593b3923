"""Opening connections: directly, over a Unix socket, through a proxy. Against real sockets on this machine."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trustme

from seekgate.config.snapshot import UpstreamTls
from seekgate.gateway.connect import Refused, client_context, connect

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Client(asyncio.Protocol):
    """Says hello and waits for the answer."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"hello\n")

    def data_received(self, data: bytes) -> None:
        if not self.answered.done():
            self.answered.set_result(data)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"you said " + await reader.readline())
    await writer.drain()


def ask(
    handler: Handler,
    *,
    server: ssl.SSLContext | None = None,
    context: ssl.SSLContext | None = None,
    proxy: str | None = None,
    path: str = "",
) -> bytes:
    """Connect to a server that does ``handler``, by way of ``proxy`` (``{port}`` is the server's), and say hello."""

    async def play() -> bytes:
        made: list[Client] = []

        def make() -> Client:
            made.append(Client())
            return made[-1]

        if path:
            listening = await asyncio.start_unix_server(handler, path)
            port = 0
        else:
            listening = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=server)
            port = listening.sockets[0].getsockname()[1]
        try:
            through = None if proxy is None else proxy.format(port=port)
            await connect(make, path or "127.0.0.1", port, "models.internal", context, through)
            answer = await made[0].answered
            made[0].transport.abort()
            return answer
        finally:
            listening.close()

    return asyncio.run(asyncio.wait_for(play(), 30))


def test_directly() -> None:
    assert ask(echo) == b"you said hello\n"


def test_over_a_unix_socket(tmp_path: Path) -> None:
    assert ask(echo, path=str(tmp_path / "socket")) == b"you said hello\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("models.internal").configure_cert(context)
    return context


def test_tls_is_verified_against_the_name(
    authority: trustme.CA, server: ssl.SSLContext, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    assert ask(echo, server=server, context=client_context(UpstreamTls(ca=str(file)))) == b"you said hello\n"
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(echo, server=server, context=client_context(UpstreamTls()))
    unverified = client_context(UpstreamTls(verify=False))
    assert ask(echo, server=server, context=unverified) == b"you said hello\n"


def test_a_certificate_of_ours(authority: trustme.CA, server: ssl.SSLContext, tmp_path: Path) -> None:
    ca, own, key = tmp_path / "ca.pem", tmp_path / "own.pem", tmp_path / "key.pem"
    issued = authority.issue_cert("gateway")
    authority.cert_pem.write_to_path(str(ca))
    issued.cert_chain_pems[0].write_to_path(str(own))
    issued.private_key_pem.write_to_path(str(key))
    server.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server)
    tls = UpstreamTls(ca=str(ca), certificate=str(own), key=str(key))
    assert ask(echo, server=server, context=client_context(tls)) == b"you said hello\n"


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for tls in (UpstreamTls(ca=str(tmp_path / "none")), UpstreamTls(certificate=str(tmp_path / "none"))):
        with pytest.raises(OSError, match="No such file"):
            client_context(tls)


# -- through a proxy ----------------------------------------------------------------------------------------------

HEADS: list[bytes] = []


def tunnel(answer: bytes, then: Handler = echo) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        HEADS.append(await reader.readuntil(b"\r\n\r\n"))
        for piece in answer.split(b"|"):
            writer.write(piece)
            await writer.drain()
        if b" 200 " in answer:
            await then(reader, writer)
        writer.close()

    return handle


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 |Connection established\r\nVia: x\r|\n\r\n"]
)
def test_a_tunnel(answer: bytes) -> None:
    HEADS.clear()
    assert ask(tunnel(answer), proxy="http://127.0.0.1:{port}") == b"you said hello\n"
    line = HEADS[0].split(b"\r\n")[0]
    assert line.startswith(b"CONNECT models.internal:")
    assert b"Proxy-Authorization" not in HEADS[0]


def test_a_proxy_with_a_password() -> None:
    HEADS.clear()
    ask(tunnel(b"HTTP/1.1 200 OK\r\n\r\n"), proxy="http://me:p%40ss@127.0.0.1:{port}")
    assert b"\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n" in HEADS[0]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "the proxy answered 403 to CONNECT"),
        (
            b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic\r\n\r\n",
            "the proxy answered 407 to CONNECT",
        ),
        (b"nonsense\r\n\r\n", "the proxy answered ? to CONNECT"),
        (b"HTTP/1.1 200", "the proxy closed the connection"),
        (b"", "the proxy closed the connection"),
        (b"HTTP/1.1 403 X\r\nA: " + b"a" * 20_000, "the proxy's answer has no end"),
    ],
)
def test_a_tunnel_that_is_not_opened(answer: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said.replace("?", r"\?")):
        ask(
            tunnel(answer.replace(b" 200", b" 20x") if answer == b"HTTP/1.1 200" else answer),
            proxy="http://127.0.0.1:{port}",
        )
