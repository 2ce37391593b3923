"""What the keeper does: it seals segments that nobody writes any more, closes what their writers left open, and removes
what the retention policy lets go.

Everything is done under one lock and can be interrupted anywhere: the next run goes on where this one stopped.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from seekgate.config.compiled.audit import Audit
from seekgate.host.clock import Clock
from seekgate.store.journal import index, names, notes, reading, records
from seekgate.store.journal.manifest import Entry, Signer
from seekgate.store.journal.names import SegmentName

LOCK = "keeper.lock"


class Orphan(msgspec.Struct, frozen=True):
    """A request that a writer opened and did not live to close. ``caller`` is the principal's id, ``reserved`` what the
    open record said was reserved for it, ``asked`` the elements around it, which the audit stage has names for."""

    writer: str
    number: int
    time: float
    request: str
    caller: str
    reserved: Any = None
    asked: list[Any] = []


class Done(msgspec.Struct):
    """What one run did."""

    sealed: list[Entry] = []
    orphans: list[Orphan] = []
    retired: list[str] = []
    head: str = ""


class Closed(msgspec.Struct, frozen=True):
    """A segment that can be sealed: what was found in it."""

    name: SegmentName
    found: reading.Scan
    orphans: list[Orphan]
    first_time: float
    last_time: float


def keep(home: Path, policy: Audit, clock: Clock) -> Done:
    """One run. Raise `OSError` when the journal cannot be read or written."""
    journal = names.folder(home)
    names.prepare(journal)
    with _locked(journal):
        signer = Signer(home, journal)
        gone = {line.entry.segment for line in signer.lines if line.entry.kind == "retired"}
        sealed = {line.entry.segment: line.entry for line in signer.lines if line.entry.kind == "sealed"}
        done = Done(sealed=[], orphans=[], retired=[])
        # The notes last: what an interrupted run has recorded as abandoned is looked for in those that are open.
        for of_notes in (False, True):
            if of_notes:
                _end_notes(journal, policy, clock)
            for name in names.segments(journal):
                if (name.slot == notes.SLOT) is not of_notes or str(name) in sealed or str(name) in gone:
                    continue
                if not _abandoned(journal, name):
                    continue
                # Looked up only now: a writer lets go of a segment when its next one is there.
                closed = examine(journal, name, last=_is_last(name, names.segments(journal)))
                done.orphans += _close_orphans(journal, closed.orphans, clock)
                entry = _seal(journal, signer, closed, clock)
                sealed[str(name)] = entry
                done.sealed.append(entry)
        done.retired = _retire(journal, signer, sealed, gone, policy, clock)
        done.head = signer.lines[-1].digest
        return done


@contextmanager
def _locked(journal: Path) -> Iterator[None]:
    descriptor = os.open(journal / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_last(name: SegmentName, present: list[SegmentName]) -> bool:
    """Whether its writer wrote no other after it: what is open at its end is then nobody's."""
    return not any(each.writer == name.writer and each.sequence > name.sequence for each in present)


