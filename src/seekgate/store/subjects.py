"""Whom a binding or a limit is of: ``scope:name``, as people write it, and as it is stored."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection

from seekgate.config.problems import did_you_mean, one_of
from seekgate.store import checks
from seekgate.store.errors import NotFound, Refused
from seekgate.store.key_view import key_id
from seekgate.store.owners import TABLES, owner_id

EVERY = "*"
_OWN = ("organisation", "team", "application")
_SHORT = {"org": "organisation", "app": "application"}


class Subject(msgspec.Struct, frozen=True):
    """``subject`` is stored: the id of a row (``own``), or a name. ``row`` is the id in the row log."""

    scope: str
    subject: str
    row: str
    own: bool = False

    def values(self) -> dict[str, Any]:
        """The columns that it fills."""
        found = {"scope": self.scope, "subject": self.subject}
        if self.own:
            found[f"{self.scope}_id"] = self.subject
        return found


def split(text: str, scopes: Collection[str]) -> tuple[str, str]:
    """``("team", "sales")`` of ``team:sales``; ``app`` and ``org`` are short. Raise `Refused`."""
    scope, colon, name = text.partition(":")
    scope = _SHORT.get(scope, scope)
    if not colon or not name:
        raise Refused(f"{text!r} names nobody; expected SCOPE:NAME such as team:sales ({one_of(scopes)})")
    if scope not in scopes:
        hint = did_you_mean(scope, scopes) or f"expected {one_of(scopes)}"
        raise Refused(f"{scope!r} is no scope; {hint}")
    return scope, name


def find(
    connection: Connection,
    text: str,
    scopes: Collection[str],
    *,
    every: bool = False,
    elsewhere: Collection[str] = (),
) -> Subject:
    """The subject that ``text`` names. ``every``: ``team:*`` is one too, the default of the scope.

    ``elsewhere`` are key names that the configuration file knows. Raise `NotFound` with the nearest name.
    """
    scope, name = split(text, scopes)
    if name == EVERY:
        if not every:
            raise Refused(f"{text!r}: name one {scope}")
        return Subject(scope, EVERY, f"{scope}:{EVERY}")
    if scope in _OWN:
        id = owner_id(connection, scope, name)  # type: ignore[arg-type]
        table = TABLES[scope]  # type: ignore[index]
        its = connection.execute(table.select().where(table.c.id == id)).one().name
        return Subject(scope, id, f"{scope}:{its}", own=True)
    if scope == "key":
        return _key(connection, name, elsewhere)
    checks.name(name)
    return Subject(scope, name, f"{scope}:{name}")


def _key(connection: Connection, name: str, elsewhere: Collection[str]) -> Subject:
    try:
        id = key_id(connection, name)
    except NotFound:
        if name in elsewhere:
            return Subject("key", name, f"key:{name}")
        raise
    return Subject("key", id, f"key:{id}", own=True)
