"""What segments are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.store.journal import names
from seekgate.store.journal.names import SegmentName


def test_a_name_and_back() -> None:
    name = names.first("ab12", "w3", 1_780_000_000.25)
    assert str(name) == "ab12-w3-20260528T202640250000-000000.journal"
    assert names.parse(str(name)) == name
    assert str(name.next()) == "ab12-w3-20260528T202640250000-000001.journal"
    assert name.writer == name.next().writer == "ab12-w3-20260528T202640250000"
    assert names.started(name) == 1_780_000_000.25


@pytest.mark.parametrize(
    "other", ["manifest", "node", "a-w0-20260528T202640250000-000001.journal.index", "../x.journal"]
)
def test_other_files_are_no_segments(other: str) -> None:
    assert names.parse(other) is None


def test_a_node_keeps_its_id(tmp_path: Path) -> None:
    made = names.node_id(tmp_path)
    assert len(made) == 8
    assert names.node_id(tmp_path) == made
    assert [path.name for path in tmp_path.iterdir()] == ["node"]


@pytest.mark.parametrize("left", [b"", b"\0" * 9, b"\xff"])
def test_a_damaged_id_is_made_again(tmp_path: Path, left: bytes) -> None:
    (tmp_path / names.NODE).write_bytes(left)
    made = names.node_id(tmp_path)
    assert names.parse(str(names.first(made, "w0", 0.0))) is not None
    assert names.node_id(tmp_path) == made


def test_segments_in_order(tmp_path: Path) -> None:
    wanted = [
        SegmentName("a", "w0", "20260101T000000000000", 1),
        SegmentName("a", "w0", "20260101T000000000000", 2),
        SegmentName("a", "w0", "20260102T000000000000", 0),
    ]
    for name in reversed(wanted):
        (tmp_path / str(name)).touch()
    (tmp_path / "manifest").touch()
    assert names.segments(tmp_path) == wanted
    assert names.segments(tmp_path / "nowhere") == []


def test_the_folder_is_private(tmp_path: Path) -> None:
    names.prepare(tmp_path / "journal")
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o700


def test_a_name_is_never_taken_twice(tmp_path: Path) -> None:
    made = names.unused(tmp_path, "w0", 1_780_000_000.0)
    assert made == names.unused(tmp_path, "w0", 1_780_000_000.0)
    (tmp_path / str(made)).touch()
    other = names.unused(tmp_path, "w0", 1_780_000_000.0)
    assert other.start == "20260528T202640000001"
