"""What keys belong to: organisations, their teams and users, and the teams' applications.

Names are unique among all of a kind in the installation, because limits, bindings and reports go by them. A key that
belongs to something disabled stops; nothing that still has parts can be removed.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Select, Table, delete, func, insert, select, update

from seekgate.store import checks
from seekgate.store.database import Database
from seekgate.store.errors import Conflict, Refused, unknown
from seekgate.store.tables import applications, keys, organisations, teams, users

Kind = Literal["organisation", "team", "application", "user"]
Tier = Literal["core", "non-core"]

DEFAULT_ORGANISATION = "org_default"
"""Made by the first migration: what teams and users belong to when nothing else is said. It may be renamed."""

TABLES: dict[Kind, Table] = {
    "organisation": organisations,
    "team": teams,
    "application": applications,
    "user": users,
}
PARENTS: dict[Kind, Kind | None] = {
    "organisation": None,
    "team": "organisation",
    "application": "team",
    "user": "organisation",
}
_PREFIXES: dict[Kind, str] = {"organisation": "org", "team": "team", "application": "app", "user": "user"}
_PARTS: dict[Kind, tuple[tuple[str, Table], ...]] = {
    "organisation": (("team", teams), ("user", users), ("key", keys)),
    "team": (("application", applications), ("key", keys)),
    "application": (("key", keys),),
    "user": (("key", keys),),
}


class Owner(msgspec.Struct, frozen=True):
    """One of them. ``parent`` is the name of the organisation, or for an application of the team; ``tier`` is an
    application's. ``keys`` counts its own keys that are not revoked; ``created_at`` is Unix seconds."""

    id: str
    name: str
    kind: Kind
    parent: str
    tier: str
    disabled: bool
    created_at: float
    keys: int


def create_owner(
    database: Database, kind: Kind, name: str, *, parent: str | None = None, tier: Tier | None = None
) -> Owner:
    """Make one. ``parent`` names the organisation (the default one if None), or the application's team.

    Raise `Conflict` when the name is taken, `NotFound` for an unknown parent, `Refused` for an unusable name.
    """
    name = checks.name(name)
    if tier is not None and kind != "application":
        raise Refused(f"a {kind} has no tier")
    with database.changing() as change:
        free(change.connection, kind, name)
        id = checks.new_id(_PREFIXES[kind])
        values: dict[str, Any] = {"id": id, "name": name, "created_at": change.now}
        above = _parent(change.connection, kind, parent)
        if above is not None:
            values[_column(kind)] = above
        if tier is not None:
            values["tier"] = tier
        change.connection.execute(insert(TABLES[kind]).values(**values))
        owner = _by_id(change.connection, kind, id)
        change.record(kind, id, "create", name=name, parent=owner.parent, tier=owner.tier)
    return owner


def list_owners(database: Database, kind: Kind, *, parent: str | None = None) -> list[Owner]:
    """All of a kind by name, or those of one organisation or team."""
    with database.reading() as connection:
        statement = _select(kind).order_by(TABLES[kind].c.name)
        above = PARENTS[kind]
        if parent is not None and above is not None:
            statement = statement.where(TABLES[kind].c[_column(kind)] == owner_id(connection, above, parent))
        return [_owner(kind, row) for row in connection.execute(statement)]


def show_owner(database: Database, kind: Kind, name: str) -> Owner:
    """One of them, by name or id. Raise `NotFound`."""
    with database.reading() as connection:
        return _by_id(connection, kind, owner_id(connection, kind, name))


def change_owner(
    database: Database,
    kind: Kind,
    name: str,
    *,
    rename: str | None = None,
    parent: str | None = None,
    tier: Tier | None = None,
    disabled: bool | None = None,
) -> Owner:
    """Change what is not None. Its keys, limits and bindings follow. Raise `StoreError`."""
    with database.changing() as change:
        before = _by_id(change.connection, kind, owner_id(change.connection, kind, name))
        values = _changed(change.connection, before, rename, parent, tier)
        if disabled is not None and disabled != before.disabled:
            values["disabled"] = disabled
        if not values:
            return before
        table = TABLES[kind]
        change.connection.execute(update(table).where(table.c.id == before.id).values(**values))
        after = _by_id(change.connection, kind, before.id)
        touched = _subjects(kind, before.name, after.name) if "name" in values else []
        detail = {
            field: [getattr(before, field), getattr(after, field)]
            for field in ("name", "parent", "tier", "disabled")
            if getattr(before, field) != getattr(after, field)
        }
        change.record(kind, before.id, _verb(values), touched, name=before.name, changed=detail)
    return after


