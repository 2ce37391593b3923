"""Rows that people manage (keys, roles, limits …), as workers see them.

The control process writes each change of a row as one line of an append-only file, the *row log*; workers follow it
in slices (`seekgate.config.rowlog`). A row with the same kind and id replaces the one before it. A worker needs
nothing else of the database, and the last good state is on disk.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class KeyRow(msgspec.Struct, frozen=True, omit_defaults=True, tag="key"):
    """An API key. ``digest`` is the hex HMAC-SHA-256 of the whole key under the installation's key-hash secret.

    Instants are Unix seconds (None: no bound). Names of organisation, team, application and user are resolved already,
    and ``roles`` are those bound to the key itself: what these four have is bound by rows of their own. ``actions`` and
    ``models`` are scopes (None: not narrowed).
    """

    id: str
    digest: str
    name: str
    organisation: str = ""
    team: str = ""
    application: str = ""
    tier: Literal["core", "non-core"] = "non-core"
    user: str = ""
    roles: tuple[str, ...] = ()
    actions: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    cidr: tuple[str, ...] = ()
    starts_at: float | None = None
    expires_at: float | None = None


class Hours(msgspec.Struct, frozen=True, omit_defaults=True):
    """Times of the week: ``days`` as ISO numbers (1 is Monday; none: all), minutes of the day in ``timezone``."""

    start: int
    end: int
    days: tuple[int, ...] = ()
    timezone: str = "UTC"


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule of a role. An empty tuple means every value; patterns may end in ``*``. Deny wins over allow.

    An allowing rule covers a request whose data classes are all among ``data_classes``, a denying one a request that
    has any of them.
    """

    effect: Literal["allow", "deny"]
    actions: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tiers: tuple[Literal["public", "private"], ...] = ()
    data_classes: tuple[str, ...] = ()
    cidr: tuple[str, ...] = ()
    hours: tuple[Hours, ...] = ()


class RoleRow(msgspec.Struct, frozen=True, omit_defaults=True, tag="role"):
    """A role and its rules. ``id`` is its name."""

    id: str
    grants: tuple[Grant, ...]


class BindingRow(msgspec.Struct, frozen=True, omit_defaults=True, tag="binding"):
    """Roles of everybody in an organisation, team or application, or of one user. ``id`` is ``scope:name``."""

    id: str
    scope: Literal["organisation", "team", "application", "user"]
    name: str
    roles: tuple[str, ...]


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """At most ``limit`` of ``unit`` in each fixed window of ``seconds``."""

    unit: Literal["requests", "input_tokens", "output_tokens", "tokens"]
    seconds: int
    limit: int


class Budget(msgspec.Struct, frozen=True, omit_defaults=True):
    """Money for each day or month of ``timezone``: integer micro-units of ``currency``. ``soft`` warns, ``hard``
    refuses (None: no such mark)."""

    period: Literal["day", "month"]
    currency: str
    hard: int | None = None
    soft: int | None = None
    timezone: str = "UTC"


class LimitRow(msgspec.Struct, frozen=True, omit_defaults=True, tag="limit"):
    """What one subject may use. ``id`` is ``scope:name``; the name ``*`` is the default for each subject of the scope.
    ``concurrency`` counts requests in flight (None: no bound)."""

    id: str
    scope: Literal["key", "application", "team", "organisation", "model", "provider", "deployment"]
    name: str
    windows: tuple[Window, ...] = ()
    concurrency: int | None = None
    budgets: tuple[Budget, ...] = ()


Row = KeyRow | RoleRow | BindingRow | LimitRow
