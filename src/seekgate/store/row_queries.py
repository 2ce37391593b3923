"""The statements behind `seekgate.store.rows`: which ids there are, and the rows of some ids."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    String,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    select,
    tuple_,
)

from seekgate.config.rows import BindingRow, Budget, Grant, KeyRow, LimitRow, RoleRow, Window
from seekgate.store.tables import (
    applications,
    bindings,
    key_secrets,
    keys,
    limits,
    organisations,
    roles,
    teams,
    users,
)

_grants = msgspec.json.Decoder(tuple[Grant, ...])
_windows = msgspec.json.Decoder(tuple[Window, ...])
_budgets = msgspec.json.Decoder(tuple[Budget, ...])

_NAMED = {"organisation": organisations, "team": teams, "application": applications, "key": keys}


def secret_id(key: str, ordinal: int) -> str:
    """The id in the row log of one secret of a key."""
    return f"{key}.{ordinal}"


def whole() -> FromClause:
    """Keys with what they belong to: application, team, organisation and user."""
    return (
        keys.outerjoin(applications, applications.c.id == keys.c.application_id)
        .outerjoin(teams, teams.c.id == func.coalesce(keys.c.team_id, applications.c.team_id))
        .join(
            organisations,
            organisations.c.id == func.coalesce(keys.c.organisation_id, teams.c.organisation_id),
        )
        .outerjoin(users, users.c.id == keys.c.user_id)
    )


def live() -> ColumnElement[bool]:
    """Whether a key of `whole` is neither revoked nor disabled, and neither is what it belongs to."""
    disabled = (
        func.coalesce(table.c.disabled, false())
        for table in (keys, applications, teams, organisations, users)
    )
    return and_(keys.c.revoked_at.is_(None), *(flag == false() for flag in disabled))


def key_ids(connection: Connection) -> Iterator[str]:
    """The ids of every secret of every key, in order, page by page."""
    after = ("", 0)
    while True:
        page = connection.execute(
            select(key_secrets.c.key_id, key_secrets.c.ordinal)
            .where(tuple_(key_secrets.c.key_id, key_secrets.c.ordinal) > tuple_(*map(literal, after)))
            .order_by(key_secrets.c.key_id, key_secrets.c.ordinal)
            .limit(1000)
        ).all()
        if not page:
            return
        yield from (secret_id(*row) for row in page)
        after = (page[-1].key_id, page[-1].ordinal)


def secrets_of(connection: Connection, owner: str, id: str) -> list[str]:
    """The ids of the secrets of every key that belongs to an organisation, team, application or user."""
    columns = {
        "organisation": organisations.c.id,
        "team": teams.c.id,
        "application": applications.c.id,
        "user": users.c.id,
    }
    found = connection.execute(
        select(key_secrets.c.key_id, key_secrets.c.ordinal)
        .select_from(whole().join(key_secrets, key_secrets.c.key_id == keys.c.id))
        .where(columns[owner] == id)
    )
    return [secret_id(*row) for row in found]


def fetch_keys(connection: Connection, ids: Sequence[str]) -> dict[str, KeyRow]:
    """The live ones of these secrets."""
    pairs = {id.rpartition(".")[0] for id in ids}
    found = connection.execute(
        select(
            keys.c.id,
            keys.c.name,
            keys.c.actions,
            keys.c.models,
            keys.c.cidr,
            keys.c.starts_at,
            keys.c.expires_at,
            key_secrets.c.ordinal,
            key_secrets.c.digest,
            key_secrets.c.expires_at.label("secret_expires_at"),
            organisations.c.name.label("organisation"),
            teams.c.name.label("team"),
            applications.c.name.label("application"),
            applications.c.tier,
            users.c.name.label("user"),
            live().label(
                "live"
            ),  # no condition: it would tempt the planner to begin with something else than the ids
        )
        .select_from(whole().join(key_secrets, key_secrets.c.key_id == keys.c.id))
        .where(keys.c.id.in_(pairs))
        .order_by(keys.c.id, key_secrets.c.ordinal)
    ).all()
    roles = _roles_of(connection, pairs)
    wanted = set(ids)
    rows = {}
    for row in found:
        id = secret_id(row.id, row.ordinal)
        if row.live and id in wanted:
            rows[id] = _key(row, tuple(roles[row.id]))
    return rows


def _key(row: Any, roles: tuple[str, ...]) -> KeyRow:
    ends = [at for at in (row.expires_at, row.secret_expires_at) if at is not None]
    return KeyRow(
        id=row.id,
        digest=row.digest,
        name=row.name,
        organisation=row.organisation,
        team=row.team or "",
        application=row.application or "",
        tier=row.tier or "non-core",
        user=row.user or "",
        roles=roles,
        actions=None if row.actions is None else tuple(json.loads(row.actions)),
        models=None if row.models is None else tuple(json.loads(row.models)),
        cidr=tuple(json.loads(row.cidr)),
        starts_at=row.starts_at,
        expires_at=min(ends) if ends else None,
    )


def _roles_of(connection: Connection, key_ids: set[str]) -> dict[str, list[str]]:
    """Roles bound to keys themselves. What is bound to a key's user, application, team and organisation has rows of its
    own, which workers resolve: there a binding of the file takes such a row's place."""
    own: dict[str, list[str]] = defaultdict(list)
    found = connection.execute(
        select(bindings.c.subject, bindings.c.role)
        .where(bindings.c.scope == "key", bindings.c.subject.in_(key_ids))
        .order_by(bindings.c.role)
    )
    for row in found:
        own[row.subject].append(row.role)
    return own


