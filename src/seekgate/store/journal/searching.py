"""Records found again: by request id or by caller, with the index of each sealed segment; without one, by reading.

A segment that has no index (it is being written, its index was removed) is searched as bytes: the term stands in a
record as it stands in JSON, and the frame around a place is found by looking back for its head.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from seekgate.store.journal import index, manifest, names, reading, records
from seekgate.store.journal.frame import MAGIC
from seekgate.store.journal.manifest import Entry, ManifestError
from seekgate.store.journal.names import SegmentName


class Hit(msgspec.Struct, frozen=True):
    """A record and where it stands: its segment, its number in it, the byte where it begins."""

    segment: SegmentName
    number: int
    offset: int
    record: list[Any]

    @property
    def time(self) -> float:
        """Unix seconds; 0 for the journal's own records."""
        kind = self.record[0]
        value = self.record[1 if kind == records.NOTE else records.TIME] if kind != records.OWN else 0.0
        return float(value) if isinstance(value, int | float) else 0.0


class Span(msgspec.Struct, frozen=True):
    """A time: from and to, in Unix seconds."""

    since: float = 0.0
    until: float = float("inf")

    def meets(self, entry: Entry | None) -> bool:
        """Whether a segment may have records of it."""
        return (
            entry is None
            or not entry.last_time
            or (entry.first_time <= self.until and entry.last_time >= self.since)
        )


ALWAYS = Span()


class Ledger:
    """A journal's folder, read. Raise `OSError` when it cannot be."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        try:
            lines = manifest.read(journal)
        except ManifestError:
            lines = manifest.sound(journal)
        self._sealed = {line.entry.segment: line.entry for line in lines if line.entry.kind == "sealed"}
        # By when they begin: a writer's start is in the name, behind the slot.
        self.segments = sorted(names.segments(journal), key=lambda n: (n.start, n.slot, n.sequence))

    def everything(self, span: Span = ALWAYS) -> Iterator[Hit]:
        """All sound records of a time, segment by segment."""
        for name in self.segments:
            if span.meets(self._sealed.get(str(name))):
                yield from self.of(name, span)

    def of(self, name: SegmentName, span: Span = ALWAYS, offset: int = 0) -> Iterator[Hit]:
        """The sound records of a segment and a time, from a byte on."""
        for number, at, raw in reading.read(reading.load(self._journal / str(name)), offset):
            hit = Hit(name, number, at, records.decode(raw))
            if span is ALWAYS or span.since <= hit.time <= span.until:
                yield hit

    def find(self, *, request: str = "", caller: str = "", span: Span = ALWAYS) -> Iterator[Hit]:
        """The records with this request id, or of this caller; the newest segment first, and in it the newest first."""
        kind, value = ("r", request) if request else ("c", caller)
        place = records.REQUEST if request else records.CALLER
        for name in reversed(self.segments):
            entry = self._sealed.get(str(name))
            if not span.meets(entry):
                continue
            for hit in self._candidates(name, entry, kind, value):
                record = hit.record
                known = record[0] in records.REQUESTS and len(record) > place and record[place] == value
                if known and span.since <= hit.time <= span.until:
                    yield hit

    def _candidates(self, name: SegmentName, entry: Entry | None, kind: str, value: str) -> Iterator[Hit]:
        path = self._journal / str(name)
        data = reading.load(path)
        if entry is not None and name.slot != "notes":
            found = _index(path, entry)
            for offset, position in found.places(index.term(kind, value)):
                frame = reading.frame_at(data, offset)
                if frame is not None:
                    yield from _record(name, data, frame, position)
            return
        yield from _grep(name, data, records.encode(value))


def _index(path: Path, entry: Entry) -> index.Index:
    """A segment's index, made again if it is not there or fits something else."""
    try:
        return index.Index(path, entry.size)
    except (OSError, ValueError):
        index.build(path)
        return index.Index(path, path.stat().st_size)


def _record(name: SegmentName, data: reading.Bytes, frame: reading.Frame, position: int) -> Iterator[Hit]:
    for number, at, raw, sound in reading.records_of(data, frame):
        if number - frame.first == position and sound:
            yield Hit(name, number, at, records.decode(raw))


def _grep(name: SegmentName, data: reading.Bytes, needle: bytes) -> Iterator[Hit]:
    """From the end: every record in which the bytes stand."""
    at = len(data)
    while (at := data.rfind(needle, 0, at)) >= 0:
        frame = _around(data, at)
        if frame is None:
            continue
        found = [
            Hit(name, number, offset, records.decode(raw))
            for number, offset, raw, sound in reading.records_of(data, frame)
            if sound and needle in raw
        ]
        yield from reversed(found)
        at = frame.offset


def _around(data: reading.Bytes, at: int) -> reading.Frame | None:
    """The frame in which a byte stands."""
    start = at
    while (start := data.rfind(MAGIC, 0, start)) >= 0:
        frame = reading.frame_at(data, start)
        if frame is not None:
            return frame if frame.end > at else None
    return None
