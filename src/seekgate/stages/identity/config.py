"""Settings of identity: the API keys, tokens and certificates that callers present."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from seekgate.config import secrets
from seekgate.config.context import Context
from seekgate.config.fields import Duration, FilePath, Name, Network, SecretReference, Section
from seekgate.config.problems import Invalid, Problem
from seekgate.config.proxy import parse_proxy, proxy_for
from seekgate.config.tree import Path
from seekgate.config.units import Base

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
MIN_SECRET = 32
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _where(value: str) -> str:
    """An https URL, http on this machine only, or a path."""
    if "://" not in value:
        if not value or "\0" in value:
            raise Invalid("not a usable path", "an https URL or the path of a file")
        return value
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise Invalid("not a URL", "https://host/path") from None
    if parts.username is not None or parts.password is not None:
        raise Invalid("a URL with credentials in it", "a key set that needs none: it is public")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Invalid("keys that come without TLS can be anybody's", "an https URL")
    if not parts.hostname or parts.fragment:
        raise Invalid("not the URL of a document", "https://host/path")
    return value


def _proxy(value: str) -> str:
    if value not in ("env", "none"):
        parse_proxy(value)
    return value


def _pattern(value: str) -> str:
    if not value or not value.isprintable():
        raise Invalid("not a pattern", "a name, with * for one part of it")
    if "**" in value.removesuffix("/**"):
        raise Invalid("** stands somewhere else than at the end", "a URI that ends in /**")
    return value


def _spiffe(value: str) -> str:
    if not value.startswith("spiffe://") or "*" in value.removeprefix("spiffe://").partition("/")[0]:
        raise Invalid("not a pattern of SPIFFE ids", "spiffe://trust-domain/path, with * for one segment")
    return _pattern(value)


Where = Annotated[str, AfterValidator(_where)]
Pattern = Annotated[str, AfterValidator(_pattern)]


class Who(Section):
    """What is known of a caller beside its name."""

    organisation: Name | None = Field(default=None, description="The organisation that it belongs to.")
    team: Name | None = Field(default=None, description="The team that it belongs to.")
    application: Name | None = Field(default=None, description="The application that calls.")
    tier: Literal["core", "non-core"] = Field(
        default="non-core", description="The application's tier: `core` or `non-core`."
    )
    roles: list[Name] = Field(default=[], description="Roles that it has itself.")


class Key(Who):
    """An API key: who it stands for, where its secret is, and from where it may be used."""

    name: Name = Field(description="What logs and metrics call it.")
    secret: SecretReference = Field(description="Where the secret is that callers send as a bearer token.")
    cidr: list[Network] = Field(
        default=[], description="Networks it may be used from; empty means from everywhere."
    )


class Claims(Section):
    """Which claim of a token says what: a claim's name, or names with dots between them for a claim within claims."""

    user: Name = Field(default="sub", description="Who the token is about.")
    organisation: Name | None = Field(default=None, description="The organisation's name.")
    team: Name | None = Field(default=None, description="The team's name; of a list the first that is known.")
    application: Name | None = Field(default=None, description="The application's name, such as `azp`.")
    roles: Name | None = Field(default=None, description="Roles: a list, or names with spaces between them.")


class Issuer(Who):
    """An issuer whose JSON Web Tokens are accepted. Its organisation, team and application hold for each of its tokens
    whose claims do not say another; its roles for all."""

    issuer: Name = Field(description="What its tokens say in `iss`, exactly.")
    audience: list[Name] = Field(
        min_length=1, description="What a token must say in `aud`: one of these, or it is for somebody else."
    )
    jwks: Where = Field(description="Its key set: an https URL, or the path of a file.")
    algorithms: list[Algorithm] = Field(
        default=["RS256", "ES256", "EdDSA"], min_length=1, description="How its tokens may be signed."
    )
    skew: Duration = Field(default=30.0, description="How wrong its clock or ours may be.")
    refresh: Duration = Field(default=300.0, description="How often the key set is fetched again.")
    max_stale: Duration = Field(
        default=86_400.0,
        description="How long keys are relied on after they were last fetched, should the URL not answer.",
    )
    claims: Claims = Field(default=Claims(), description="Which claims say what.")
    role_map: dict[str, list[Name]] | None = Field(
        default=None,
        description="From what the claim of roles says to roles here; others are ignored. Without it: the same.",
    )
    team_map: dict[str, Name] | None = Field(
        default=None,
        description="From what the claim of the team says to teams here; others are ignored. Without it the same.",
    )
    ca: FilePath | None = Field(
        default=None, description="The authorities (PEM) for the key set's URL; the system's by default."
    )
    proxy: Annotated[str, AfterValidator(_proxy)] = Field(
        default="env", description="`env` (the usual variables), `none`, or `http://host:port`."
    )


