"""API keys as people see them: which there are, what they may, whether they work. Never their secrets."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Select, func, select

from seekgate.store.database import Database
from seekgate.store.errors import Refused, unknown
from seekgate.store.owners import TABLES, owner_id
from seekgate.store.row_queries import live, whole
from seekgate.store.tables import applications, bindings, key_secrets, keys, organisations, teams, users

State = Literal["active", "not yet", "expired", "disabled", "revoked"]


class Secret(msgspec.Struct, frozen=True):
    """A secret of a key: its first characters, and until when it is valid (None: as long as the key)."""

    ordinal: int
    prefix: str
    created_at: float
    expires_at: float | None = None


class Key(msgspec.Struct, frozen=True):
    """An API key without its secret. Instants are Unix seconds; ``last_used_at`` may lag by minutes.

    ``disabled`` is its own switch, while ``state`` also knows of what it belongs to. None for ``actions`` and
    ``models``: not narrowed.
    """

    id: str
    name: str
    state: State
    organisation: str
    team: str
    application: str
    tier: str
    user: str
    roles: tuple[str, ...]
    actions: tuple[str, ...] | None
    models: tuple[str, ...] | None
    cidr: tuple[str, ...]
    starts_at: float | None
    expires_at: float | None
    disabled: bool
    revoked_at: float | None
    created_at: float
    last_used_at: float | None
    secrets: tuple[Secret, ...]


def list_keys(
    database: Database,
    now: float,
    *,
    organisation: str | None = None,
    team: str | None = None,
    application: str | None = None,
    user: str | None = None,
    revoked: bool = False,
) -> list[Key]:
    """Keys by name, of everything or of one owner (a team's are also those of its applications)."""
    with database.reading() as connection:
        statement = _select().order_by(keys.c.name, keys.c.created_at)
        wanted = {"organisation": organisation, "team": team, "application": application, "user": user}
        for kind, name in wanted.items():
            if name is not None:
                table = TABLES[kind]  # type: ignore[index]
                statement = statement.where(table.c.id == owner_id(connection, kind, name))  # type: ignore[arg-type]
        if not revoked:
            statement = statement.where(keys.c.revoked_at.is_(None))
        return _keys(connection, statement, now)


def show_key(database: Database, name: str, now: float) -> Key:
    """One key by name or id. Raise `NotFound`."""
    with database.reading() as connection:
        return key_by_id(connection, key_id(connection, name), now)


def key_id(connection: Connection, name: str) -> str:
    """The id of the key with this name (that is not revoked) or id. Raise `NotFound` with the nearest name."""
    named = select(keys.c.id).where(keys.c.name == name, keys.c.revoked_at.is_(None))
    for statement in (named, select(keys.c.id).where(keys.c.id == name)):
        id = connection.execute(statement).scalar()
        if id is not None:
            return str(id)
    if name.startswith("sk-"):
        raise Refused(
            "that is a key itself: name it by its name or id, and replace it if others may have read it"
        )
    names = select(keys.c.name).where(keys.c.revoked_at.is_(None)).limit(10_000)
    raise unknown("key", name, connection.execute(names).scalars())


def _select() -> Select[Any]:
    return select(
        keys,
        live().label("live"),
        organisations.c.name.label("organisation"),
        func.coalesce(teams.c.name, "").label("team"),
        func.coalesce(applications.c.name, "").label("application"),
        func.coalesce(applications.c.tier, "non-core").label("tier"),
        func.coalesce(users.c.name, "").label("user"),
    ).select_from(whole())


def key_by_id(connection: Connection, id: str, now: float) -> Key:
    """The key with this id, which must exist."""
    return _keys(connection, _select().where(keys.c.id == id), now)[0]


def _keys(connection: Connection, statement: Select[Any], now: float) -> list[Key]:
    found = connection.execute(statement).all()
    ids = select(statement.with_only_columns(keys.c.id, maintain_column_froms=True).order_by(None).subquery())
    secrets: dict[str, list[Secret]] = defaultdict(list)
    for row in connection.execute(
        select(key_secrets).where(key_secrets.c.key_id.in_(ids)).order_by(key_secrets.c.ordinal)
    ):
        secrets[row.key_id].append(Secret(row.ordinal, row.prefix, row.created_at, row.expires_at))
    bound: dict[str, list[str]] = defaultdict(list)
    for row in connection.execute(
        select(bindings.c.key_id, bindings.c.role).where(bindings.c.key_id.in_(ids)).order_by(bindings.c.role)
    ):
        bound[row.key_id].append(row.role)
    return [_key(row, tuple(bound[row.id]), tuple(secrets[row.id]), now) for row in found]


def _key(row: Any, roles: tuple[str, ...], secrets: tuple[Secret, ...], now: float) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        state=_state(row, now),
        organisation=row.organisation,
        team=row.team,
        application=row.application,
        tier=row.tier,
        user=row.user,
        roles=roles,
        actions=None if row.actions is None else tuple(json.loads(row.actions)),
        models=None if row.models is None else tuple(json.loads(row.models)),
        cidr=tuple(json.loads(row.cidr)),
        starts_at=row.starts_at,
        expires_at=row.expires_at,
        disabled=row.disabled,
        revoked_at=row.revoked_at,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        secrets=secrets,
    )


def _state(row: Any, now: float) -> State:
    if row.revoked_at is not None:
        return "revoked"
    if not row.live:
        return "disabled"
    if row.expires_at is not None and row.expires_at <= now:
        return "expired"
    return "not yet" if row.starts_at is not None and row.starts_at > now else "active"