def _abandoned(journal: Path, name: SegmentName) -> bool:
    """Whether nobody writes it any more. A worker holds a lock on its segment; of the notes there is one open one."""
    if name.slot == notes.SLOT:
        with notes.exclusive(journal):
            state = notes.open_segment(journal)
            return state is None or state.segment != str(name)
    descriptor = os.open(journal / str(name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _end_notes(journal: Path, policy: Audit, clock: Clock) -> None:
    """Let the next note begin a segment of its own, when this one is large or old enough."""
    with notes.exclusive(journal):
        state = notes.open_segment(journal)
        if state is None:
            return
        name = names.parse(state.segment)
        age = clock.wall() - names.started(name) if name else 0.0
        if state.size >= policy.segment_bytes or age >= policy.segment_age:
            (journal / notes.STATE).unlink()


def examine(journal: Path, name: SegmentName, *, last: bool) -> Closed:
    """Read a segment that nobody writes: whether it is sound, and what was left open in it."""
    data = reading.load(journal / str(name))
    found = reading.scan(data, str(name))
    opened: dict[int, bytes] = {}
    first_time = last_time = 0.0
    for _, _, raw in reading.read(data):
        record = records.envelope(raw)
        if record.kind == records.OPEN:
            opened[record.number] = raw
        elif record.kind == records.CLOSE:
            opened.pop(record.number, None)
        when = record.number if record.kind == records.NOTE else record.time
        if record.kind != records.OWN and isinstance(when, int | float):
            first_time, last_time = first_time or when, when
    orphans = [_orphan(name, raw) for raw in opened.values()] if last else []
    return Closed(name, found, orphans, first_time, last_time)


def _orphan(name: SegmentName, raw: bytes) -> Orphan:
    record, whole = records.envelope(raw), records.decode(raw)
    reserved = whole[records.RESERVED] if len(whole) > records.RESERVED else None
    asked = whole[records.BEHIND_CALLER : records.PROMPT_DIGEST]
    return Orphan(name.writer, record.number, record.time, record.request, record.caller, reserved, asked)


def _close_orphans(journal: Path, orphans: list[Orphan], clock: Clock) -> list[Orphan]:
    """Record them as abandoned, unless an interrupted run has done so; all of them are reported, again if need be."""
    if not orphans:
        return orphans
    with notes.exclusive(journal):
        state = notes.open_segment(journal)
        known = set()
        if state is not None:
            for _, _, raw in reading.read(reading.load(journal / state.segment)):
                record = records.decode(raw)
                if record[0] == records.ABANDONED:
                    known.add((record[5], record[records.NUMBER]))
        now = clock.wall()
        new = [
            records.encode((records.ABANDONED, o.number, now, o.request, o.caller, o.writer, o.reserved))
            for o in orphans
            if (o.writer, o.number) not in known
        ]
        if new:
            notes.write(journal, new)
    return orphans


def _seal(journal: Path, signer: Signer, closed: Closed, clock: Clock) -> Entry:
    """Cut what is torn, sign what is there, make it read-only, and build its index."""
    path = journal / str(closed.name)
    found = closed.found
    torn = found.size - found.end
    if torn:
        # Nothing is thrown away: what a killed writer left unfinished cannot be told from what was damaged on purpose.
        with path.open("rb") as file:
            file.seek(found.end)
            path.with_name(path.name + names.TORN_SUFFIX).write_bytes(file.read())
        os.truncate(path, found.end)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    entry = Entry(
        0,
        "sealed",
        0.0,
        "",
        segment=str(closed.name),
        digest=found.digest.hex(),
        size=found.end,
        records=found.records,
        first_time=closed.first_time,
        last_time=closed.last_time,
        torn=torn,
        findings=len(found.findings),
    )
    line = signer.append(entry, clock.wall())
    path.chmod(0o400)
    index.build(path)
    return line.entry


def _retire(
    journal: Path, signer: Signer, sealed: dict[str, Entry], gone: set[str], policy: Audit, clock: Clock
) -> list[str]:
    """Remove segments that have been kept for long enough; the manifest says so first."""
    retired = []
    for name in gone & {str(each) for each in names.segments(journal)}:
        _remove(journal, name)  # an interrupted run had said so already
    if policy.retention is not None:
        oldest = clock.wall() - policy.retention
        for name, entry in sealed.items():
            if name not in gone and (entry.last_time or entry.time) < oldest:
                signer.append(Entry(0, "retired", 0.0, "", segment=name, digest=entry.digest), clock.wall())
                _remove(journal, name)
                retired.append(name)
    return retired


def _remove(journal: Path, name: str) -> None:
    for suffix in (names.INDEX_SUFFIX, names.TORN_SUFFIX, ""):
        (journal / (name + suffix)).unlink(missing_ok=True)
