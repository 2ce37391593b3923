"""From the claims of a token that was checked to a principal."""

from __future__ import annotations

from typing import Any

from seekgate.config.compiled.identity import Issuer
from seekgate.pipeline.principal import Principal

MAX_TEXT = 256
"""Characters of a name that a claim may give."""
MAX_ROLES = 100


def principal(issuer: Issuer, claims: dict[str, Any]) -> Principal | None:
    """Whom a token of ``issuer`` stands for; None when it does not say.

    The id is the issuer's name and the subject's: two issuers may both know an ``alice``.
    """
    wanted = issuer.claims
    user = _text(_claim(claims, wanted.user))
    subject = _text(claims.get("sub")) or user
    if not user or not subject:
        return None
    teams = _texts(_claim(claims, wanted.team), separated=False)
    return Principal(
        user,
        f"{issuer.issuer}|{subject}",
        "jwt",
        _text(_claim(claims, wanted.organisation)) or issuer.organisation,
        _team(issuer, teams) or issuer.team,
        _text(_claim(claims, wanted.application)) or issuer.application,
        issuer.tier,
        user,
        _roles(issuer, _texts(_claim(claims, wanted.roles))),
    )


def _team(issuer: Issuer, said: list[str]) -> str:
    if issuer.team_map is None:
        return said[0] if said else ""
    return next((issuer.team_map[name] for name in said if name in issuer.team_map), "")


def _roles(issuer: Issuer, said: list[str]) -> tuple[str, ...]:
    if issuer.role_map is not None:
        said = [role for name in said for role in issuer.role_map.get(name, ())]
    return tuple(dict.fromkeys((*issuer.roles, *said)))


def _claim(claims: dict[str, Any], path: str) -> Any:
    """A claim by its whole name (names may contain dots: many are URLs), else by the path that it describes."""
    if not path:
        return None
    if path in claims:
        return claims[path]
    value: Any = claims
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable() else ""


def _texts(value: Any, separated: bool = True) -> list[str]:
    """A list of names; or one text, ``separated`` by spaces (as ``scope`` is, RFC 8693, 4.2) or not."""
    if isinstance(value, str):
        value = value.split(" ") if separated else [value]
    if not isinstance(value, list):
        return []
    return [text for each in value[:MAX_ROLES] if (text := _text(each))]