def role_ids(connection: Connection) -> list[str]:
    """The names of all roles that are not built in."""
    found = connection.execute(select(roles.c.name).where(roles.c.grants.is_not(None)).order_by(roles.c.name))
    return list(found.scalars())


def fetch_roles(connection: Connection, ids: Sequence[str]) -> dict[str, RoleRow]:
    """Those of these roles that exist and are not built in."""
    found = connection.execute(
        select(roles.c.name, roles.c.grants).where(roles.c.name.in_(ids), roles.c.grants.is_not(None))
    )
    return {row.name: RoleRow(row.name, _grants.decode(row.grants)) for row in found}


def _named(table: Any, scopes: Sequence[str]) -> tuple[FromClause, ColumnElement[str]]:
    """Bindings or limits with the name of their subject as the row log has it (of a key, its id)."""
    source: FromClause = table
    whens = []
    for scope in scopes:
        if scope in _NAMED and scope != "key":
            named = _NAMED[scope]
            source = source.outerjoin(named, named.c.id == table.c[f"{scope}_id"])
            whens.append((table.c[f"{scope}_id"].is_not(None), named.c.name))
    return source, cast(case(*whens, else_=table.c.subject), String)


def _bindings() -> tuple[FromClause, ColumnElement[str]]:
    return _named(bindings, ("organisation", "team", "application"))


def _limits() -> tuple[FromClause, ColumnElement[str]]:
    return _named(limits, ("organisation", "team", "application"))


def binding_ids(connection: Connection) -> list[str]:
    """``scope:name`` of everybody who has roles, but keys: their roles stand in their own rows."""
    source, name = _bindings()
    found = connection.execute(
        select(bindings.c.scope, name.label("name"))
        .select_from(source)
        .where(bindings.c.scope != "key")
        .distinct()
    )
    return sorted(f"{row.scope}:{row.name}" for row in found)


def fetch_bindings(connection: Connection, ids: Sequence[str]) -> dict[str, BindingRow]:
    """The bindings of these subjects; one row has all of a subject's roles."""
    source, name = _bindings()
    found = connection.execute(
        select(bindings.c.scope, name.label("name"), bindings.c.role)
        .select_from(source)
        .where(tuple_(bindings.c.scope, name).in_(_split(ids)))
        .order_by(bindings.c.role)
    )
    held: dict[str, list[Any]] = defaultdict(list)
    for row in found:
        held[f"{row.scope}:{row.name}"].append(row)
    return {
        id: BindingRow(id, rows[0].scope, rows[0].name, tuple(row.role for row in rows))
        for id, rows in held.items()
    }


def limit_ids(connection: Connection) -> list[str]:
    """``scope:name`` of everything that has limits or budgets."""
    source, name = _limits()
    found = connection.execute(select(limits.c.scope, name.label("name")).select_from(source))
    return sorted(f"{row.scope}:{row.name}" for row in found)


def fetch_limits(connection: Connection, ids: Sequence[str]) -> dict[str, LimitRow]:
    """The limits of these subjects."""
    source, name = _limits()
    found = connection.execute(
        select(limits.c.scope, name.label("name"), limits.c.windows, limits.c.concurrency, limits.c.budgets)
        .select_from(source)
        .where(tuple_(limits.c.scope, name).in_(_split(ids)))
    )
    return {
        f"{row.scope}:{row.name}": LimitRow(
            f"{row.scope}:{row.name}",
            row.scope,
            row.name,
            _windows.decode(row.windows),
            row.concurrency,
            _budgets.decode(row.budgets),
        )
        for row in found
    }


def _split(ids: Sequence[str]) -> list[tuple[str, str]]:
    parts = (id.partition(":") for id in ids)
    return [(scope, name) for scope, _, name in parts]
