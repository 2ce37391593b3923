"""From the tables to the rows of the row log: what a follower asks.

`all_rows` is where it starts, `rows_since` how it goes on: ``upto = last_number(db)``, and if that is greater than
the number seen, ``rows_since(db, seen, upto)`` has everything that the changes between them affect. An answer shows
each row as it is now, so that of several changes of one row only the last counts; a row that is gone, or whose owner is
disabled, is None. ``epoch`` tells whether it is still the same database; with another one, or when ``last_number`` is
smaller than the number seen, start again with `all_rows`.

Ids of the row log: of roles their name, of bindings and limits ``scope:name``, and of keys ``KEY_ID.N``, one for each
*secret* of a key. A rotation that overlaps has two of them at once, with one `KeyRow.id`, so tables must be kept by the
log's id, and reports by `KeyRow.id`.
"""

from __future__ import annotations

from collections.abc import Iterator

from seekgate.config.rows import Row
from seekgate.store.database import Database

Entry = tuple[int, str, str, Row | None]
"""Change number, kind (``key``, ``role``, ``binding``, ``limit``), id in the row log, the row or None."""


def epoch(database: Database) -> str:
    """What tells this database from every other one."""
    raise NotImplementedError


def last_number(database: Database) -> int:
    """The number of the newest change; 0 when there was none. One look at an index: ask as often as you like."""
    raise NotImplementedError


def rows_since(database: Database, number: int, upto: int | None = None) -> list[Entry]:
    """The rows that changes after ``number``, up to and with ``upto`` (None: the newest), affect; in order."""
    raise NotImplementedError


def all_rows(database: Database, size: int = 1000) -> Iterator[list[Entry]]:
    """Every row that there is, in batches, each entry with the number of the newest change: one consistent state."""
    raise NotImplementedError
