"""Records as they come."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from seekgate.store.journal import following, names
from seekgate.store.journal.following import Position, follow, news
from tests.support.journals import journal, paths, write


def numbers(home: Path, position: Position) -> list[int]:
    return [hit.record[1] for hit in news(names.folder(home), position) if hit.record[0] == 2]


def test_what_is_new_is_told_once(tmp_path: Path) -> None:
    position = Position({})
    made = journal(tmp_path)
    write(made, range(5))
    assert numbers(tmp_path, position) == [0, 1, 2, 3, 4]
    assert numbers(tmp_path, position) == []
    write(made, range(5, 8))
    made.rotate()
    write(made, range(8, 10))
    assert numbers(tmp_path, position) == [5, 6, 7, 8, 9]
    made.close()


def test_a_position_is_kept(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(5))
    file = tmp_path / "position"
    position = Position.load(file)
    assert numbers(tmp_path, position) == [0, 1, 2, 3, 4]
    position.save(file)
    write(made, range(5, 7))
    made.close()
    assert numbers(tmp_path, Position.load(file)) == [5, 6]
    file.write_text("nonsense")
    with pytest.raises(ValueError, match="not a saved position"):
        Position.load(file)


def test_a_frame_that_is_being_written_comes_when_it_is_whole(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(5))
    (path,) = paths(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    position = Position({})
    assert numbers(tmp_path, position) == [0, 1, 2]
    path.write_bytes(whole)
    assert numbers(tmp_path, position) == [3, 4]


def test_segments_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(5))
    position = Position({})
    numbers(tmp_path, position)
    assert len(position.read) == 1
    paths(tmp_path)[0].unlink()
    assert numbers(tmp_path, position) == []
    assert position.read == {}


def test_following_waits_when_there_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    made = journal(tmp_path)
    write(made, [1])
    coming = follow(names.folder(tmp_path), Position({}))
    assert [next(coming) is None for _ in range(4)] == [False, False, False, True]
    write(made, [2])
    assert [next(coming) is None for _ in range(3)] == [False, False, True]
    assert waited == [following.PAUSE]
    made.close()
