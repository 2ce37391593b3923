"""From the database to the row log: every change, in order, once.

The follower looks often at the number of the newest change, which is cheap, and asks for rows only when it has grown.
It begins with all rows, compares them with what the row log says, and writes the differences: whatever happened while
nobody followed (another database, a backup put back, a log that was damaged) is made good by that.

A database that does not answer changes nothing: the workers serve what the row log says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from seekgate.config.rowlog import Change, RowLogWriter, change
from seekgate.config.rows import Row
from seekgate.store.errors import StoreError

POLL = 0.2
"""Seconds between two looks at the database: a change is in the row log within this, and its own time."""
RETRY = (0.5, 1.0, 2.0, 5.0)
"""Seconds until a database that has failed once, twice … is tried again."""
_SELDOM = 50
"""Looks after which is asked whether it is still the same database, and the database tidied."""

Entry = tuple[int, str, str, Row | None]


class Source(Protocol):
    """The rows of a database (`seekgate.store.rows`). Everything may raise `StoreError`."""

    def epoch(self) -> str:
        """What tells this database from every other one."""
        ...

    def last_number(self) -> int:
        """The number of the newest change."""
        ...

    def rows_since(self, number: int, upto: int) -> Sequence[Entry]:
        """The rows that the changes after ``number`` and up to ``upto`` affect, as they are now."""
        ...

    def all_rows(self) -> Iterator[Sequence[Entry]]:
        """Every row, in batches."""
        ...

    def tidy(self) -> None:
        """What has to be done in the database from time to time."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Follower:
    """``step`` looks once and returns the seconds until the next look. ``say(level, text, reason)`` is told of trouble
    when it begins and when it is over, not at each look."""

    def __init__(
        self, connect: Callable[[], Source], log: RowLogWriter, say: Callable[[str, str, str], None]
    ) -> None:
        self._connect = connect
        self._log = log
        self._say = say
        self._source: Source | None = None
        self._epoch = ""
        self._seen = 0
        self._looks = 0
        self._failures = 0
        if log.damage:
            say("warning", "the row log was damaged: it is written anew from the database", log.damage)

    def close(self) -> None:
        """Let go of the database."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def step(self) -> float:
        """Bring the row log up to date. The seconds until it should be called again."""
        try:
            self._look()
        except (StoreError, OSError) as error:
            # After a failed write the log may have a part of the changes only: begin with all rows again.
            self.close()
            if not self._failures:
                self._say(
                    "error", "changes of rows cannot be followed: rows stay as they are", _reason(error)
                )
            self._failures += 1
            return RETRY[min(self._failures, len(RETRY)) - 1]
        if self._failures:
            self._failures = 0
            self._say("info", "changes of rows are followed again", "")
        return POLL

    def _look(self) -> None:
        if self._source is None:
            self._source = self._connect()
            self._compare(self._source)
            return
        source = self._source
        self._looks += 1
        upto = source.last_number()
        other = upto < self._seen
        if self._looks % _SELDOM == 1:
            other = other or source.epoch() != self._epoch
            source.tidy()
        if other:
            self._say("warning", "this is another database, or an older state of it: all rows are read", "")
            self._compare(source)
        elif upto > self._seen:
            self._log.append(_changes(source.rows_since(self._seen, upto)))
            self._seen = upto
        if self._log.overgrown:
            self._log.compact()

    def _compare(self, source: Source) -> None:
        """Write what differs between all rows and the row log."""
        self._epoch = source.epoch()
        number = source.last_number()
        known = self._log.rows
        met: set[tuple[str, str]] = set()
        # A new log is whole from its first moment: workers take what it does not mention for gone.
        waiting: list[Change] = []
        for batch in source.all_rows():
            fresh = []
            for one in _changes(batch):
                met.add((one.kind, one.id))
                number = max(number, one.number)
                if known.get((one.kind, one.id)) != bytes(one.row):
                    fresh.append(one)
            if self._log.begun:
                self._log.append(fresh)
            else:
                waiting += fresh
        waiting += [change(number, kind, id, None) for kind, id in known if (kind, id) not in met]
        self._log.append(waiting)
        self._seen = number


def _changes(entries: Iterable[Entry]) -> list[Change]:
    return [change(number, kind, id, row) for number, kind, id, row in entries]


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
