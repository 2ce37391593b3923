"""A document that is followed: refreshed, asked for once more, and kept through outages and restarts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from seekgate.gateway import followed as module
from seekgate.gateway.followed import Followed, kept_in

WALL = 1_780_000_000.0


class Publisher:
    """Publishes ``document`` by HTTP; None: the connection is closed at once. ``gate`` holds answers back."""

    def __init__(self) -> None:
        self.document: bytes | None = b"1"
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        document = self.document
        self.asked += 1
        self.arrived.set()
        await self.gate.wait()
        if document is not None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(document), document))
        writer.close()


class Scene:
    """A publisher and one who follows it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.publisher = Publisher()
        self.now = WALL
        self.made: list[Followed[list[int]]] = []

    def follow(self, refresh: float = 1000.0, max_stale: float = 3600.0) -> Followed[list[int]]:
        where = f"http://127.0.0.1:{self.publisher.port}/"
        made = Followed(
            where,
            parse,
            lambda: self.now,
            refresh=refresh,
            max_stale=max_stale,
            kept=kept_in(self.home, where),
        )
        self.made.append(made)
        made.start()
        return made

    async def first(self, **options: float) -> Followed[list[int]]:
        made = self.follow(**options)
        await made.again()
        return made


def parse(old: list[int] | None, data: bytes) -> list[int]:
    return [*(old or []), int(data)]


def play(home: Path, scene: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        made = Scene(home)
        server = await asyncio.start_server(made.publisher.handle, "127.0.0.1", 0)
        made.publisher.port = server.sockets[0].getsockname()[1]
        async with server, asyncio.timeout(60):
            try:
                await scene(made)
            finally:
                for each in made.made:
                    each.close()

    asyncio.run(run())


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.02)
    monkeypatch.setattr(module, "RETRY", 0.02)


def test_it_is_fetched_and_what_is_new_is_given_the_old(tmp_path: Path) -> None:
    async def scene(s: Scene) -> None:
        made = await s.first()
        assert made.value is not None
        assert made.value[0] == 1
        s.publisher.document = b"2"
        await made.again()
        assert made.value[-1] == 2
        assert made.fresh(WALL)

    play(tmp_path, scene)


def test_those_who_ask_meanwhile_share_one_attempt_that_begins_after_they_asked(tmp_path: Path) -> None:
    async def scene(s: Scene) -> None:
        made = await s.first()
        s.publisher.gate.clear()
        s.publisher.arrived.clear()
        early = asyncio.ensure_future(made.again())
        await s.publisher.arrived.wait()
        asked = s.publisher.asked
        s.publisher.document = b"9"
        late = [asyncio.ensure_future(made.again()) for _ in range(50)]
        s.publisher.gate.set()
        await early
        assert made.value is not None
        assert made.value[-1] == 1, "the attempt that was under way knows nothing of it"
        await asyncio.gather(*late)
        assert made.value[-1] == 9
        assert s.publisher.asked == asked + 1

    play(tmp_path, scene)


def test_whatever_is_published_it_is_followed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(old: list[int] | None, data: bytes) -> list[int]:
        if data == b"5":
            raise TypeError("'int' object is not iterable")
        return [*(old or []), int(data)]

    async def scene(s: Scene) -> None:
        made = await s.first()
        s.publisher.document = b"5"
        await made.again()
        assert made.trouble == "it cannot be read (TypeError: 'int' object is not iterable)"
        assert made.value is not None
        assert made.value[-1] == 1
        s.publisher.document = b"6"
        await made.again()
        assert made.value[-1] == 6
        assert not made.trouble

    monkeypatch.setitem(globals(), "parse", careless)
    play(tmp_path, scene)


def test_a_name_that_cannot_be_looked_up_is_tried_again(tmp_path: Path) -> None:
    async def scene(s: Scene) -> None:
        made = Followed("https://a..b/", parse, lambda: s.now, refresh=1000.0, max_stale=3600.0)
        s.made.append(made)
        made.start()
        for _ in range(2):
            await made.again()
            assert made.trouble

    play(tmp_path, scene)


