"""What the files of the journal are called, and where they are.

A segment is ``NODE-SLOT-START-SEQUENCE.journal``: the node's id (made once for each home), the worker's slot (``w0``)
or ``notes``, the writer's start in UTC to the microsecond, and a sequence that grows with each rotation. Sorted by
name, the segments of one slot are in the order in which they were written.
"""

from __future__ import annotations

import contextlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec

SUFFIX = ".journal"
INDEX_SUFFIX = ".index"
TORN_SUFFIX = ".torn"
MANIFEST = "manifest"
NODE = "node"

_NODE = re.compile(r"[0-9a-z]{1,32}\Z")
_NAME = re.compile(r"([0-9a-z]{1,32})-([a-z0-9]{1,16})-(\d{8}T\d{12})-(\d{6,})\.journal\Z")


class SegmentName(msgspec.Struct, frozen=True, order=True):
    """A segment's name in its parts."""

    node: str
    slot: str
    start: str
    sequence: int

    @property
    def writer(self) -> str:
        """Who wrote it: one process in one slot."""
        return f"{self.node}-{self.slot}-{self.start}"

    def __str__(self) -> str:
        return f"{self.writer}-{self.sequence:06d}{SUFFIX}"

    def next(self) -> SegmentName:
        """The one after it, of the same writer."""
        return SegmentName(self.node, self.slot, self.start, self.sequence + 1)


def parse(name: str) -> SegmentName | None:
    """The parts of a file's name; None when it is no segment's."""
    found = _NAME.match(name)
    if found is None:
        return None
    return SegmentName(found[1], found[2], found[3], int(found[4]))


def first(node: str, slot: str, wall: float) -> SegmentName:
    """The first segment of a writer that starts at ``wall`` (Unix seconds)."""
    start = datetime.fromtimestamp(wall, UTC).strftime("%Y%m%dT%H%M%S%f")
    return SegmentName(node, slot, start, 0)


def unused(journal: Path, slot: str, wall: float) -> SegmentName:
    """`first`, for a segment that is not there: a clock that was set back must not lead to a file that is. Raise
    `OSError`."""
    node = node_id(journal)
    while (journal / str(name := first(node, slot, wall))).exists():
        wall += 1e-6
    return name


def folder(home: Path) -> Path:
    """Where the journal of a home is."""
    return home / "journal"


def prepare(journal: Path) -> None:
    """Make the folder, for this user alone. Raise `OSError`."""
    journal.mkdir(mode=0o700, parents=True, exist_ok=True)


def node_id(journal: Path) -> str:
    """This home's id, made by whoever asks first: 8 hexadecimal digits. Raise `OSError`."""
    path = journal / NODE
    with contextlib.suppress(FileNotFoundError):
        if known := _node(path):
            return known
        path.unlink()  # a crash left it empty, and under no name would segments be found again
    beside = journal / f".{NODE}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        with beside.open("w") as file:
            file.write(os.urandom(4).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link fails where another process was first; its id is then ours.
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return _node(path)


def _node(path: Path) -> str:
    """The id in a file; empty when it holds none."""
    text = path.read_text(errors="replace").strip()
    return text if _NODE.match(text) else ""


def segments(journal: Path) -> list[SegmentName]:
    """The segments that are there, in the order of their names; none when there is no folder."""
    try:
        found = [parse(entry) for entry in os.listdir(journal)]
    except FileNotFoundError:
        return []
    return sorted(name for name in found if name is not None)


def started(name: SegmentName) -> float:
    """When its writer began, in Unix seconds."""
    return datetime.strptime(name.start, "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC).timestamp()
