"""Starting and ending what is measured, with refusals that say what is missing."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from bench import running
from bench.load import BenchError


def test_a_taken_port_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BenchError, match="in use"):
            running.must_be_free(taken.getsockname()[1])


def test_a_program_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "WORK", tmp_path)
    with pytest.raises(BenchError, match="is not installed"):
        running.Running("absent", (str(tmp_path / "absent"),))


def test_a_program_that_ends_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "WORK", tmp_path)
    short = running.Running("short", ("sh", "-c", "echo no such luck; exit 3"))
    short._process.wait()
    with pytest.raises(BenchError, match=r"(?s)status 3.*no such luck"):
        short.must_live()
    short.stop()


def test_what_does_not_come_to_rest_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "WORK", tmp_path)
    busy = running.Running("busy", (sys.executable, "-c", "while True: pass"))
    try:
        with pytest.raises(BenchError, match="come to rest"):
            running.await_quiet(busy, patience=0.0)
    finally:
        busy.stop(grace=0.5)


def test_what_rests_is_measured_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "WORK", tmp_path)
    idle = running.Running("idle", ("sleep", "60"))
    try:
        running.await_quiet(idle)
    finally:
        idle.stop()


def test_leftovers_are_files_or_folders_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "file").touch()
    for name in ("folder", "file", "absent"):
        running._remove(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
