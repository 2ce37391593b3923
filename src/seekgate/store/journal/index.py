"""Where a request id or a caller occurs in a sealed segment: a file beside it, which can be thrown away and made again.

::

    head   = "SGJX0001" | bytes of the segment, u64 | entries, u64
    entry  = first 8 bytes of BLAKE2b(term) | offset of the frame << 20 + position in it, u64      sorted

Numbers are big-endian, so that entries sort as bytes. A term is ``r:`` and a request id or ``c:`` and a caller's id.
Two terms may share a hash: whoever looks something up compares the record.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from seekgate.store.journal import reading
from seekgate.store.journal.frame import MAX_RECORDS
from seekgate.store.journal.names import INDEX_SUFFIX
from seekgate.store.journal.records import NOTE, OWN, envelope

_HEAD = struct.Struct(">8sQQ")
_ENTRY = struct.Struct(">8sQ")
_MAGIC = b"SGJX0001"
_SIZE = _ENTRY.size


def path_of(segment: Path) -> Path:
    """Where a segment's index is."""
    return segment.with_name(segment.name + INDEX_SUFFIX)


def term(kind: str, value: str) -> bytes:
    """The hash of a term: ``kind`` is ``r`` (request id) or ``c`` (caller)."""
    return blake2b(f"{kind}:{value}".encode("utf-8", "replace"), digest_size=8).digest()


def build(segment: Path) -> Path:
    """Make the index of a segment that does not change any more. Raise `OSError`."""
    data = reading.load(segment)
    # By first byte, so that sorting needs little memory beside the entries themselves.
    buckets = [bytearray() for _ in range(256)]
    callers: dict[str, bytes] = {}
    pack = _ENTRY.pack
    frame = reading.next_frame(data, 0)
    while frame is not None:
        place = frame.offset * MAX_RECORDS
        for _, _, raw, sound in reading.records_of(data, frame):
            if sound:
                record = envelope(raw)
                if record.kind not in (OWN, NOTE):
                    key = term("r", str(record.request))
                    buckets[key[0]] += pack(key, place)
                    caller = str(record.caller)
                    key = callers.get(caller) or callers.setdefault(caller, term("c", caller))
                    buckets[key[0]] += pack(key, place)
            place += 1
        frame = reading.frame_at(data, frame.end) or reading.next_frame(data, frame.end)
    path = path_of(segment)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(_HEAD.pack(_MAGIC, len(data), sum(map(len, buckets)) // _SIZE))
        for bucket in buckets:
            file.write(
                b"".join(sorted(bytes(bucket[at : at + _SIZE]) for at in range(0, len(bucket), _SIZE)))
            )
    beside.replace(path)
    return path


class Index:
    """An index that was opened. Raise `OSError` or `ValueError` when there is none that fits the segment."""

    def __init__(self, segment: Path, size: int) -> None:
        data = reading.load(path_of(segment))
        if len(data) < _HEAD.size:
            raise ValueError("an empty index")
        magic, covered, count = _HEAD.unpack(data[: _HEAD.size])
        if magic != _MAGIC or covered != size or len(data) != _HEAD.size + count * _SIZE:
            raise ValueError("an index of something else")
        self._data: bytes | mmap.mmap = data
        self._count = count

    def places(self, key: bytes, newest_first: bool = True) -> Iterator[tuple[int, int]]:
        """Where a term may be: the offset of a frame and a position in it."""
        low, high = self._bound(key, bytes(8)), self._bound(key, b"\xff" * 8)
        order = range(high - 1, low - 1, -1) if newest_first else range(low, high)
        for at in order:
            _, place = _ENTRY.unpack(self._entry(at))
            yield place // MAX_RECORDS, place % MAX_RECORDS

    def _entry(self, at: int) -> bytes:
        start = _HEAD.size + at * _SIZE
        return self._data[start : start + _SIZE]

    def _bound(self, key: bytes, rest: bytes) -> int:
        """The position of the first entry that is not less than ``key`` and ``rest``."""
        wanted = key + rest
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._entry(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low
