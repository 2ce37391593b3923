"""What workers leave, the control process takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from seekgate.config import used_keys


def taken(home: Path) -> list[Mapping[str, float]]:
    found: list[Mapping[str, float]] = []
    used_keys.take(home, found.append)
    return found


def test_what_is_left_is_taken_once(tmp_path: Path) -> None:
    assert taken(tmp_path) == []
    assert used_keys.leave(tmp_path, 0, {"a": 1.5})
    assert used_keys.leave(tmp_path, 1, {"b": 2.5})
    assert not used_keys.leave(tmp_path, 1, {"c": 3.5}), "what lies there is not lost"
    assert taken(tmp_path) == [{"a": 1.5}, {"b": 2.5}]
    assert taken(tmp_path) == []
    assert used_keys.leave(tmp_path, 1, {"c": 3.5})
    assert (tmp_path / "rows" / "used-1.json").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_kept_lies_there_still(tmp_path: Path) -> None:
    used_keys.leave(tmp_path, 0, {"a": 1.0})

    def down(_: Mapping[str, float]) -> None:
        raise RuntimeError("down")

    with pytest.raises(RuntimeError, match="down"):
        used_keys.take(tmp_path, down)
    assert taken(tmp_path) == [{"a": 1.0}]


def test_what_cannot_be_read_goes(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "used-0.json").write_bytes(b"nonsense")
    assert taken(tmp_path) == [{}]
    assert taken(tmp_path) == []


def test_a_disk_that_cannot_take_it(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"in the way")
    assert not used_keys.leave(tmp_path, 0, {"a": 1.0})
