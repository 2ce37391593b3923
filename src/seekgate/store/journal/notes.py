"""Changes that people make, noted by commands and by the control process.

They have a segment of their own, of the same format, which every process opens, appends one frame to and closes again,
one at a time under a lock.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from seekgate.store.journal import names
from seekgate.store.journal.frame import HEAD, HEAD_BYTES, START, encode
from seekgate.store.journal.writer import FORMAT

SLOT = "notes"
LOCK = "notes.lock"
STATE = "notes.open"
NOTE = 4


class State(msgspec.Struct, frozen=True, array_like=True):
    """Where the open segment of notes ends."""

    segment: str
    size: int
    digest: str
    number: int


def note(home: Path, event: Mapping[str, Any]) -> None:
    """Record an event: what was changed, and by whom. It must hold no secret. On the disk when this returns.

    Raise `OSError` when it cannot be written, and `TypeError` when it is not plain JSON data.
    """
    journal = names.folder(home)
    names.prepare(journal)
    with exclusive(journal):
        write(journal, [msgspec.json.encode([NOTE, time.time(), dict(event)])])


@contextmanager
def exclusive(journal: Path) -> Iterator[None]:
    """Hold the lock of the notes."""
    descriptor = os.open(journal / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write(journal: Path, records: Sequence[bytes]) -> None:
    """Append one frame with these records. Call it with the lock held. Raise `OSError`; then nothing was written."""
    state = open_segment(journal)
    if state is None:
        state, first = _begin(journal)
        path, flags = journal / f".{state.segment}", os.O_CREAT | os.O_TRUNC
    else:
        first = b""
        path, flags = journal / state.segment, 0
    frame, digest = encode(bytes.fromhex(state.digest), state.number, records)
    descriptor = os.open(path, flags | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        _append(descriptor, state.size, first + frame)
        if first:
            # Under its name only when it is begun: an empty segment would be sealed as a damaged one.
            path.rename(journal / state.segment)
    except OSError:
        if first:
            path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    size = state.size + len(first) + len(frame)
    _remember(journal, State(state.segment, size, digest.hex(), state.number + len(records)))


def _append(descriptor: int, size: int, data: bytes) -> None:
    """Bring ``data`` to the disk behind the first ``size`` bytes, or leave it as it was."""
    os.ftruncate(descriptor, size)  # a frame that a killed process left unfinished
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def open_segment(journal: Path) -> State | None:
    """Where the notes go on, or None when a new segment is due. Call it with the lock held."""
    try:
        state = msgspec.json.decode((journal / STATE).read_bytes(), type=State)
        with (journal / state.segment).open("rb") as file:
            return _followed(file.fileno(), state)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def _followed(descriptor: int, state: State) -> State:
    """Frames behind the remembered end were written by a process that was killed before it could say so."""
    end = os.fstat(descriptor).st_size
    while True:
        head = os.pread(descriptor, HEAD_BYTES, state.size)
        if len(head) < HEAD_BYTES:
            return state
        _, length, count, _, digest, _ = HEAD.unpack(head)
        size = state.size + HEAD_BYTES + length
        if size > end:
            return state
        state = State(state.segment, size, digest.hex(), state.number + count)


def _begin(journal: Path) -> tuple[State, bytes]:
    """A new segment: where its second frame goes, and its first frame."""
    wall = time.time()
    name = names.unused(journal, SLOT, wall)
    older = [each for each in names.segments(journal) if each.slot == SLOT]
    header = {
        "format": FORMAT,
        "segment": str(name),
        "pid": os.getpid(),
        "time": wall,
        **({"after": str(older[-1])} if older else {}),
        "carried": 0,
    }
    frame, digest = encode(START, 0, [msgspec.json.encode([0, "segment", header])])
    return State(str(name), 0, digest.hex(), 1), frame


def _remember(journal: Path, state: State) -> None:
    beside = journal / f".{STATE}"
    beside.write_bytes(msgspec.json.encode(state))
    beside.replace(journal / STATE)
