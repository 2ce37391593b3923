"""Rows of a database reach the row log, whatever happens to the database, the log or the disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.config.rowlog import RowLogReader, RowLogWriter, log_path
from seekgate.config.rows import BindingRow, KeyRow, Row
from seekgate.control import follower as module
from seekgate.control.follower import POLL, RETRY, Entry, Follower
from seekgate.store.errors import Unavailable


class Rows:
    """A database in memory, with the answers that `seekgate.store.rows` gives."""

    def __init__(self) -> None:
        self.state: dict[tuple[str, str], tuple[int, Row]] = {}
        self.history: list[tuple[int, str, str]] = []
        self.number = 0
        self.name = "first"
        self.down = False
        self.opened = self.closed = self.read = self.tidied = 0

    def put(self, id: str, row: Row | None = None, kind: str = "key") -> None:
        self.number += 1
        self.state[kind, id] = (self.number, row or KeyRow(id=id, digest="00" * 32, name=f"{self.number}"))
        self.history.append((self.number, kind, id))

    def drop(self, id: str) -> None:
        self.number += 1
        del self.state["key", id]
        self.history.append((self.number, "key", id))

    def connect(self) -> Rows:
        self._check()
        self.opened += 1
        return self

    def epoch(self) -> str:
        self._check()
        return self.name

    def last_number(self) -> int:
        self._check()
        return self.number

    def rows_since(self, number: int, upto: int) -> list[Entry]:
        self._check()
        touched = {(kind, id): n for n, kind, id in self.history if number < n <= upto}
        return [
            (n, kind, id, self.state[kind, id][1] if (kind, id) in self.state else None)
            for (kind, id), n in touched.items()
        ]

    def all_rows(self) -> Iterator[list[Entry]]:
        self._check()
        self.read += 1
        for (kind, id), (_, row) in list(self.state.items()):
            yield [(self.number, kind, id, row)]

    def tidy(self) -> None:
        self._check()
        self.tidied += 1

    def close(self) -> None:
        self.closed += 1

    def _check(self) -> None:
        if self.down:
            raise Unavailable("the database cannot be used: it is down")


class Scene:
    """A follower between a database and a log."""

    def __init__(self, home: Path) -> None:
        self.path = log_path(home)
        self.rows = Rows()
        self.said: list[tuple[str, str, str]] = []
        self.begin()

    def begin(self) -> None:
        self.log = RowLogWriter(self.path)
        self.follower = Follower(self.rows.connect, self.log, lambda *words: self.said.append(words))

    def end(self) -> None:
        self.follower.close()
        self.log.close()

    def ids(self) -> list[str]:
        """What a worker that starts now reads."""
        rows: set[str] = set()
        reader, more = RowLogReader(self.path), True
        while more:
            part = reader.read()
            for one in part.changes:
                (rows.discard if one.gone else rows.add)(one.id)
            more = part.more
        reader.close()
        return sorted(rows)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.end()


def test_an_empty_database_makes_an_empty_log(scene: Scene) -> None:
    assert scene.follower.step() == POLL
    assert scene.path.exists()
    assert scene.ids() == []


def test_changes_follow(scene: Scene) -> None:
    scene.rows.put("a")
    scene.rows.put("team:x", BindingRow("team:x", "team", "x", ("r",)), "binding")
    scene.follower.step()
    assert scene.ids() == ["a", "team:x"]
    scene.rows.put("b")
    scene.rows.drop("a")
    assert scene.follower.step() == POLL
    assert scene.ids() == ["b", "team:x"]
    assert scene.log.number == 4
    assert scene.rows.read == 1, "only the beginning reads all rows"
    assert scene.said == []


def test_a_later_start_writes_only_what_differs(scene: Scene) -> None:
    for id in "abc":
        scene.rows.put(id)
    scene.follower.step()
    scene.end()
    before = scene.path.stat().st_size
    scene.begin()
    scene.follower.step()
    assert scene.path.stat().st_size == before
    scene.end()
    scene.rows.put("b")
    scene.rows.drop("c")
    scene.begin()
    scene.follower.step()
    assert scene.ids() == ["a", "b"]
    assert scene.path.read_bytes()[before:].count(b"\n") == 2


def test_a_database_that_is_down_costs_nothing_and_is_said_once(scene: Scene) -> None:
    scene.rows.put("a")
    scene.follower.step()
    scene.rows.down = True
    assert [scene.follower.step() for _ in range(5)] == [*RETRY, RETRY[-1]]
    assert scene.ids() == ["a"]
    assert [text for _, text, _ in scene.said] == [
        "changes of rows cannot be followed: rows stay as they are"
    ]
    scene.rows.down = False
    scene.rows.put("b")
    assert scene.follower.step() == POLL
    assert scene.ids() == ["a", "b"]
    assert scene.said[-1][1] == "changes of rows are followed again"
    assert scene.rows.opened == 2


def test_a_database_that_is_down_at_the_start_leaves_the_log_alone(scene: Scene) -> None:
    scene.rows.down = True
    scene.follower.step()
    assert not scene.path.exists(), "an empty log would say that there is no key"


@pytest.mark.parametrize("older", [True, False])
def test_another_database_is_noticed(scene: Scene, older: bool) -> None:
    for id in "abc":
        scene.rows.put(id)
    scene.follower.step()
    scene.rows.name = "second"
    scene.rows.state.clear()
    scene.rows.history.clear()
    scene.rows.number = 0 if older else 10
    scene.rows.put("z")
    for _ in range(1 if older else module._SELDOM):
        scene.follower.step()
    assert scene.ids() == ["z"]


def test_the_database_is_tidied_from_time_to_time(scene: Scene) -> None:
    for _ in range(2 * module._SELDOM + 1):
        scene.follower.step()
    assert scene.rows.tidied == 2


def test_a_damaged_log_is_written_anew_from_the_database(scene: Scene) -> None:
    scene.rows.put("a")
    scene.follower.step()
    scene.end()
    scene.path.write_bytes(b"nonsense\n")
    scene.begin()
    assert scene.said[-1][1] == "the row log was damaged: it is written anew from the database"
    scene.rows.down = True
    scene.follower.step()
    assert scene.path.read_bytes() == b"nonsense\n"
    scene.rows.down = False
    scene.follower.step()
    assert scene.ids() == ["a"]


def test_a_full_disk_is_made_good_later(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.rows.put("a")
    scene.follower.step()
    scene.rows.put("b")
    scene.rows.put("c")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        assert scene.follower.step() == RETRY[0]
    assert scene.said[-1][2] == "No space left on device"
    assert scene.ids() == ["a"]
    scene.follower.step()
    assert scene.ids() == ["a", "b", "c"]


def test_a_log_that_has_grown_long_is_compacted(scene: Scene) -> None:
    scene.follower.step()
    for _ in range(1100):
        scene.rows.put("same")
        scene.follower.step()
    assert scene.path.read_bytes().count(b"\n") < 500
    assert scene.ids() == ["same"]
