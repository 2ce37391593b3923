"""The row log: what is written is read, over compaction, damage, torn lines, full disks and changes of writer."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from seekgate.config import rowlog
from seekgate.config.rowlog import Change, RowLogError, RowLogReader, RowLogWriter, change, log_path
from seekgate.config.rows import BindingRow, KeyRow


def key(number: int, id: str, name: str = "n") -> Change:
    return change(number, "key", id, KeyRow(id=id, digest="00" * 32, name=name))


def gone(number: int, id: str) -> Change:
    return change(number, "key", id, None)


class Follower:
    """What a worker knows: the rows by kind and id, kept as `seekgate.gateway.rows` does."""

    def __init__(self, path: Path, size: int = rowlog.SLICE) -> None:
        self.reader = RowLogReader(path, size)
        self.rows: dict[tuple[str, str], bytes] = {}
        self.applied = 0
        self.resets = 0
        self._met: set[tuple[str, str]] | None = None

    def follow(self) -> Follower:
        while True:
            part = self.reader.read()
            if part.reset:
                self._met = set()
                self.resets += 1
            for one in part.changes:
                self.applied += 1
                if one.gone:
                    self.rows.pop((one.kind, one.id), None)
                else:
                    self.rows[one.kind, one.id] = bytes(one.row)
                if self._met is not None:
                    self._met.add((one.kind, one.id))
            if not part.more:
                if self._met is not None:
                    self.rows = {id: row for id, row in self.rows.items() if id in self._met}
                    self._met = None
                return self

    def names(self) -> list[str]:
        return sorted(id for _, id in self.rows)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return log_path(tmp_path)


def test_changes_are_read_in_order(path: Path) -> None:
    writer = RowLogWriter(path)
    assert not writer.begun
    assert RowLogReader(path).read() == rowlog.NOTHING
    writer.append([key(1, "a"), change(1, "binding", "team:x", BindingRow("team:x", "team", "x", ("r",)))])
    follower = Follower(path).follow()
    assert follower.rows == writer.rows
    assert follower.resets == 1
    writer.append([key(2, "a", "renamed"), gone(3, "nobody")])
    writer.append([key(4, "b")])
    assert follower.follow().rows == writer.rows
    assert (follower.resets, follower.applied, writer.number) == (1, 5, 4)
    writer.close()


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    writer = RowLogWriter(path)
    writer.append([key(1, "a")])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_second_writer_is_refused(path: Path) -> None:
    writer = RowLogWriter(path)
    with pytest.raises(BlockingIOError):
        RowLogWriter(path)
    writer.close()
    RowLogWriter(path).close()


def test_compaction_costs_readers_nothing(path: Path) -> None:
    writer = RowLogWriter(path)
    writer.append([key(1, "k1")])
    writer.append([key(n, f"k{n % 7}") for n in range(2, 50)])
    follower, late = Follower(path).follow(), Follower(path)
    late.reader.read()
    writer.append([gone(50, "k3"), key(51, "new")])
    writer.compact()
    writer.append([key(52, "after")])
    assert follower.follow().rows == writer.rows
    assert follower.names() == [
        "after",
        *(f"k{n}" for n in (0, 1, 2, 4, 5, 6)),
        "new",
    ]
    assert (follower.resets, follower.applied) == (1, 52)
    assert Follower(path).follow().rows == writer.rows
    writer.close()


def test_a_log_that_is_mostly_history_is_overgrown(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowlog, "_SPARE_LINES", 10)
    writer = RowLogWriter(path)
    writer.append([key(0, "same")])
    writer.append([key(n, "same") for n in range(1, 12)])
    assert not writer.overgrown
    writer.append([key(12, "same")])
    assert writer.overgrown
    writer.compact()
    assert not writer.overgrown
    assert path.read_bytes().count(b"\n") == 2


def test_a_torn_line_is_not_there_yet(path: Path) -> None:
    writer = RowLogWriter(path)
    writer.append([key(1, "a")])
    writer.close()
    whole = path.read_bytes()
    line = rowlog._encode(key(2, "b")) + b"\n"
    for cut in range(1, len(line)):
        path.write_bytes(whole + line[:cut])
        assert Follower(path).follow().names() == ["a"]
    follower = Follower(path).follow()
    with path.open("ab") as file:
        file.write(line[cut:])
    assert follower.follow().names() == ["a", "b"]


def test_a_writer_takes_up_what_a_killed_one_left(path: Path) -> None:
    writer = RowLogWriter(path)
    writer.append([key(1, "a"), key(2, "b"), gone(3, "a")])
    writer.close()
    follower = Follower(path).follow()
    with path.open("ab") as file:
        file.write(b'[4,"key","torn"')
    again = RowLogWriter(path)
    assert (again.number, list(again.rows), again.damage) == (3, [("key", "b")], "")
    again.append([key(4, "c")])
    assert follower.follow().names() == ["b", "c"]
    assert follower.resets == 1
    again.close()


def test_a_writer_killed_before_its_rename_is_followed_by_one_that_compacts(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RowLogWriter(path)
    writer.append([key(1, "a")])
    follower = Follower(path).follow()

    def killed(*_: object) -> None:
        raise OSError(errno.EIO, "killed here")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(OSError, match="killed"):
            writer.compact()
    assert follower.follow().names() == ["a"]
    writer.close()
    again = RowLogWriter(path)
    again.append([key(2, "b")])
    assert follower.follow().names() == ["a", "b"]
    assert follower.resets == 2
    again.close()


def test_a_failed_rename_is_made_good_by_the_next_change(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = RowLogWriter(path)
    writer.append([key(1, "a")])
    follower = Follower(path).follow()
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        with pytest.raises(OSError, match="full"):
            writer.compact()
    writer.append([key(2, "b"), gone(3, "a")])
    assert follower.follow().names() == ["b"]
    assert Follower(path).follow().names() == ["b"]


@pytest.mark.parametrize("room", [0, 1, 200, 260, 400])
def test_a_full_disk_leaves_whole_lines_only(path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    writer = RowLogWriter(path)
    writer.append([key(1, "a")])
    follower = Follower(path).follow()
    real, left = os.pwrite, [room]

    def pwrite(fd: int, data: memoryview, offset: int) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, "full")
        done = real(fd, data[: left[0]], offset)
        left[0] -= done
        return done

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", pwrite)
        with pytest.raises(OSError, match="full"):
            writer.append([key(2, "b"), key(3, "c"), key(4, "d"), key(5, "e")])
    assert follower.follow().rows == writer.rows
    writer.append([key(6, "f")])
    assert follower.follow().rows == writer.rows
    assert "f" in follower.names()
    assert Follower(path).follow().rows == writer.rows


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: b"\0" * len(data), "first line"),
        (lambda data: data.replace(b'"seekgate-rows",1', b'"seekgate-rows",9', 1), "format"),
        (lambda data: data.replace(b'[2,"key"', b'[2,"key', 1), "damaged"),
        (lambda data: data[:60] + b"\n" + data[60:], "damaged"),
    ],
)
def test_damage_is_said_once_and_the_state_stays(
    path: Path, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    writer = RowLogWriter(path)
    writer.append([key(1, "a")])
    writer.append([key(2, "b")])
    writer.close()
    path.write_bytes(spoil(path.read_bytes()))
    follower = Follower(path)
    with pytest.raises(RowLogError, match=reason):
        follower.follow()
    reader = follower.reader
    assert reader.read() == rowlog.NOTHING
    again = RowLogWriter(path)
    assert reason in again.damage
    assert not again.begun
    assert not again.rows
    assert path.exists(), "an empty state would take every row from the workers"
    again.append([key(3, "c")])
    assert follower.follow().names() == ["c"]
    assert follower.resets == 1


def test_a_file_put_back_from_a_backup_is_read_whole(path: Path) -> None:
    writer = RowLogWriter(path)
    writer.append([key(1, "a"), key(2, "b")])
    backup = path.read_bytes()
    writer.append([gone(3, "a"), key(4, "c")])
    follower = Follower(path).follow()
    assert follower.names() == ["b", "c"]
    other = path.with_name("other")
    other.write_bytes(backup)
    other.replace(path)
    assert follower.follow().names() == ["a", "b"]


def test_a_line_longer_than_a_slice_is_read(path: Path) -> None:
    writer = RowLogWriter(path)
    writer.append([key(1, "a"), key(2, "long", "x" * 5000), key(3, "c")])
    assert Follower(path, size=256).follow().names() == ["a", "c", "long"]


def test_a_line_without_an_end_is_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowlog, "MAX_LINE", 1000)
    writer = RowLogWriter(path)
    writer.append([key(1, "a")])
    with path.open("ab") as file:
        file.write(b"x" * 5000)
    with pytest.raises(RowLogError, match="longer"):
        Follower(path, size=256).follow()


def test_followers_agree_with_the_writer_whatever_happens(path: Path) -> None:
    draw = random.Random(4)
    writer = RowLogWriter(path)
    followers = [Follower(path, size=300), Follower(path)]
    number = 0
    for _ in range(400):
        act = draw.random()
        if act < 0.7:
            number += 1
            id = f"k{draw.randrange(12)}"
            writer.append([gone(number, id) if draw.random() < 0.4 else key(number, id, str(number))])
        elif act < 0.8 and writer.begun:
            writer.compact()
        elif act < 0.85:
            writer.close()
            writer = RowLogWriter(path)
        elif writer.begun:
            follower = draw.choice(followers)
            assert follower.follow().rows == writer.rows
    for follower in followers:
        assert follower.follow().rows == writer.rows
        # Only where two compactions lay between two looks was there nothing left that led from file to file.
        assert follower.resets < 30
    writer.close()
