"""What a worker that shares its limits with nobody must not forget when it is restarted: what was used of long windows.

A file in ``SEEKGATE_HOME/run``, written whole about once a second while something changes. Windows shorter than an hour
are not worth it: a restart then forgives a part of one.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from seekgate.stages.quota.counter import Counter
from seekgate.stages.quota.state import Tables

LONG = 3600
"""Seconds from which on a window is remembered."""

PER_SECOND = 5_000
"""Counters written for each second between two writings: with many, they are written more rarely."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A counter's identity, the beginning of its window, and what was used of it."""

    id: str
    start: int
    used: int


_decode = msgspec.json.Decoder(list[Entry]).decode


class Memory:
    """The file of one worker slot."""

    def __init__(self, path: Path, tables: Tables) -> None:
        self._path = path
        self._tables = tables
        self._written = b""
        self._own = 0
        self._due = 0.0

    def restore(self) -> None:
        """Take up what the worker before this one had used. Raises `OSError` or `msgspec.DecodeError`; a file that is
        not there is nothing to remember."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        self._tables.remembered = {entry.id: (entry.start, entry.used) for entry in _decode(data)}

    def keep(self, now: float, at_once: bool = False) -> None:
        """Write, when something has changed and it is time. Raises `OSError`."""
        if now < self._due and not at_once:
            return
        entries = [Entry(c.id, c.start, c.used) for c in self._tables.counters.values() if _worth(c, now)]
        # What has not been met again since the start is still true, unless its window is over; that nobody checks here.
        entries += [Entry(id, start, used) for id, (start, used) in self._tables.remembered.items()]
        self._due = now + 1.0 + len(entries) / PER_SECOND
        data = msgspec.json.encode(entries)
        # A predecessor that is still draining writes what it knows when it ends.
        if data != self._written or (entries and self._number() != self._own):
            scratch = self._path.with_suffix(".tmp")
            scratch.write_bytes(data)
            scratch.replace(self._path)
            self._written, self._own = data, self._number()

    def _number(self) -> int:
        """What tells this file from another of the same name; 0 when there is none."""
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return 0


def _worth(c: Counter, now: float) -> bool:
    return c.used > 0 and c.end > now and (c.budget is not None or c.seconds >= LONG)
