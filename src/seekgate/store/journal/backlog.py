"""Records that could not be written yet."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

LIMIT_BYTES = 16_777_216


class Backlog:
    """Keeps records in their order, up to `LIMIT_BYTES`; what does not fit is counted and gone."""

    __slots__ = ("_bytes", "records", "untold")

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.untold = 0
        self._bytes = 0

    def add(self, records: Iterable[bytes]) -> int:
        """Keep these; how many of them had to be given up."""
        before = self.untold
        for record in records:
            if self._bytes + len(record) > LIMIT_BYTES:
                self.untold += 1
            else:
                self.records.append(record)
                self._bytes += len(record)
        return self.untold - before

    def to_write(self, wall: float) -> list[bytes]:
        """What is owed, and at its end a record of what is missing."""
        if not self.untold:
            return self.records
        return [*self.records, msgspec.json.encode([0, "lost", wall, self.untold])]

    def clear(self) -> None:
        """Everything was written."""
        self.records = []
        self.untold = 0
        self._bytes = 0
