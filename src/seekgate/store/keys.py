"""API keys as people manage them: made, rotated, narrowed, stopped.

The secret of a key is returned once, by `create_key` and `rotate_key`, and is nowhere afterwards. A rotation that
overlaps leaves the old secret valid for a while; both are one key to limits and reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Select, bindparam, delete, insert, or_, select, update

from seekgate.store import checks
from seekgate.store.database import Change, Database
from seekgate.store.errors import Conflict, Refused, unknown
from seekgate.store.key_hash import SHOWN, digest, make_key
from seekgate.store.key_view import Key, key_by_id, key_id
from seekgate.store.owners import DEFAULT_ORGANISATION, owner_id
from seekgate.store.row_queries import secret_id
from seekgate.store.tables import (
    bindings,
    key_secrets,
    keys,
    roles,
)

MAX_SECRETS = 3
"""How many secrets of one key can be valid at a time."""


class Order(msgspec.Struct, frozen=True):
    """What a key shall be. At most one of ``organisation``, ``team`` and ``application``; none: the default
    organisation."""

    name: str
    organisation: str | None = None
    team: str | None = None
    application: str | None = None
    user: str | None = None
    roles: Sequence[str] = ()
    actions: Sequence[str] | None = None
    models: Sequence[str] | None = None
    cidr: Sequence[str] = ()
    starts_at: float | None = None
    expires_at: float | None = None


def create_key(database: Database, hash_secret: bytes, order: Order) -> tuple[Key, str]:
    """Make a key; return it and its secret, which cannot be seen again. Raise `StoreError`."""
    values = {
        "name": checks.name(order.name),
        "actions": checks.as_json(None if order.actions is None else checks.actions(order.actions)),
        "models": checks.as_json(None if order.models is None else checks.patterns(order.models, "model")),
        "cidr": checks.as_json(checks.networks(order.cidr)),
        "starts_at": order.starts_at,
        "expires_at": order.expires_at,
    }
    checks.validity(order.starts_at, order.expires_at)
    secret = make_key()
    with database.changing() as change:
        if order.expires_at is not None and order.expires_at <= change.now:
            raise Refused("the key would have expired already")
        _free(change.connection, order.name)
        id = checks.new_id("key")
        owner = _owner(change.connection, order)
        change.connection.execute(insert(keys).values(id=id, created_at=change.now, **owner, **values))
        _add_secret(change, id, 1, secret, hash_secret)
        _bind(change, id, order.roles)
        key = key_by_id(change.connection, id, change.now)
        change.record("key", id, "create", [("key", secret_id(id, 1))], **_detail(key))
    return key, secret


def change_key(
    database: Database,
    name: str,
    *,
    rename: str | None = None,
    actions: Sequence[str] | UnsetType | None = UNSET,
    models: Sequence[str] | UnsetType | None = UNSET,
    cidr: Sequence[str] | UnsetType = UNSET,
    starts_at: float | UnsetType | None = UNSET,
    expires_at: float | UnsetType | None = UNSET,
    disabled: bool | None = None,
) -> Key:
    """Change what is given; a revoked key stays as it is. Raise `StoreError`."""
    values: dict[str, Any] = {}
    if actions is not UNSET:
        values["actions"] = checks.as_json(None if actions is None else checks.actions(actions))
    if models is not UNSET:
        values["models"] = checks.as_json(None if models is None else checks.patterns(models, "model"))
    if cidr is not UNSET:
        values["cidr"] = checks.as_json(checks.networks(cidr))
    values |= {
        column: at for column, at in (("starts_at", starts_at), ("expires_at", expires_at)) if at is not UNSET
    }
    with database.changing() as change:
        before = _living(change, name)
        if rename is not None and rename != before.name:
            values["name"] = checks.name(rename)
            _free(change.connection, rename)
        if disabled is not None and disabled != before.disabled:
            values["disabled"] = disabled
        if not values:
            return before
        checks.validity(
            values.get("starts_at", before.starts_at), values.get("expires_at", before.expires_at)
        )
        change.connection.execute(update(keys).where(keys.c.id == before.id).values(**values))
        after = key_by_id(change.connection, before.id, change.now)
        verb = {True: "disable", False: "enable", None: "change"}[
            disabled if set(values) == {"disabled"} else None
        ]
        change.record("key", before.id, verb, _rows(before), before=_detail(before), **_detail(after))
    return after


def rotate_key(database: Database, hash_secret: bytes, name: str, overlap: float) -> tuple[Key, str]:
    """Give a key a new secret; those it has stay valid for ``overlap`` seconds, or shorter if they were to end before.

    Return the key and the new secret. Raise `StoreError`.
    """
    if not 0 <= overlap <= 366 * 86_400:
        raise Refused("an overlap is from 0 seconds to 366 days")
    secret = make_key()
    with database.changing() as change:
        before = _living(change, name)
        until = change.now + overlap
        ended = _retire(change.connection, before, change.now, until)
        if len(before.secrets) - len(ended) >= MAX_SECRETS:
            raise Conflict(
                f"key {before.name!r} has {MAX_SECRETS} valid secrets already; rotate without an overlap to end them"
            )
        ordinal = max(each.ordinal for each in before.secrets) + 1
        _add_secret(change, before.id, ordinal, secret, hash_secret)
        after = key_by_id(change.connection, before.id, change.now)
        touched = [*_rows(before), ("key", secret_id(before.id, ordinal))]
        change.record("key", before.id, "rotate", touched, overlap=overlap, **_detail(after))
    return after, secret


def revoke_key(database: Database, name: str) -> Key:
    """Stop a key for good. It stays in lists and reports, and its name is free again. Raise `StoreError`."""
    with database.changing() as change:
        before = _living(change, name)
        change.connection.execute(update(keys).where(keys.c.id == before.id).values(revoked_at=change.now))
        after = key_by_id(change.connection, before.id, change.now)
        change.record("key", before.id, "revoke", _rows(before), **_detail(after))
    return after


def remove_key(database: Database, name: str) -> Key:
    """Remove a key, its bindings and its limits altogether; reports then know no more than its id."""
    with database.changing() as change:
        before = key_by_id(change.connection, key_id(change.connection, name), change.now)
        change.connection.execute(delete(keys).where(keys.c.id == before.id))
        change.record("key", before.id, "remove", [*_rows(before), _limit(before.id)], **_detail(before))
    return before


def mark_used(database: Database, used: Mapping[str, float]) -> None:
    """Remember when keys (by id) were last used, Unix seconds. No change of a row: nobody is told, nothing is
    journalled. It does not wait for changes under way on PostgreSQL."""
    if not used:
        return
    statement = (
        update(keys)
        .where(
            keys.c.id == bindparam("key"),
            or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < bindparam("at")),
        )
        .values(last_used_at=bindparam("at"))
    )
    with database.writing(queue=False) as connection:
        connection.execute(statement, [{"key": key, "at": at} for key, at in sorted(used.items())])


def forget_ended(database: Database, now: float) -> int:
    """Remove old secrets of rotated keys whose overlap is over; return how many. Once an hour is often enough."""
    with database.reading() as connection:
        if not connection.execute(_ended(now).limit(1)).first():
            return 0
    with database.changing() as change:
        found = change.connection.execute(_ended(now)).all()
        for row in found:
            change.connection.execute(
                delete(key_secrets).where(
                    key_secrets.c.key_id == row.key_id, key_secrets.c.ordinal == row.ordinal
                )
            )
        touched = [("key", secret_id(row.key_id, row.ordinal)) for row in found]
        change.record("key", "*", "forget", touched, secrets=len(touched))
    return len(found)


def _ended(now: float) -> Select[str, int]:
    return select(key_secrets.c.key_id, key_secrets.c.ordinal).where(key_secrets.c.expires_at <= now)


def _free(connection: Connection, name: str) -> None:
    statement = select(keys.c.id).where(keys.c.name == name, keys.c.revoked_at.is_(None))
    if connection.execute(statement).scalar() is not None:
        raise Conflict(f"a key called {name!r} exists already; rotate it, or choose another name")


def _owner(connection: Connection, order: Order) -> dict[str, str]:
    chosen = [
        (kind, name)
        for kind, name in (
            ("organisation", order.organisation),
            ("team", order.team),
            ("application", order.application),
        )
        if name is not None
    ]
    if len(chosen) > 1:
        raise Refused("a key belongs to one organisation, team or application, not to several")
    owner = {f"{kind}_id": owner_id(connection, kind, name) for kind, name in chosen}  # type: ignore[arg-type]
    if not owner:
        owner = {"organisation_id": DEFAULT_ORGANISATION}
    if order.user is not None:
        owner["user_id"] = owner_id(connection, "user", order.user)
    return owner


def _add_secret(change: Change, id: str, ordinal: int, secret: str, hash_secret: bytes) -> None:
    change.connection.execute(
        insert(key_secrets).values(
            key_id=id,
            ordinal=ordinal,
            digest=digest(hash_secret, secret),
            prefix=secret[:SHOWN],
            created_at=change.now,
        )
    )


def _retire(connection: Connection, key: Key, now: float, until: float) -> list[int]:
    """Let a key's secrets end at ``until``; those that have ended, or are to end at once, are removed."""
    ended = []
    for each in key.secrets:
        mine = (key_secrets.c.key_id == key.id, key_secrets.c.ordinal == each.ordinal)
        end = until if each.expires_at is None else min(until, each.expires_at)
        if end <= now:
            connection.execute(delete(key_secrets).where(*mine))
            ended.append(each.ordinal)
        else:
            connection.execute(update(key_secrets).where(*mine).values(expires_at=end))
    return ended


