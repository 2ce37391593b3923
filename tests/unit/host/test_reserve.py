"""Space taken ahead."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from seekgate.host.reserve import Reserver


def test_space_is_taken_and_the_size_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        if Reserver()(descriptor, 0, 1 << 20):
            assert path.stat().st_blocks * 512 >= 1 << 20
        assert path.stat().st_size == 0
    finally:
        os.close(descriptor)


def test_where_it_cannot_be_done_it_says_so() -> None:
    reader, writer = os.pipe()
    try:
        assert Reserver()(writer, 0, 4096) is False
    finally:
        os.close(reader)
        os.close(writer)


def test_a_failure_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        if sys.platform == "linux":
            with pytest.raises(OSError, match="Bad file descriptor"):
                Reserver()(descriptor, 0, 4096)
        monkeypatch.setattr(sys, "platform", "darwin")
        assert Reserver()(descriptor, 0, 4096) is False
    finally:
        os.close(descriptor)
