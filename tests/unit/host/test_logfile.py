"""The log writer against a file, a pipe that nobody reads, and a pipe that nobody holds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from seekgate.host.logfile import MAX_WAITING_BYTES, LogWriter
from tests.support.until import until

MIB = b"x" * 1_048_575 + b"\n"


def test_lines_are_appended_in_order(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"before\n")
    log = LogWriter(str(path))
    for number in range(1000):
        log.write(b"%d\n" % number)
    log.close()
    assert path.read_bytes() == b"before\n" + b"".join(b"%d\n" % number for number in range(1000))
    assert log.lost_bytes == 0


def test_a_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    LogWriter(str(path)).close()
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_a_place_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LogWriter(str(tmp_path / "nowhere" / "access.log"))


def test_what_does_not_fit_is_lost_and_counted(tmp_path: Path) -> None:
    """A reader that has stopped holds up nobody: what waits is bounded, and comes out once it reads again."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = LogWriter(str(pipe))
    sent = 0
    while not log.lost_bytes:
        log.write(MIB)
        sent += len(MIB)
        assert sent <= MAX_WAITING_BYTES + 2 * len(MIB)
    assert log.lost_bytes == len(MIB)
    os.set_blocking(reader, True)
    left = sent - log.lost_bytes
    while left:
        left -= len(os.read(reader, 1_048_576))
    log.write(b"goes on\n")
    assert os.read(reader, 100) == b"goes on\n"
    log.close()
    os.close(reader)


def test_a_closed_pipe_loses_lines_and_nothing_else(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = LogWriter(str(pipe))
    os.close(reader)
    log.write(b"lost\n")
    until(lambda: log.lost_bytes == 5, "the loss to be counted")
    log.close()
