"""Identity settings into the snapshot."""

from __future__ import annotations

from seekgate.config import snapshot
from seekgate.config.compiled import identity as compiled
from seekgate.config.context import Context
from seekgate.config.proxy import parse_proxy
from seekgate.stages.identity import config


def compile_key(context: Context, key: config.Key) -> snapshot.Key:
    """An API key of the file."""
    return snapshot.Key(
        key.name,
        context.located_reference(key.secret),
        tuple(key.cidr),
        key.organisation or "",
        key.team or "",
        key.application or "",
        key.tier,
        tuple(key.roles),
    )


def compile_identity(context: Context, settings: config.Identity) -> compiled.Identity:
    """What workers know callers by. What the checks let pass cannot fail here."""
    secret = settings.hash_secret
    return compiled.Identity(
        hash_secret=None if secret is None else context.located_reference(secret),
        require=settings.require,
        jwt=tuple(_issuer(context, entry) for entry in settings.jwt),
        mtls=tuple(_certificate(entry) for entry in settings.mtls),
    )


def _issuer(context: Context, entry: config.Issuer) -> compiled.Issuer:
    names = {name: getattr(entry.claims, name) or "" for name in compiled.Claims.__struct_fields__}
    remote = "://" in entry.jwks
    return compiled.Issuer(
        issuer=entry.issuer,
        audiences=tuple(entry.audience),
        jwks=entry.jwks if remote else context.located(entry.jwks),
        algorithms=tuple(entry.algorithms),
        skew=entry.skew,
        refresh=entry.refresh,
        max_stale=entry.max_stale,
        claims=compiled.Claims(**names),
        organisation=entry.organisation or "",
        team=entry.team or "",
        application=entry.application or "",
        tier=entry.tier,
        roles=tuple(entry.roles),
        role_map=None
        if entry.role_map is None
        else {name: tuple(roles) for name, roles in entry.role_map.items()},
        team_map=entry.team_map,
        ca=None if entry.ca is None else context.located(entry.ca),
        proxy=_proxy(context, entry) if remote else None,
    )


def _proxy(context: Context, entry: config.Issuer) -> str | None:
    if entry.proxy == "none":
        return None
    if entry.proxy != "env":
        return parse_proxy(entry.proxy)
    return config.proxy_of(entry.jwks, context)


def _certificate(entry: config.Certificate) -> compiled.Certificate:
    return compiled.Certificate(
        subject=entry.match.subject or "",
        san=entry.match.san or "",
        spiffe=entry.match.spiffe or "",
        name=entry.name or "",
        organisation=entry.organisation or "",
        team=entry.team or "",
        application=entry.application or "",
        tier=entry.tier,
        roles=tuple(entry.roles),
    )
