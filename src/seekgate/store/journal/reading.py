"""A segment read back: its records, and everything that is wrong with it, with the place where it is.

A frame that is damaged does not hide the ones behind it: the next frame is found by its head, whose checksum must be
right, and the chain is followed from there on. So one flipped byte gives one finding.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import msgspec

from seekgate.store.journal.frame import CORE_BYTES, HEAD, HEAD_BYTES, MAGIC, START, chained, table_of

Bytes = bytes | mmap.mmap


class Finding(msgspec.Struct, frozen=True):
    """Something wrong. ``offset`` is in bytes, ``record`` the number of the first record concerned (-1: of none)."""

    segment: str
    what: str
    offset: int = -1
    record: int = -1

    def __str__(self) -> str:
        place = self.segment
        if self.offset >= 0:
            place += f", byte {self.offset}"
        if self.record >= 0:
            place += f", record {self.record}"
        return f"{place}: {self.what}"


class Frame(msgspec.Struct, frozen=True):
    """Where a frame is: its offset, where it ends, its first record's number, and its digest."""

    offset: int
    end: int
    first: int
    count: int
    digest: bytes


class Scan(msgspec.Struct):
    """What a segment was found to be. ``end`` is where its last whole frame ends; what follows is the beginning of a
    frame that was not finished, or a finding."""

    segment: str
    size: int = 0
    end: int = 0
    frames: int = 0
    records: int = 0
    digest: bytes = START
    header: dict[str, object] | None = None
    findings: list[Finding] = []


def load(path: Path) -> Bytes:
    """A file's bytes, mapped. Raise `OSError`."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""


def frame_at(data: Bytes, offset: int) -> Frame | None:
    """The frame whose head stands at ``offset``, or None when there is no sound head of a whole frame."""
    head = data[offset : offset + HEAD_BYTES]
    if len(head) < HEAD_BYTES:
        return None
    magic, length, count, first, digest, check = HEAD.unpack(head)
    end = offset + HEAD_BYTES + length
    if magic != MAGIC or crc32(head[:-4]) != check or end > len(data) or 8 * count > length:
        return None
    return Frame(offset, end, first, count, digest)


def next_frame(data: Bytes, offset: int) -> Frame | None:
    """The first sound frame at ``offset`` or behind it."""
    while (offset := data.find(MAGIC, offset)) >= 0:
        frame = frame_at(data, offset)
        if frame is not None:
            return frame
        offset += 1
    return None


def records_of(data: Bytes, frame: Frame) -> Iterator[tuple[int, int, bytes, bool]]:
    """The records of a frame: number, offset, bytes, and whether its checksum is right."""
    table, at = table_of(data, frame.offset + HEAD_BYTES, frame.count)
    number = frame.first
    for length, check in table:
        record = data[at : min(at + length, frame.end)]
        yield number, at, record, crc32(record) == check and at + length <= frame.end
        at += length
        number += 1


def read(data: Bytes, offset: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """Every sound record from ``offset`` on: number, offset, bytes."""
    frame = next_frame(data, offset)
    while frame is not None:
        for number, at, record, sound in records_of(data, frame):
            if sound:
                yield number, at, record
        frame = frame_at(data, frame.end) or next_frame(data, frame.end)


def scan(data: Bytes, segment: str) -> Scan:
    """Check a segment from its first byte to its last."""
    found = Scan(segment, size=len(data), findings=[])
    before: bytes | None = START
    offset = 0
    while offset < len(data):
        frame = frame_at(data, offset)
        if frame is None:
            frame = next_frame(data, offset + 1)
            if frame is None:
                if not _torn(data, offset):
                    what = "a damaged frame, up to the end"
                    found.findings.append(Finding(segment, what, offset, found.records))
                break
            missing = _numbers(found.records, frame.first - 1)
            found.findings.append(
                Finding(
                    segment, f"a damaged frame{missing}, up to byte {frame.offset}", offset, found.records
                )
            )
            before, found.records = None, frame.first
        _check(found, data, frame, before)
        before = found.digest = frame.digest
        found.records = frame.first + frame.count
        found.frames += 1
        offset = found.end = frame.end
    if found.header is None and not found.findings:
        found.findings.append(Finding(segment, "not a segment of the journal", 0))
    return found


def _torn(data: Bytes, offset: int) -> bool:
    """Whether what stands at the end is the beginning of a frame, as a killed writer leaves it."""
    head = data[offset : offset + HEAD_BYTES]
    if len(head) < HEAD_BYTES:
        return MAGIC.startswith(head[:4]) or head.startswith(MAGIC)
    return head.startswith(MAGIC) and crc32(head[:-4]) == int.from_bytes(head[-4:], "little")


def _numbers(first: int, last: int) -> str:
    if last < first:
        return ""
    return f" (record {first})" if first == last else f" (records {first} to {last})"


def _check(found: Scan, data: Bytes, frame: Frame, before: bytes | None) -> None:
    """One frame: its place in the order, its records, its link to the frame before."""
    segment, expected = found.segment, found.records
    if frame.first > expected:
        what = f"records {expected} to {frame.first - 1} are missing in front of this frame"
        found.findings.append(Finding(segment, what, frame.offset, expected))
    elif frame.first < expected:
        what = f"a frame that is out of order: record {expected} should follow"
        found.findings.append(Finding(segment, what, frame.offset, frame.first))
    damaged = False
    table, end = table_of(data, frame.offset + HEAD_BYTES, frame.count)
    whole = end + sum(length for length, _ in table) == frame.end
    for number, at, record, sound in records_of(data, frame):
        if not sound:
            damaged = True
            what = "a damaged record" if whole else "a damaged table of records, from this one on"
            found.findings.append(Finding(segment, what, at, number))
            if not whole:
                break
        elif number == 0:
            _take_header(found, record, at)
    if not whole and not damaged:
        damaged = True
        found.findings.append(Finding(segment, "a frame longer than its records", frame.offset, frame.first))
    if damaged or before is None or frame.first != expected:
        return
    body = memoryview(data)[frame.offset + HEAD_BYTES : frame.end]
    core = data[frame.offset : frame.offset + CORE_BYTES]
    if chained(before, core, body) != frame.digest:
        what = "a frame that does not follow the one before it: something here was changed or removed"
        found.findings.append(Finding(segment, what, frame.offset, frame.first))


def _take_header(found: Scan, record: bytes, offset: int) -> None:
    try:
        _, what, header = msgspec.json.decode(record, type=tuple[int, str, dict[str, object]])
    except msgspec.DecodeError:
        what, header = "", {}
    if what != "segment" or header.get("segment") != found.segment:
        name = header.get("segment", "something else")
        found.findings.append(Finding(found.segment, f"this file is {name}, under another name", offset, 0))
    found.header = header
