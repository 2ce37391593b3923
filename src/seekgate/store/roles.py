"""Roles and their rules. Those built in are as the code defines them and cannot be changed, only bound."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from seekgate.config.builtin_roles import (
    BUILTIN_ROLES,
    DESCRIPTIONS,
    KEPT_APART,
    MANAGES_ACCESS,
    matching,
)
from seekgate.config.rows import Grant
from seekgate.store import checks
from seekgate.store.database import Database
from seekgate.store.errors import Conflict, Refused, unknown
from seekgate.store.tables import bindings, roles

MAX_GRANTS = 200
_BUILTIN = {row.id: row.grants for row in BUILTIN_ROLES}
_decoder = msgspec.json.Decoder(tuple[Grant, ...])


class Role(msgspec.Struct, frozen=True):
    """A role, its rules, and how many subjects have it."""

    name: str
    description: str
    builtin: bool
    grants: tuple[Grant, ...]
    subjects: int


def create_role(database: Database, name: str, grants: Sequence[Grant], description: str = "") -> Role:
    """Make a role. Raise `StoreError`: the name is taken, a rule makes no sense, duties are not separate."""
    name, kept = checks.name(name), _checked(grants)
    with database.changing() as change:
        if change.connection.execute(select(roles.c.name).where(roles.c.name == name)).scalar() is not None:
            raise Conflict(f"a role called {name!r} exists already")
        change.connection.execute(
            insert(roles).values(
                name=name,
                description=_described(description),
                grants=msgspec.json.encode(kept).decode(),
                created_at=change.now,
            )
        )
        change.record("role", name, "create", [("role", name)], grants=msgspec.to_builtins(kept))
        return _role(change.connection, name)


def list_roles(database: Database) -> list[Role]:
    """All roles by name, built-in ones too."""
    with database.reading() as connection:
        names = connection.execute(select(roles.c.name).order_by(roles.c.name)).scalars().all()
        return [_role(connection, name) for name in names]


def show_role(database: Database, name: str) -> Role:
    """One role. Raise `NotFound`."""
    with database.reading() as connection:
        return _role(connection, known_role(connection, name))


def change_role(
    database: Database,
    name: str,
    *,
    grants: Sequence[Grant] | None = None,
    add: Sequence[Grant] = (),
    drop: int | None = None,
    description: str | None = None,
) -> Role:
    """Replace a role's rules by ``grants``, add some, or drop the one with this number (from 1). Raise `StoreError`."""
    with database.changing() as change:
        before = _own(change.connection, name)
        rules = list(before.grants if grants is None else grants) + list(add)
        if drop is not None:
            if not 1 <= drop <= len(rules):
                raise Refused(f"role {name!r} has {len(rules)} rules, and none with the number {drop}")
            del rules[drop - 1]
        kept = _checked(rules)
        values = {"grants": msgspec.json.encode(kept).decode()}
        if description is not None:
            values["description"] = _described(description)
        change.connection.execute(update(roles).where(roles.c.name == name).values(**values))
        change.record(
            "role",
            name,
            "change",
            [("role", name)],
            before=msgspec.to_builtins(before.grants),
            grants=msgspec.to_builtins(kept),
        )
        return _role(change.connection, name)


def remove_role(database: Database, name: str) -> Role:
    """Remove a role that nobody has. Raise `Conflict` and name who has it."""
    with database.changing() as change:
        role = _own(change.connection, name)
        if role.subjects:
            raise Conflict(
                f"role {name!r} is bound to {role.subjects} subject{'' if role.subjects == 1 else 's'}; see "
                f"`seekgate bindings list --role {name}`, and remove these first"
            )
        change.connection.execute(delete(roles).where(roles.c.name == name))
        change.record("role", name, "remove", [("role", name)], grants=msgspec.to_builtins(role.grants))
    return role


def known_role(connection: Connection, name: str) -> str:
    """The name, if a role is called so. Raise `NotFound` with the nearest name."""
    if connection.execute(select(roles.c.name).where(roles.c.name == name)).scalar() is None:
        raise unknown("role", name, connection.execute(select(roles.c.name)).scalars())
    return name


def grants_of(connection: Connection, name: str) -> tuple[Grant, ...]:
    """The rules of a role that exists."""
    stored = connection.execute(select(roles.c.grants).where(roles.c.name == name)).scalar_one()
    return _BUILTIN.get(name, ()) if stored is None else _decoder.decode(stored)


def separate(grants: Sequence[Grant], what: str) -> None:
    """Refuse rules that together let one caller manage access and read or erase audit records."""
    allowed = {
        action
        for grant in grants
        if grant.effect == "allow"
        for pattern in grant.actions or ("*",)
        for action in matching(pattern)
    }
    manages, apart = sorted(MANAGES_ACCESS & allowed), sorted(KEPT_APART & allowed)
    if manages and apart:
        raise Refused(
            f"{what} would have both {manages[0]!r} and {apart[0]!r}: who manages access must not handle audit records"
        )


def _checked(grants: Sequence[Grant]) -> tuple[Grant, ...]:
    if not grants:
        raise Refused("a role needs at least one rule")
    if len(grants) > MAX_GRANTS:
        raise Refused(f"a role can have {MAX_GRANTS} rules")
    kept = tuple(_grant(grant) for grant in grants)
    separate(kept, "the role")
    return kept


def _grant(grant: Grant) -> Grant:
    for hours in grant.hours:
        _hours(hours.start, hours.end, hours.days)
    named = {
        name: tuple(checks.patterns(getattr(grant, name), what))
        for name, what in (
            ("models", "model"),
            ("providers", "provider"),
            ("regions", "region"),
            ("data_classes", "data class"),
        )
    }
    return msgspec.structs.replace(
        grant,
        actions=tuple(checks.actions(grant.actions)),
        cidr=tuple(checks.networks(grant.cidr)),
        **named,
    )


def _hours(start: int, end: int, days: Sequence[int]) -> None:
    if not (0 <= start < 1440 and 0 <= end <= 1440) or not set(days) <= set(range(1, 8)):
        raise Refused("hours are minutes of the day from 0 to 1440, on days from 1 (Monday) to 7")


def _described(text: str) -> str:
    if len(text) > 500 or not (text.isprintable() or not text):
        raise Refused("a description is one line of at most 500 characters")
    return text


def _own(connection: Connection, name: str) -> Role:
    role = _role(connection, known_role(connection, name))
    if role.builtin:
        raise Refused(f"role {name!r} is built in; make a role of your own with the rules that you need")
    return role


def _role(connection: Connection, name: str) -> Role:
    row = connection.execute(select(roles).where(roles.c.name == name)).one()
    subjects = connection.execute(
        select(bindings.c.scope, bindings.c.subject).where(bindings.c.role == name)
    ).all()
    builtin = row.grants is None
    return Role(
        name=name,
        description=DESCRIPTIONS.get(name, "") if builtin else row.description,
        builtin=builtin,
        grants=grants_of(connection, name),
        subjects=len(subjects),
    )