def _bind(change: Change, id: str, names: Iterable[str]) -> None:
    wanted = list(dict.fromkeys(names))
    known = set(change.connection.execute(select(roles.c.name)).scalars()) if wanted else set()
    for name in wanted:
        if name not in known:
            raise unknown("role", name, known)
        change.connection.execute(
            insert(bindings).values(scope="key", subject=id, key_id=id, role=name, created_at=change.now)
        )


def _living(change: Change, name: str) -> Key:
    key = key_by_id(change.connection, key_id(change.connection, name), change.now)
    if key.revoked_at is not None:
        raise Refused(f"key {key.name!r} ({key.id}) is revoked for good; make a new one")
    return key


def _limit(id: str) -> tuple[str, str]:
    return "limit", f"key:{id}"


def _rows(key: Key) -> list[tuple[str, str]]:
    return [("key", secret_id(key.id, each.ordinal)) for each in key.secrets]


def _detail(key: Key) -> dict[str, Any]:
    """What the journal says of a key."""
    kept = ("name", "organisation", "team", "application", "user", "roles", "actions", "models", "cidr")
    times = ("starts_at", "expires_at", "disabled")
    found = {name: getattr(key, name) for name in (*kept, *times)}
    return {**found, "prefixes": [each.prefix for each in key.secrets]}
