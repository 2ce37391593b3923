"""Records as they are written: what is there first, then what comes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seekgate.store.journal import names, reading, records
from seekgate.store.journal.names import SegmentName
from seekgate.store.journal.searching import Hit

PAUSE = 0.25


class Position(msgspec.Struct):
    """How far each segment has been read, in bytes, so that a later run goes on there. ``read`` maps names to bytes."""

    read: dict[str, int] = {}

    @classmethod
    def load(cls, path: Path) -> Position:
        """What was saved; the beginning when nothing was. Raise `OSError` or `ValueError`."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return cls({})
        except msgspec.DecodeError:
            raise ValueError(f"{path} is not a saved position") from None

    def save(self, path: Path) -> None:
        """Write it, whole or not at all. Raise `OSError`."""
        beside = path.with_name(f".{path.name}.new")
        beside.write_bytes(msgspec.json.encode(self))
        beside.replace(path)


def news(journal: Path, position: Position) -> Iterator[Hit]:
    """The records behind ``position``, which moves with each whole frame that was taken."""
    for name in sorted(names.segments(journal), key=lambda n: (n.start, n.slot, n.sequence)):
        yield from _of(journal, name, position)
    gone = position.read.keys() - {str(name) for name in names.segments(journal)}
    for each in gone:
        del position.read[each]


def _of(journal: Path, name: SegmentName, position: Position) -> Iterator[Hit]:
    path, start = journal / str(name), position.read.get(str(name), 0)
    try:
        if path.stat().st_size <= start:
            return
        data = reading.load(path)
    except FileNotFoundError:
        return  # its time was over
    frame = reading.frame_at(data, start) or reading.next_frame(data, start)
    while frame is not None:
        for number, at, raw, sound in reading.records_of(data, frame):
            if sound:
                yield Hit(name, number, at, records.decode(raw))
        position.read[str(name)] = frame.end
        frame = reading.frame_at(data, frame.end) or reading.next_frame(data, frame.end)


def follow(journal: Path, position: Position) -> Iterator[Hit | None]:
    """`news` without end; None whenever there is nothing new, after which it waits for a moment."""
    while True:
        yield from news(journal, position)
        yield None
        time.sleep(PAUSE)
