"""Who calls: what identity found out, and what every later stage decides by."""

from __future__ import annotations

from typing import Literal

import msgspec


class Principal(msgspec.Struct, frozen=True, gc=False):
    """A caller. ``name`` is what logs and metrics show; ``id`` is stable and unique among all principals of its kind.

    ``tier`` is the application's label. ``roles`` are those given to this very principal; what its user, application,
    team and organisation have is added by the access stage. ``actions`` and ``models`` are a key's scopes, which
    narrow what the roles grant (None: not narrowed). A principal is shared by many requests and never changed.
    """

    name: str = ""
    id: str = ""
    kind: Literal["anonymous", "file", "key", "jwt", "mtls"] = "anonymous"
    organisation: str = ""
    team: str = ""
    application: str = ""
    tier: Literal["core", "non-core"] = "non-core"
    user: str = ""
    roles: tuple[str, ...] = ()
    actions: frozenset[str] | None = None
    models: frozenset[str] | None = None


ANONYMOUS = Principal()
