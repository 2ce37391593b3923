"""Who has which roles: everybody in an organisation, team or application, a user, or a key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, FromClause, delete, func, insert, select

from seekgate.store.database import Database
from seekgate.store.errors import NotFound
from seekgate.store.roles import grants_of, known_role, separate
from seekgate.store.row_queries import secret_id
from seekgate.store.subjects import Subject, find
from seekgate.store.tables import applications, bindings, key_secrets, keys, organisations, teams

SCOPES = ("organisation", "team", "application", "user", "key")


class Binding(msgspec.Struct, frozen=True):
    """A subject (``team:sales``) and all of its roles."""

    subject: str
    roles: tuple[str, ...]


def bind(database: Database, subject: str, roles: Sequence[str]) -> Binding:
    """Give a subject roles; those that it has already stay. Raise `StoreError`, also when duties are not separate."""
    with database.changing() as change:
        whose = find(change.connection, subject, SCOPES)
        held = _held(change.connection, whose)
        new = [known_role(change.connection, role) for role in dict.fromkeys(roles) if role not in held]
        if not new:
            return Binding(_label(change.connection, whose), tuple(held))
        separate(
            [grant for role in (*held, *new) for grant in grants_of(change.connection, role)],
            _label(change.connection, whose),
        )
        for role in new:
            change.connection.execute(
                insert(bindings).values(role=role, created_at=change.now, **whose.values())
            )
        touched = _touched(change.connection, whose)
        change.record("binding", whose.row, "bind", touched, roles=new)
        return Binding(_label(change.connection, whose), tuple(_held(change.connection, whose)))


def unbind(database: Database, subject: str, roles: Sequence[str]) -> Binding:
    """Take roles from a subject; none named: all of them. Raise `NotFound` when it has none of them."""
    with database.changing() as change:
        whose = find(change.connection, subject, SCOPES)
        held = _held(change.connection, whose)
        label = _label(change.connection, whose)
        for role in roles:
            if role not in held:
                known_role(change.connection, role)
                raise NotFound(f"{label} does not have the role {role!r}; it has {', '.join(held) or 'none'}")
        gone = list(dict.fromkeys(roles)) or held
        if not gone:
            raise NotFound(f"{label} has no roles")
        change.connection.execute(
            delete(bindings).where(
                bindings.c.scope == whose.scope,
                bindings.c.subject == whose.subject,
                bindings.c.role.in_(gone),
            )
        )
        change.record("binding", whose.row, "unbind", _touched(change.connection, whose), roles=gone)
        return Binding(label, tuple(role for role in held if role not in gone))


def list_bindings(
    database: Database, *, role: str | None = None, subject: str | None = None
) -> list[Binding]:
    """Subjects with their roles, all or those that have one role, or one subject's."""
    with database.reading() as connection:
        if role is not None:
            known_role(connection, role)
        whose = None if subject is None else find(connection, subject, SCOPES)
        name = _name()
        statement = select(bindings.c.scope, name.label("name"), bindings.c.role).select_from(_source())
        if whose is not None:
            statement = statement.where(bindings.c.scope == whose.scope, bindings.c.subject == whose.subject)
        held: dict[str, list[str]] = defaultdict(list)
        for row in connection.execute(statement.order_by(bindings.c.scope, name, bindings.c.role)):
            held[f"{row.scope}:{row.name}"].append(row.role)
    return [
        Binding(subject, tuple(roles)) for subject, roles in held.items() if role is None or role in roles
    ]


def _held(connection: Connection, whose: Subject) -> list[str]:
    found = select(bindings.c.role).where(
        bindings.c.scope == whose.scope, bindings.c.subject == whose.subject
    )
    return list(connection.execute(found.order_by(bindings.c.role)).scalars())


def _touched(connection: Connection, whose: Subject) -> list[tuple[str, str]]:
    """A key's roles stand in its own rows, everybody else's in rows of their own."""
    if whose.scope != "key":
        return [("binding", whose.row)]
    found = connection.execute(
        select(key_secrets.c.key_id, key_secrets.c.ordinal).where(key_secrets.c.key_id == whose.subject)
    )
    return [("key", secret_id(*row)) for row in found]


def _label(connection: Connection, whose: Subject) -> str:
    if whose.scope != "key":
        return whose.row
    name = connection.execute(select(keys.c.name).where(keys.c.id == whose.subject)).scalar_one()
    return f"key:{name}"


def _source() -> FromClause:
    return (
        bindings.outerjoin(organisations, organisations.c.id == bindings.c.organisation_id)
        .outerjoin(teams, teams.c.id == bindings.c.team_id)
        .outerjoin(applications, applications.c.id == bindings.c.application_id)
        .outerjoin(keys, keys.c.id == bindings.c.key_id)
    )


def _name() -> ColumnElement[str]:
    named = (organisations, teams, applications, keys)
    return func.coalesce(*(table.c.name for table in named), bindings.c.subject)
