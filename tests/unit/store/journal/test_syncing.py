"""The thread that brings frames to the disk."""

from __future__ import annotations

import os
from pathlib import Path
from queue import SimpleQueue

import pytest

from seekgate.store.journal.syncing import Syncer
from tests.support.until import until

Told = SimpleQueue[tuple[int, OSError | None]]


def descriptors(folder: Path) -> tuple[int, int]:
    file = os.open(folder / "file", os.O_WRONLY | os.O_CREAT)
    return file, os.open(folder, os.O_RDONLY)


@pytest.fixture
def told() -> Told:
    return SimpleQueue()


def test_a_ticket_is_answered(tmp_path: Path, told: Told) -> None:
    syncer = Syncer("always", 0.0, lambda ticket, error: told.put((ticket, error)))
    syncer.start()
    syncer.use(*descriptors(tmp_path))
    wanted = syncer.written()
    while (answer := told.get(timeout=10)) != (wanted, None):
        assert answer[0] < wanted
    syncer.stop(10)


def test_one_sync_answers_for_all_that_came_before_it(tmp_path: Path, told: Told) -> None:
    syncer = Syncer("always", 0.0, lambda ticket, error: told.put((ticket, error)), first=100)
    syncer.use(*descriptors(tmp_path))
    tickets = [syncer.written() for _ in range(50)]
    syncer.start()
    assert told.get(timeout=10) == (tickets[-1], None)
    assert tickets[0] == 102
    syncer.stop(10)


def test_at_intervals_and_at_the_end(tmp_path: Path, told: Told) -> None:
    syncer = Syncer("interval", 0.01, lambda ticket, error: told.put((ticket, error)))
    syncer.start()
    syncer.use(*descriptors(tmp_path))
    assert told.get(timeout=10)[1] is None
    for _ in range(3):
        until(lambda: syncer._idle, "the thread to have nothing to do")
        ticket = syncer.written()
        assert told.get(timeout=10) == (ticket, None)
    last = syncer.written()
    syncer.stop(10)
    answers = [told.get() for _ in range(told.qsize())]
    assert answers[-1] == (last, None)


def test_the_file_before_is_synced_and_closed(tmp_path: Path, told: Told) -> None:
    syncer = Syncer("always", 0.0, lambda ticket, error: told.put((ticket, error)))
    old, folder = descriptors(tmp_path)
    syncer.use(old, folder)
    syncer.use(*descriptors(tmp_path))
    syncer.start()
    told.get(timeout=10)
    syncer.stop(10)
    for closed in (old, folder):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(closed)


def test_a_failure_is_told(tmp_path: Path, told: Told) -> None:
    syncer = Syncer("always", 0.0, lambda ticket, error: told.put((ticket, error)))
    file, folder = descriptors(tmp_path)
    reader, writer = os.pipe()  # cannot be synced
    os.dup2(writer, file)
    syncer.use(file, folder)
    syncer.start()
    ticket, error = told.get(timeout=10)
    assert ticket == 1
    assert isinstance(error, OSError)
    syncer.stop(10)
    os.close(reader)
    os.close(writer)
