"""The compiled database and its file."""

from __future__ import annotations

from pathlib import Path

from seekgate.stages.privacy.detect.database import Row, database

ROWS: list[Row] = [(b"abc", 1, 0), (b"x[0-9]+", 2, 0)]


def _matches(folder: Path | None, rows: list[Row] = ROWS) -> set[int]:
    found: set[int] = set()
    database(rows, folder).scan(b"-abc-x1-", lambda number, *_: found.add(number))
    return found


def test_it_is_kept_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a/b"
    assert _matches(folder) == _matches(None) == {1, 2}
    (file,) = folder.iterdir()
    made = file.stat().st_mtime_ns
    assert _matches(folder) == {1, 2}
    assert file.stat().st_mtime_ns == made


def test_other_expressions_have_another_file(tmp_path: Path) -> None:
    assert _matches(tmp_path) == {1, 2}
    assert _matches(tmp_path, ROWS[:1]) == {1}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    _matches(tmp_path)
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    for bad in (b"", good[:100], good[:200] + bytes(8) + good[208:], b"x" * len(good)):
        file.write_bytes(bad)
        assert _matches(tmp_path) == {1, 2}
        assert file.read_bytes() == good


def test_a_folder_that_cannot_be_had_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert _matches(tmp_path / "file/below") == {1, 2}
