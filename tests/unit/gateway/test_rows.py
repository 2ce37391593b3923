"""A worker follows the row log: before it is ready, on each tick, and from one file to the next."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from seekgate.config.rowlog import Change, RowLogWriter, change, log_path
from seekgate.config.rows import BindingRow, KeyRow, Row
from seekgate.gateway.rows import FORGET, Rows


class Table:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.told = 0

    def apply(self, kind: str, id: str, row: Row | None) -> None:
        self.told += 1
        if id == "explosive":
            raise RuntimeError("boom")
        if row is None:
            self.rows.pop(id, None)
        else:
            self.rows[id] = row


def key(number: int, id: str) -> Change:
    return change(number, "key", id, KeyRow(id=id, digest="00" * 32, name=id))


class Following:
    """Rows, their two tables, and the log's writer."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.writer = RowLogWriter(log_path(home))
        self.rows = Rows()
        self.keys, self.bindings = Table(), Table()
        self.rows.register("key", self.keys.apply)
        self.rows.register("binding", self.bindings.apply)

    async def load(self) -> None:
        await self.rows.load(self.home)


def play(home: Path, scene: Callable[[Following], Awaitable[None]]) -> Following:
    following = Following(home)
    asyncio.run(scene(following))  # type: ignore[arg-type]
    following.rows.close()
    following.writer.close()
    return following


def test_the_log_is_read_before_the_worker_is_ready(tmp_path: Path) -> None:
    async def scene(f: Following) -> None:
        f.writer.append([key(n, f"k{n}") for n in range(1, 2000)])
        f.writer.append([change(2000, "binding", "team:x", BindingRow("team:x", "team", "x", ("r",)))])
        f.writer.append([change(2001, "unheard-of", "x", None), change(2002, "key", "k5", None)])
        await f.load()

    f = play(tmp_path, scene)
    assert (len(f.keys.rows), list(f.bindings.rows)) == (1998, ["team:x"])
    assert f.keys.rows["k7"] == KeyRow(id="k7", digest="00" * 32, name="k7")
    assert (f.rows.loaded, f.rows.number) == (True, 2002)


def test_without_a_log_nothing_has_been_loaded(tmp_path: Path) -> None:
    async def scene(f: Following) -> None:
        await f.load()
        assert not f.rows.loaded
        f.writer.append([key(1, "a")])
        f.rows.follow()
        f.rows.follow()

    f = play(tmp_path, scene)
    assert f.rows.loaded
    assert list(f.keys.rows) == ["a"]


def test_each_tick_takes_what_is_new(tmp_path: Path) -> None:
    async def scene(f: Following) -> None:
        f.writer.append([key(1, "a"), key(2, "b")])
        await f.load()
        f.writer.append([change(3, "key", "a", None), key(4, "c")])
        assert sorted(f.keys.rows) == ["a", "b"]
        f.rows.follow()
        assert sorted(f.keys.rows) == ["b", "c"]

    play(tmp_path, scene)


def test_long_news_is_taken_in_slices(tmp_path: Path) -> None:
    async def scene(f: Following) -> None:
        f.writer.append([key(1, "a")])
        await f.load()
        f.writer.append([key(n, f"k{n}") for n in range(2, 5000)])
        f.rows.follow()
        assert 100 < len(f.keys.rows) < 1500
        f.rows.follow()  # a tick meanwhile takes no slice of its own
        assert len(f.keys.rows) < 1500
        async with asyncio.timeout(30):
            while len(f.keys.rows) < 4999:
                await asyncio.sleep(0)

    play(tmp_path, scene)


def test_a_log_begun_anew_takes_away_what_it_does_not_mention(tmp_path: Path) -> None:
    async def scene(f: Following) -> None:
        f.writer.append([key(1, "a"), key(2, "b")])
        await f.load()
        f.writer.close()
        log_path(tmp_path).unlink()
        f.rows.follow()
        assert sorted(f.keys.rows) == ["a", "b"], "a log that is missing takes nothing away"
        f.writer = RowLogWriter(log_path(tmp_path))
        f.writer.append([key(1, "b"), *(key(n, f"k{n}") for n in range(2, 3000))])
        f.rows.follow()
        assert "a" in f.keys.rows, "until all of the new one is read, the old rows hold"
        async with asyncio.timeout(30):
            while "k2999" not in f.keys.rows:
                await asyncio.sleep(0)
        assert sorted(f.keys.rows) == sorted(["b", *(f"k{n}" for n in range(2, 3000))])

    play(tmp_path, scene)


