"""One connection to a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

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


def test_a_server_that_answers_nothing_is_given_up(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CONNECT", 0.05)

    async def scene() -> None:
        told: list[int] = []
        link = await connect(server.where, None, lambda: told.append(1))
        server.pause()
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
