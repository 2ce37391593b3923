"""Who callers are, as workers need it: file keys, token issuers, certificates."""

from __future__ import annotations

from typing import Literal

import msgspec

Tier = Literal["core", "non-core"]


class Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which claim of a token says what: the claim's name, or a path of names with dots; "" for none."""

    user: str = "sub"
    organisation: str = ""
    team: str = ""
    application: str = ""
    roles: str = ""


class Issuer(msgspec.Struct, frozen=True, omit_defaults=True):
    """An issuer of JSON Web Tokens. ``jwks`` is an https URL or the path of a file. Times are seconds.

    ``organisation`` to ``roles`` hold for every token of this issuer, where its claims say nothing else; roles add up.
    ``role_map`` and ``team_map`` translate what claims say; without them claims name roles and teams themselves.
    """

    issuer: str
    audiences: tuple[str, ...]
    jwks: str
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    skew: float = 30.0
    refresh: float = 300.0
    max_stale: float = 86_400.0
    claims: Claims = Claims()
    organisation: str = ""
    team: str = ""
    application: str = ""
    tier: Tier = "non-core"
    roles: tuple[str, ...] = ()
    role_map: dict[str, tuple[str, ...]] | None = None
    team_map: dict[str, str] | None = None
    ca: str | None = None
    proxy: str | None = None


class Certificate(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom a client certificate stands for. Patterns that are not empty must all match."""

    subject: str = ""
    san: str = ""
    spiffe: str = ""
    name: str = ""
    organisation: str = ""
    team: str = ""
    application: str = ""
    tier: Tier = "non-core"
    roles: tuple[str, ...] = ()


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """``hash_secret`` refers to the secret that keys are hashed under (None: the installation's own)."""

    hash_secret: str | None = None
    require: Literal["any", "certificate+key"] = "any"
    jwt: tuple[Issuer, ...] = ()
    mtls: tuple[Certificate, ...] = ()
