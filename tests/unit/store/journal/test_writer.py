"""A worker's journal: what is committed stands in the file, and what goes wrong is neither silent nor for ever."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import msgspec
import pytest

from seekgate.config.compiled.audit import Audit
from seekgate.store.journal import Journal, Ticket, names, reading, writer
from seekgate.store.journal.backlog import LIMIT_BYTES
from tests.fakes.clock import FakeClock
from tests.support.journals import all_records, die, journal, open_record, paths, write
from tests.support.until import until


def test_what_is_committed_is_in_the_file(tmp_path: Path) -> None:
    made = journal(tmp_path)
    made.append(b"[1,1]")
    made.append(b"[1,2]")
    assert all_records(tmp_path)[1:] == []
    assert made.commit() is None
    assert all_records(tmp_path)[1:] == [[1, 1], [1, 2]]
    assert made.commit() is None
    made.close()
    assert all_records(tmp_path)[-1] == [0, "closed", 1_780_000_000.0]
    (path,) = paths(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_segment_says_whose_it_is(tmp_path: Path) -> None:
    made = journal(tmp_path, "w3")
    header = all_records(tmp_path)[0]
    assert header[:2] == [0, "segment"]
    assert header[2]["segment"] == str(made.name)
    assert header[2]["pid"] == os.getpid()
    assert "after" not in header[2]
    made.close()
    later = FakeClock(wall=1_780_000_100.0)
    other = journal(tmp_path, "w3", clock=later)
    assert all_records(tmp_path)[2][2]["after"] == str(made.name)
    other.close()


def test_a_segment_is_locked_while_it_is_written(tmp_path: Path) -> None:
    made = journal(tmp_path)
    with paths(tmp_path)[0].open() as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        made.close()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_rotation_by_size_carries_what_is_open(tmp_path: Path) -> None:
    told: list[bool] = []
    policy = Audit(fsync="never", segment_bytes=2000)
    made = journal(
        tmp_path, policy=policy, carry=lambda: [open_record(99)], rotated=lambda: told.append(True)
    )
    write(made, range(3))
    made.tick()
    assert not told
    write(made, range(30))
    made.tick()
    assert told == [True]
    first, second = (reading.scan(reading.load(path), path.name) for path in paths(tmp_path))
    assert second.header is not None
    assert second.header["after"] == first.segment
    assert second.header["digest"] == first.digest.hex()
    assert second.header["records"] == first.records
    assert second.header["carried"] == 1
    assert not first.findings + second.findings
    made.close()


def test_what_is_carried_over_is_no_reason_to_rotate(tmp_path: Path) -> None:
    clock = FakeClock()
    made = journal(
        tmp_path,
        policy=Audit(fsync="never", segment_bytes=2000),
        clock=clock,
        carry=lambda: [open_record(n) for n in range(40)],
    )
    write(made, range(30))
    made.tick()
    assert len(paths(tmp_path)) == 2
    assert paths(tmp_path)[1].stat().st_size > 2000
    clock.advance(3601)
    for _ in range(3):
        made.tick()
    assert len(paths(tmp_path)) == 2
    write(made, range(30))
    made.tick()
    assert len(paths(tmp_path)) == 3
    made.close()


def test_rotation_by_age_only_when_there_is_something(tmp_path: Path) -> None:
    clock = FakeClock()
    made = journal(tmp_path, clock=clock)
    clock.advance(3601)
    made.tick()
    assert len(paths(tmp_path)) == 1
    write(made, [1])
    clock.advance(3601)
    made.tick()
    assert len(paths(tmp_path)) == 2
    made.close()


@pytest.mark.parametrize("fsync", ["always", "interval"])
def test_with_a_syncer(tmp_path: Path, fsync: str) -> None:
    loop: SimpleQueue[Callable[[], None]] = SimpleQueue()
    policy = msgspec.convert({"fsync": fsync, "fsync_interval": 0.01}, Audit)
    made = Journal(names.folder(tmp_path), "w0", policy, FakeClock(), soon=loop.put)
    made.open()
    made.append(b"[1,1]")
    ticket = made.commit()
    if fsync == "interval":
        assert ticket is None
    else:
        assert isinstance(ticket, Ticket)
        done: list[int] = []
        ticket.then(lambda: done.append(1))
        while not done:
            loop.get(timeout=10)()
        ticket.then(lambda: done.append(2))
        assert done == [1, 2]
    made.rotate()
    made.close()
    assert all_records(tmp_path)[1] == [1, 1]


def test_a_record_of_an_earlier_turn_is_waited_for(tmp_path: Path) -> None:
    """A request may go out long after its record was written: its connection had to be made first."""
    loop: SimpleQueue[Callable[[], None]] = SimpleQueue()
    made = Journal(names.folder(tmp_path), "w0", Audit(fsync="always"), FakeClock(), soon=loop.put)
    made.open()
    made.append(b"[1,1]")
    written = made.commit()
    assert written is not None
    assert made.commit() is written
    while not written.settled:
        loop.get(timeout=30)()
    assert made.commit() is None
    made.close()


def test_another_policy_takes_over(tmp_path: Path) -> None:
    loop: SimpleQueue[Callable[[], None]] = SimpleQueue()
    made = Journal(names.folder(tmp_path), "w0", Audit(fsync="always"), FakeClock(), soon=loop.put)
    made.open()
    for number, fsync in enumerate(("never", "always", "interval", "always")):
        made.append(b"[1,%d]" % number)
        ticket = made.commit()
        made.change(msgspec.convert({"fsync": fsync}, Audit))
        while ticket is not None and not ticket.settled:
            loop.get(timeout=10)()
    made.close()
    assert [record for record in all_records(tmp_path) if record[0] == 1] == [[1, n] for n in range(4)]
    assert len({path.name.rpartition("-")[0] for path in paths(tmp_path)}) == 1
    assert len(paths(tmp_path)) == 5


class BrokenDisk:
    """Fails writes with an error number for as long as it is set, after taking some bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error = 0
        self.takes = 0
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, descriptor: int, data: bytes) -> int:
        if descriptor <= 2 or not self.error:
            return self._write(descriptor, data)
        if self.takes:
            taken, self.takes = self.takes, 0
            return self._write(descriptor, bytes(data[:taken]))
        raise OSError(self.error, os.strerror(self.error))