def test_it_is_not_asked_for_more_often_than_it_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(s: Scene) -> None:
        made = await s.first()
        monkeypatch.setattr(module, "PAUSE", 3600.0)
        asked = s.publisher.asked
        waiting = [asyncio.ensure_future(made.again()) for _ in range(20)]
        for _ in range(100):
            await asyncio.sleep(0)
        assert not any(each.done() for each in waiting)
        assert s.publisher.asked == asked
        made.close()
        await asyncio.gather(*waiting)

    play(tmp_path, scene)


def test_it_is_refreshed_without_being_asked(tmp_path: Path) -> None:
    async def scene(s: Scene) -> None:
        made = await s.first(refresh=0.03)
        s.publisher.document = b"2"
        while made.value is None or made.value[-1] != 2:
            await asyncio.sleep(0)

    play(tmp_path, scene)


def test_an_outage_is_said_once_and_costs_nothing_until_it_is_too_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scene(s: Scene) -> None:
        made = await s.first(max_stale=100.0)
        s.publisher.document = None
        for _ in range(4):
            await made.again()
        assert "closed before" in made.trouble
        assert made.value is not None
        assert made.value[0] == 1
        assert made.fresh(WALL + 100)
        assert not made.fresh(WALL + 101)
        s.publisher.document, s.now = b"nonsense", WALL + 50
        await made.again()
        assert not made.fresh(WALL + 101)
        s.publisher.document = b"2"
        while made.trouble:
            await asyncio.sleep(0)
        assert made.fresh(WALL + 150)

    play(tmp_path, scene)
    said = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]
    assert said == ["a document cannot be fetched", "a document is fetched again"]


def test_a_restart_during_an_outage_goes_on_with_what_was_kept(tmp_path: Path) -> None:
    async def scene(s: Scene) -> None:
        made = await s.first()
        kept = kept_in(tmp_path, made.where)
        while not kept.exists():
            await asyncio.sleep(0)
        made.close()
        assert kept.stat().st_mode & 0o777 == 0o600
        s.publisher.document = None
        again = s.follow()
        assert again.value == [1], "at once, before anything was fetched"
        assert again.fresh(kept.stat().st_mtime + 3600)
        assert not again.fresh(kept.stat().st_mtime + 3601)
        kept.write_bytes(b"nonsense")
        third = s.follow()
        assert third.value is None

    play(tmp_path, scene)


def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_REFRESH", 0.02)
    path = tmp_path / "keys"

    async def scene(s: Scene) -> None:
        path.write_bytes(b"1")
        made = Followed(str(path), parse, lambda: WALL, refresh=1000.0, max_stale=3600.0)
        s.made.append(made)
        made.start()
        assert made.value == [1], "read at once"
        path.write_bytes(b"2")
        await made.again()
        assert made.value[-1] == 2
        path.write_bytes(b"3")
        while made.value[-1] != 3:
            await asyncio.sleep(0)
        path.unlink()
        await made.again()
        assert "No such file" in made.trouble
        assert made.value[-1] == 3

    play(tmp_path, scene)


def test_who_waits_when_it_is_closed_is_told(tmp_path: Path) -> None:
    async def scene(s: Scene) -> None:
        made = await s.first()
        s.publisher.gate.clear()
        waiting = [asyncio.ensure_future(made.again()) for _ in range(3)]
        waiting[0].cancel()
        made.close()
        await asyncio.gather(*waiting[1:])
        await made.again()
        s.publisher.gate.set()

    play(tmp_path, scene)


def test_a_full_disk_costs_the_next_start_its_knowledge_only(tmp_path: Path) -> None:
    async def scene(s: Scene) -> None:
        (tmp_path / "documents").write_bytes(b"in the way")
        made = await s.first()
        assert made.value is not None
        assert not made.trouble

    play(tmp_path, scene)
