"""One connection to a real Valkey."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import trustme

from seekgate.config.compiled.quota import Valkey
from seekgate.store import valkey as client
from seekgate.store.resp import Reply, ServerError, command
from seekgate.store.valkey import Link, Unusable, connect
from tests.support.limits import ValkeyServer, eventually, valkey


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


def _nothing() -> None:
    pass


def test_replies_come_in_the_order_of_the_commands(server: ValkeyServer) -> None:
    async def scene() -> list[Reply]:
        link = await connect(server.where, None, _nothing)
        found: list[Reply] = []
        for number in range(50):
            link.send(command("ECHO", f"{number}"), found.append)
        link.send(command("NO SUCH"), found.append)
        await link.ask("PING")
        assert link.waiting == 0
        link.close()
        return found

    found = asyncio.run(scene())
    assert found[:50] == [b"%d" % number for number in range(50)]
    assert isinstance(found[50], ServerError)


def test_another_database_and_a_wrong_password(server: ValkeyServer) -> None:
    async def scene() -> None:
        where = msgspec.structs.replace(server.where, database=3)
        link = await connect(where, None, _nothing)
        assert b"db=3" in await link.ask("CLIENT", "INFO")  # type: ignore[operator]
        link.close()
        with pytest.raises(Unusable) as failure:
            await connect(msgspec.structs.replace(where, username="gate"), "hunter2", _nothing)
        assert "hunter2" not in str(failure.value)

    asyncio.run(scene())


def test_a_lost_connection_is_told_once(server: ValkeyServer) -> None:
    async def scene() -> None:
        told: list[int] = []
        link = await connect(server.where, None, lambda: told.append(1))
        replies: list[Reply] = []
        server.pause()
        link.send(command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"), replies.append)
        link.send(command("PING"), replies.append)
        waiting = asyncio.ensure_future(link.ask("PING"))
        await asyncio.sleep(0)
        server.resume()
        with pytest.raises(ConnectionError):
            await waiting
        assert replies[-1] is client.LOST
        assert not link.open
        link.send(command("PING"), told.append)  # type: ignore[arg-type]
        with pytest.raises(ConnectionError):
            await link.ask("PING")
        assert told == [1]

    asyncio.run(scene())


def test_a_password_is_shown(server: ValkeyServer) -> None:
    async def scene() -> None:
        link = await connect(server.where, None, _nothing)
        await link.ask("CONFIG", "SET", "requirepass", "s3cret")
        try:
            for wrong in (None, "guess"):
                with pytest.raises(Unusable):
                    await connect(server.where, wrong, _nothing)
            (await connect(server.where, "s3cret", _nothing)).close()
            (
                await connect(msgspec.structs.replace(server.where, username="default"), "s3cret", _nothing)
            ).close()
        finally:
            await link.ask("CONFIG", "SET", "requirepass", "")
            link.close()

    asyncio.run(scene())


def test_over_tls_the_servers_certificate_is_checked(server: ValkeyServer, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def scene() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_unix_connection(server.path)
            await asyncio.gather(_pass(reader, back), _pass(there, writer))

        listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = listening.sockets[0].getsockname()[1]
        where = Valkey("127.0.0.1", port, tls=True, ca=str(tmp_path / "ca.pem"))
        link = await connect(where, None, _nothing)
        assert await link.ask("ECHO", "x") == b"x"
        assert link.descriptor == -1
        link.close()
        with pytest.raises(ssl.SSLError):
            await connect(msgspec.structs.replace(where, ca=None), None, _nothing)
        listening.close()

    asyncio.run(scene())


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


def test_a_server_that_answers_nothing_is_given_up(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        told: list[int] = []
        link = await connect(server.where, None, lambda: told.append(1))
        server.pause()
        monkeypatch.setattr(client, "CONNECT", 0.05)
        with pytest.raises(TimeoutError):
            await connect(server.where, None, _nothing)
        for _ in range(client.UNANSWERED + 1):
            link.send(command("PING"), lambda reply: None)
        await eventually(lambda: told, "the connection's end")

    try:
        asyncio.run(scene())
    finally:
        server.resume()


def test_what_is_not_valkey_is_given_up(tmp_path: Path) -> None:
    async def scene() -> None:
        async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()

        path = str(tmp_path / "other.sock")
        listening = await asyncio.start_unix_server(other, path)
        link = Link(_nothing)
        with pytest.raises((ConnectionError, TimeoutError)):
            await asyncio.wait_for(connect(Valkey(path=path), None, _nothing), 5)
        assert not link.open
        assert link.descriptor == -1
        listening.close()

    asyncio.run(scene())