def complaints(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize("policy", ["refuse", "continue"])
def test_a_failing_disk(
    tmp_path: Path, policy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = BrokenDisk(monkeypatch)
    made = journal(tmp_path, policy=msgspec.convert({"fsync": "never", "on_failure": policy}, Audit))
    write(made, [1])
    size = paths(tmp_path)[0].stat().st_size
    disk.error, disk.takes = errno.EIO, 10
    write(made, [2])
    assert made.failing
    assert made.refusing is (policy == "refuse")
    assert paths(tmp_path)[0].stat().st_size == size  # the torn frame was taken back
    write(made, [3])
    made.tick()
    assert made.errors == 2
    disk.error = 0
    made.tick()
    assert not made.failing
    assert not made.refusing
    write(made, [4])
    made.close()
    assert [record[1] for record in all_records(tmp_path) if record[0] == 1] == [1, 2, 3, 4]
    (path,) = paths(tmp_path)
    assert not reading.scan(reading.load(path), path.name).findings
    said = complaints(capsys)
    what = "new requests are refused" if policy == "refuse" else "requests go on, perhaps without a record"
    assert said == [f"the audit journal cannot be written: {what}", "the audit journal is written again"]


def test_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = journal(tmp_path)
    whole = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: whole(fd, bytes(data[:7])))
    write(made, [1, 2])
    assert not made.failing
    made.close()
    assert [record[1] for record in all_records(tmp_path) if record[0] == 1] == [1, 2]


def test_a_torn_frame_that_stays_ends_its_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = BrokenDisk(monkeypatch)
    made = journal(tmp_path)
    disk.error, disk.takes = errno.EIO, 10

    def stuck(descriptor: int, size: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", stuck)
        write(made, [1])
    disk.error = 0
    made.tick()
    write(made, [2])
    made.close()
    first, second = paths(tmp_path)
    torn = reading.scan(reading.load(first), first.name)
    assert torn.size - torn.end == 10
    assert not torn.findings
    assert [record[1] for record in all_records(tmp_path) if record[0] == 1] == [1, 2]
    assert not reading.scan(reading.load(second), second.name).findings


def test_what_cannot_be_kept_is_counted_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = BrokenDisk(monkeypatch)
    made = journal(tmp_path)
    disk.error = errno.ENOSPC
    made.append(b"[1,1]")
    made.append(b'[1,2,"' + bytes(LIMIT_BYTES).replace(b"\0", b"x") + b'"]')
    made.commit()
    assert made.lost == 1
    disk.error = 0
    made.tick()
    made.close()
    assert all_records(tmp_path)[1:3] == [[1, 1], [0, "lost", 1_780_000_000.0, 1]]


def test_at_the_end_what_is_owed_is_lost_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = BrokenDisk(monkeypatch)
    made = journal(tmp_path)
    disk.error = errno.ENOSPC
    write(made, [1])
    made.close()
    assert made.lost == 3
    assert "audit records are lost: the journal could not be written" in complaints(capsys)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    made = journal(tmp_path)
    assert made.refusing
    write(made, [1])
    made.tick()
    assert made.refusing
    (tmp_path / "journal").unlink()
    made.tick()
    assert not made.failing
    assert [record[1] for record in all_records(tmp_path) if record[0] == 1] == [1]
    made.close()


def test_no_room_is_noticed_before_a_write_fails(tmp_path: Path) -> None:
    full = False

    def reserve(descriptor: int, offset: int, length: int) -> bool:
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return True

    made = journal(tmp_path)
    made._reserve = reserve  # type: ignore[assignment]
    made._reserved = 0
    full = True
    made.tick()
    assert made.refusing
    write(made, [1])  # what is in flight still finds its place
    assert all_records(tmp_path)[1][1] == 1
    full = False
    made.tick()
    assert not made.refusing
    made.close()


def test_a_failed_sync_goes_on_in_another_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from seekgate.store.journal import syncing

    broken = [True]

    def sync(descriptor: int) -> None:
        if broken[0]:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    loop: SimpleQueue[Callable[[], None]] = SimpleQueue()
    monkeypatch.setattr(syncing, "_sync", sync)
    made = Journal(names.folder(tmp_path), "w0", Audit(fsync="always"), FakeClock(), soon=loop.put)
    made.open()
    made.append(b"[1,1]")
    ticket = made.commit()
    assert ticket is not None
    while not ticket.settled:
        loop.get(timeout=10)()
    assert made.refusing
    broken[0] = False
    made.tick()
    assert not made.refusing
    assert len(paths(tmp_path)) == 2
    made.close()


def test_a_killed_writer_leaves_what_it_committed(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(10))
    made.append(open_record(11))
    die(made)
    assert len(all_records(tmp_path)) == 21


def test_room_is_given_back(tmp_path: Path) -> None:
    made = journal(tmp_path)
    (path,) = paths(tmp_path)
    until(lambda: path.stat().st_blocks * 512 >= writer.RESERVE_BYTES // 2 or made._reserve is None, "room")
    made.close()
    assert path.stat().st_blocks * 512 < writer.RESERVE_BYTES // 2
