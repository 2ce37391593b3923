"""From the tables to the rows of the row log: what a follower asks.

`all_rows` is where it starts, `rows_since` how it goes on: ``upto = last_number(db)``, and if that is greater than
the number seen, ``rows_since(db, seen, upto)`` has everything that the changes between them affect. An answer shows
each row as it is now, so that of several changes of one row only the last counts; a row that is gone, or whose owner is
disabled, is None. ``epoch`` tells whether it is still the same database; with another one, or when ``last_number`` is
smaller than the number seen, start again with `all_rows`.

Ids of the row log: of roles their name, of bindings and limits ``scope:name``, and of keys ``KEY_ID.N``, one for each
*secret* of a key. A rotation that overlaps has two of them at once, with one `KeyRow.id`, so tables must be kept by the
log's id, and reports by `KeyRow.id`. Built-in roles are not among the rows: every worker knows them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, Select, func, select

from seekgate.config.rows import Row
from seekgate.store.database import Database
from seekgate.store.row_queries import (
    binding_ids,
    fetch_bindings,
    fetch_keys,
    fetch_limits,
    fetch_roles,
    key_ids,
    limit_ids,
    role_ids,
    secrets_of,
)
from seekgate.store.tables import changes, installation

Entry = tuple[int, str, str, Row | None]
"""Change number, kind (``key``, ``role``, ``binding``, ``limit``), id in the row log, the row or None."""

OWNERS = ("organisation", "team", "application", "user")
"""Kinds whose change may affect each of their keys."""

_MANY = 2000
_FETCH: dict[str, Callable[[Connection, Sequence[str]], Mapping[str, Row]]] = {
    "role": fetch_roles,
    "binding": fetch_bindings,
    "limit": fetch_limits,
    "key": fetch_keys,
}


def epoch(database: Database) -> str:
    """What tells this database from every other one."""
    with database.reading() as connection:
        return str(connection.execute(select(installation.c.epoch)).scalar_one())


def last_number(database: Database) -> int:
    """The number of the newest change; 0 when there was none. One look at an index: ask as often as you like."""
    with database.reading() as connection:
        return _last(connection)


def rows_since(database: Database, number: int, upto: int | None = None) -> list[Entry]:
    """The rows that changes after ``number``, up to and with ``upto`` (None: the newest), affect; in order."""
    with database.reading() as connection:
        touched = _touched(connection, number, _last(connection) if upto is None else upto)
        found: dict[tuple[str, str], Row] = {}
        for kind, fetch in _FETCH.items():
            ids = [id for its, id in touched if its == kind]
            for part in _parts(ids):
                found.update(((kind, id), row) for id, row in fetch(connection, part).items())
    entries = [(at, kind, id, found.get((kind, id))) for (kind, id), at in touched.items()]
    return sorted(entries, key=lambda entry: entry[0])


def all_rows(database: Database, size: int = _MANY) -> Iterator[list[Entry]]:
    """Every row that there is, in batches, each entry with the number of the newest change: one consistent state.

    The database keeps this state until the iterator is done or closed; read it through without a pause.
    """
    with database.reading() as connection:
        number = _last(connection)
        sources = (("role", role_ids), ("binding", binding_ids), ("limit", limit_ids), ("key", key_ids))
        for kind, ids in sources:
            for part in _parts(ids(connection), min(size, _MANY)):
                rows = _FETCH[kind](connection, part)
                if rows:
                    yield [(number, kind, id, row) for id, row in rows.items()]


def _last(connection: Connection) -> int:
    return int(connection.execute(select(func.coalesce(func.max(changes.c.number), 0))).scalar_one())


def _touched(connection: Connection, number: int, upto: int) -> dict[tuple[str, str], int]:
    """(kind, id) of the row log → the newest change that affects it."""
    touched: dict[tuple[str, str], int] = {}
    owners: dict[tuple[str, str], int] = {}
    for change in connection.execute(_between(number, upto)):
        for kind, id in json.loads(change.touched):
            touched[kind, id] = change.number
        if change.kind in OWNERS:
            owners[change.kind, change.id] = change.number
    for (kind, id), at in owners.items():
        for secret in secrets_of(connection, kind, id):
            touched["key", secret] = max(at, touched.get(("key", secret), 0))
    return touched


def _between(number: int, upto: int) -> Select[int, str, str, str]:
    columns = (changes.c.number, changes.c.kind, changes.c.id, changes.c.touched)
    return (
        select(*columns).where(changes.c.number > number, changes.c.number <= upto).order_by(changes.c.number)
    )


def _parts(ids: Iterable[str], size: int = _MANY) -> Iterator[Sequence[str]]:
    part: list[str] = []
    for id in ids:
        part.append(id)
        if len(part) >= size:
            yield part
            part = []
    if part:
        yield part