class Match(Section):
    """Which certificates: all that is given must match. `*` stands for one part of a name, `/**` for the rest of a
    URI."""

    subject: Pattern | None = Field(
        default=None, description="The distinguished name (RFC 4514), such as `CN=*,OU=Billing,O=Acme`."
    )
    san: Pattern | None = Field(
        default=None, description="One of the alternative names: a DNS name, an e-mail address or a URI."
    )
    spiffe: Annotated[str, AfterValidator(_spiffe)] | None = Field(
        default=None, description="The SPIFFE id, such as `spiffe://acme.example/ns/*/sa/chat`."
    )


class Certificate(Who):
    """Whom client certificates stand for."""

    match: Match = Field(description="Which certificates.")
    name: Name | None = Field(
        default=None, description="What logs and metrics call it; by default the SPIFFE id or common name."
    )


class Identity(Section):
    """Who callers are, beside the keys of this file."""

    hash_secret: SecretReference | None = Field(
        default=None,
        description="The secret that keys of the database are hashed under (32 characters or more). Nodes that share a "
        "database share it. By default the installation's own, in `SEEKGATE_HOME/secrets/key-hash`.",
    )
    require: Literal["any", "certificate+key"] = Field(
        default="any",
        description="`any`: a key, a token or a certificate. `certificate+key`: a certificate, and a key or token that "
        "belongs to the same organisation, team and application.",
    )
    jwt: list[Issuer] = Field(default=[], description="Issuers of tokens that are accepted.")
    mtls: list[Certificate] = Field(
        default=[], description="Whom client certificates stand for; the first that matches counts."
    )


def check(context: Context) -> Iterator[Problem]:
    """Secrets and files that cannot be read; a name, a secret or an issuer that stands there twice."""
    yield from _check_keys(context)
    tree = context.tree
    for path, reference in tree.texts("identity.hash_secret"):
        yield from context.secret(path, reference)
        value = _value(context, context.located_reference(reference))
        if value is not None and len(value) < MIN_SECRET:
            yield tree.problem(path, "the secret is too short", f"at least {MIN_SECRET} characters")
    seen: dict[str, Path] = {}
    for path, issuer in tree.texts("identity.jwt.*.issuer"):
        if issuer in seen:
            line = tree.mark(seen[issuer]).line
            yield tree.problem(path, f"this issuer is there already (line {line})", "each issuer once")
        seen.setdefault(issuer, path)
    for path, where in tree.texts("identity.jwt.*.jwks"):
        if "://" not in where:
            yield from context.readable(path, where)
    for path, file in tree.texts("identity.jwt.*.ca"):
        yield from context.readable(path, file)
    for path, entry in tree.select("identity.jwt.*"):
        if isinstance(entry, dict) and entry.get("proxy", "env") == "env" and context.outside:
            yield from _check_proxy(context, path, entry.get("jwks"))
    for path, match in tree.select("identity.mtls.*.match"):
        if match == {}:
            yield tree.problem(path, "this would match every certificate", "subject, san or spiffe")


def _check_proxy(context: Context, path: Path, where: object) -> Iterator[Problem]:
    try:
        proxy_of(where if isinstance(where, str) else "", context)
    except Invalid as error:
        yield context.tree.problem((*path, "proxy"), error.what, error.expected, error.hint)


def proxy_of(where: str, context: Context) -> str | None:
    """The proxy that the environment names for a key set's URL. Raise `Invalid` when it cannot be used."""
    parts = urlsplit(where)
    if not parts.hostname:
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return proxy_for(Base(parts.scheme, parts.hostname, port, ""), context.environ)


def _check_keys(context: Context) -> Iterator[Problem]:
    tree = context.tree
    others = ("database",), ("identity", "jwt"), ("identity", "mtls")
    if not tree.at(("keys",)) and all(tree.at(path) is None for path in others):
        yield tree.warning(("keys",), "there is no API key, so every request is refused with 401")
    names: dict[str, Path] = {}
    for path, name in tree.texts("keys.*.name"):
        if name in names:
            line = tree.mark(names[name]).line
            yield tree.problem(
                path, f"the name {tree.show(path, name)} is taken (line {line})", "another name"
            )
        names.setdefault(name, path)
    values: dict[str, Path] = {}
    for path, reference in tree.texts("keys.*.secret"):
        yield from context.secret(path, reference)
        located = context.located_reference(reference)
        for value in (located, _value(context, located)):
            if value is not None and value in values:
                line = tree.mark(values[value]).line
                yield tree.problem(path, f"the same secret as the key on line {line}", "a secret of its own")
                break
        else:
            values[located] = path
            value = _value(context, located)
            if value is not None:
                values[value] = path


def _value(context: Context, reference: str) -> str | None:
    if not context.outside:
        return None
    try:
        return context.resolver.resolve(reference)
    except secrets.SecretError:
        return None