def remove_owner(database: Database, kind: Kind, name: str) -> Owner:
    """Remove one with its bindings and limits. Raise `Conflict` while something belongs to it."""
    with database.changing() as change:
        owner = _by_id(change.connection, kind, owner_id(change.connection, kind, name))
        if owner.id == DEFAULT_ORGANISATION:
            raise Refused("the default organisation cannot be removed; it can be renamed")
        _empty(change.connection, owner)
        table = TABLES[kind]
        change.connection.execute(delete(table).where(table.c.id == owner.id))
        change.record(kind, owner.id, "remove", _subjects(kind, owner.name), name=owner.name)
    return owner


def owner_id(connection: Connection, kind: Kind, name: str) -> str:
    """The id of the one with this name or id. Raise `NotFound` with the nearest name."""
    table = TABLES[kind]
    for column in (table.c.name, table.c.id):
        id = connection.execute(select(table.c.id).where(column == name)).scalar()
        if id is not None:
            return str(id)
    raise unknown(kind, name, connection.execute(select(table.c.name)).scalars())


def free(connection: Connection, kind: Kind, name: str) -> None:
    """Raise `Conflict` when the name is taken."""
    table = TABLES[kind]
    if connection.execute(select(table.c.id).where(table.c.name == name)).scalar() is not None:
        raise Conflict(f"{_an(kind)} called {name!r} exists already")


def _an(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" and kind != "user" else f"a {kind}"


def _column(kind: Kind) -> str:
    return f"{PARENTS[kind]}_id"


def _parent(connection: Connection, kind: Kind, parent: str | None) -> str | None:
    above = PARENTS[kind]
    if above is None:
        if parent is not None:
            raise Refused("an organisation belongs to nothing")
        return None
    if parent is not None:
        return owner_id(connection, above, parent)
    if above == "team":
        raise Refused("an application belongs to a team: say which")
    return DEFAULT_ORGANISATION


def _changed(
    connection: Connection, before: Owner, rename: str | None, parent: str | None, tier: Tier | None
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if rename is not None and rename != before.name:
        if before.kind == "user":
            raise Refused("a user's name is the identity provider's: it cannot be changed here")
        values["name"] = checks.name(rename)
        free(connection, before.kind, rename)
    if parent is not None and parent != before.parent:
        values[_column(before.kind)] = _parent(connection, before.kind, parent)
    if tier is not None and tier != before.tier:
        if before.kind != "application":
            raise Refused(f"{_an(before.kind)} has no tier")
        values["tier"] = tier
    return values


def _verb(values: dict[str, Any]) -> str:
    if set(values) == {"disabled"}:
        return "disable" if values["disabled"] else "enable"
    return "change"


def _subjects(kind: Kind, *names: str) -> list[tuple[str, str]]:
    """The rows of the row log that go by these names."""
    if kind == "user":
        return []
    return [(row, f"{kind}:{name}") for name in names for row in ("binding", "limit")]


def _empty(connection: Connection, owner: Owner) -> None:
    found = []
    for what, table in _PARTS[owner.kind]:
        statement = select(func.count()).select_from(table).where(table.c[f"{owner.kind}_id"] == owner.id)
        count = connection.execute(statement).scalar_one()
        if count:
            found.append(f"{count} {what}{'' if count == 1 else 's'}")
    if found:
        raise Conflict(
            f"{owner.kind} {owner.name!r} still has {' and '.join(found)} (revoked keys count); remove them first, "
            "or disable it"
        )


def _select(kind: Kind) -> Select[Any]:
    table = TABLES[kind]
    count = (
        select(func.count())
        .select_from(keys)
        .where(keys.c[f"{kind}_id"] == table.c.id, keys.c.revoked_at.is_(None))
        .scalar_subquery()
    )
    above = PARENTS[kind]
    if above is None:
        return select(table, count.label("keys"))
    parent = TABLES[above]
    return select(table, count.label("keys"), parent.c.name.label("parent")).join_from(
        table, parent, parent.c.id == table.c[f"{above}_id"]
    )


def _by_id(connection: Connection, kind: Kind, id: str) -> Owner:
    row = connection.execute(_select(kind).where(TABLES[kind].c.id == id)).one()
    return _owner(kind, row)


def _owner(kind: Kind, row: Any) -> Owner:
    return Owner(
        id=row.id,
        name=row.name,
        kind=kind,
        parent=getattr(row, "parent", ""),
        tier=getattr(row, "tier", ""),
        disabled=row.disabled,
        created_at=row.created_at,
        keys=row.keys,
    )
