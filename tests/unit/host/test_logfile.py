"""The log writer against a file, a pipe that nobody reads, and a pipe that nobody holds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from seekgate.host.logfile import MAX_WAITING_BYTES, LogWriter
from tests.support.until import until

MIB = b"x" * 1_048_575 + b"\n"


def closed(log: LogWriter) -> LogWriter:
    log.finish()
    log.join(60.0)
    assert log.finished
    return log


def lost(log: LogWriter, lines: int) -> None:
    """Wait until this many have been lost."""
    count = 0

    def enough() -> bool:
        nonlocal count
        count += log.take_lost()
        return count >= lines

    until(enough, f"{lines} lines to be counted as lost")
    assert count == lines


def stalled(folder: Path) -> tuple[LogWriter, int]:
    """A log into a pipe that is full, with a line of a MiB in its thread's hand; and the pipe's reading end."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = LogWriter(str(pipe))
    log.write(MIB)
    return log, reader


def test_lines_are_appended_in_order(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"before\n")
    log = LogWriter(str(path))
    for number in range(1000):
        log.write(b"%d\n" % number)
    closed(log)
    assert path.read_bytes() == b"before\n" + b"".join(b"%d\n" % number for number in range(1000))
    assert log.take_lost() == 0


def test_a_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    closed(LogWriter(str(path)))
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_a_place_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LogWriter(str(tmp_path / "nowhere" / "access.log"))


def test_a_pipe_that_nobody_reads_is_an_error_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="No such device or address"):
        LogWriter(str(tmp_path / "pipe"))


def test_what_does_not_fit_is_lost_and_counted(tmp_path: Path) -> None:
    """A reader that has stopped holds up nobody: what waits is bounded, and comes out once it reads again."""
    log, reader = stalled(tmp_path)
    sent = len(MIB)
    while not log.take_lost():
        log.write(MIB)
        sent += len(MIB)
        assert sent <= MAX_WAITING_BYTES + 2 * len(MIB)
    os.set_blocking(reader, True)
    left = sent - len(MIB)
    while left:
        left -= len(os.read(reader, 1_048_576))
    log.write(b"goes on\n")
    assert os.read(reader, 100) == b"goes on\n"
    closed(log)
    os.close(reader)


def test_a_closed_pipe_loses_lines_and_nothing_else(tmp_path: Path) -> None:
    log, reader = stalled(tmp_path)
    os.close(reader)
    lost(log, 1)
    log.write(b"one\ntwo\n")
    lost(log, 2)
    closed(log)


def test_finishing_waits_for_nobody(tmp_path: Path) -> None:
    log, reader = stalled(tmp_path)
    log.write(b"behind\n")
    log.finish()
    assert not log.finished
    os.set_blocking(reader, True)
    data = b""
    while piece := os.read(reader, 1_048_576):
        data += piece
    assert data == MIB + b"behind\n"
    log.join(60.0)
    assert (log.finished, log.take_lost()) == (True, 0)
    os.close(reader)


def test_what_waits_at_the_end_is_lost_and_counted(tmp_path: Path) -> None:
    log, reader = stalled(tmp_path)
    os.set_blocking(reader, True)
    os.read(reader, 1)  # the thread has the first line in hand
    log.write(b"one\ntwo\n")
    log.finish()
    log.join(0.0)
    assert (log.finished, log.take_lost()) == (False, 2)
    os.close(reader)
    lost(log, 1)
    until(lambda: log.finished, "the thread to end")


def test_whether_a_file_was_rotated(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = LogWriter(str(path))
    assert log.leads_to(str(path))
    assert not log.leads_to(str(tmp_path / "another.log"))
    path.rename(tmp_path / "access.log.1")
    assert not log.leads_to(str(path))
    path.touch()
    assert not log.leads_to(str(path))
    closed(log)


def test_a_standard_stream_stays_the_same() -> None:
    log = LogWriter("stderr")
    assert log.leads_to("stderr")
    assert not log.leads_to("stdout")
    closed(log)