def test_many_rows_that_are_gone_are_forgotten_in_slices(tmp_path: Path) -> None:
    async def scene(f: Following) -> None:
        f.writer.append([key(n, f"k{n}") for n in range(1, 5001)])
        await f.load()
        f.writer.close()
        log_path(tmp_path).unlink()
        f.writer = RowLogWriter(log_path(tmp_path))
        f.writer.append([key(1, "b")])
        f.rows.follow()
        assert len(f.keys.rows) == 5001 - FORGET
        f.writer.append([key(2, "k5000")])
        async with asyncio.timeout(30):
            while len(f.keys.rows) > 2:
                f.rows.follow()
                await asyncio.sleep(0)
        f.rows.follow()
        assert sorted(f.keys.rows) == ["b", "k5000"], "and what comes back meanwhile stays"

    play(tmp_path, scene)


def test_compaction_tells_the_tables_nothing_again(tmp_path: Path) -> None:
    async def scene(f: Following) -> None:
        f.writer.append([key(n, f"k{n}") for n in range(1, 40)])
        await f.load()
        f.writer.compact()
        f.writer.append([change(40, "key", "k1", None)])
        f.rows.follow()
        f.rows.follow()
        assert f.keys.told == 40

    f = play(tmp_path, scene)
    assert len(f.keys.rows) == 38


def test_damage_is_said_once_and_costs_no_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def scene(f: Following) -> None:
        f.writer.append([key(1, "a")])
        await f.load()
        with log_path(tmp_path).open("ab") as file:
            file.write(b"nonsense\n")
        for _ in range(5):
            f.rows.follow()
        assert list(f.keys.rows) == ["a"]
        f.writer.close()
        f.writer = RowLogWriter(log_path(tmp_path))
        f.writer.append([key(2, "a"), key(3, "b")])
        f.rows.follow()
        assert sorted(f.keys.rows) == ["a", "b"]

    play(tmp_path, scene)
    (line,) = capsys.readouterr().err.splitlines()
    assert "rows stay as they are" in json.loads(line)["message"]


@pytest.mark.parametrize(
    "row",
    [b'{"type":"key","id":"a"}', b'{"type":"limit","id":"a","scope":"key","name":"n"}', b"17"],
)
def test_a_row_of_another_version_counts_as_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: bytes
) -> None:
    import msgspec

    async def scene(f: Following) -> None:
        f.writer.append([key(1, "a"), key(2, "b")])
        await f.load()
        f.writer.append([Change(3, "key", "a", msgspec.Raw(row)), key(4, "c")])
        f.rows.follow()

    f = play(tmp_path, scene)
    assert sorted(f.keys.rows) == ["b", "c"]
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["id"] == "a"


def test_a_table_that_fails_costs_its_row_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def scene(f: Following) -> None:
        f.writer.append([key(1, "explosive"), key(2, "b")])
        await f.load()

    f = play(tmp_path, scene)
    assert list(f.keys.rows) == ["b"]
    assert "a row could not be applied" in capsys.readouterr().err


def test_a_log_that_cannot_be_opened_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(f: Following) -> None:
        f.writer.append([key(1, "a")])
        await f.load()
        with monkeypatch.context() as patch:
            patch.setattr(os, "stat", lambda _: (_ for _ in ()).throw(PermissionError(13, "no")))
            f.rows.follow()
            f.rows.follow()
        f.writer.append([key(2, "b")])
        f.rows.follow()

    f = play(tmp_path, scene)
    assert sorted(f.keys.rows) == ["a", "b"]
    assert len(capsys.readouterr().err.splitlines()) == 1
