"""Settings of the front door: where it listens, how many workers, its limits, whom it trusts about addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from seekgate.config import listen_tls, units
from seekgate.config.context import Context
from seekgate.config.fields import AddressText, Duration, FilePath, Section, Size
from seekgate.config.problems import Invalid, Problem
from seekgate.config.tree import Path


def _holder(value: str) -> str:
    if not value or value != value.strip() or not value.isprintable():
        raise Invalid("not what a certificate says of its holder", "a SPIFFE id, a DNS name or a subject")
    if "*" in value.removesuffix("/*") or (value.endswith("/*") and not value.startswith("spiffe://")):
        raise Invalid("a star in the wrong place", "a star only behind the last slash of a SPIFFE id")
    return value


class CertificatePair(Section):
    """A further certificate of a listener."""

    certificate: FilePath = Field(description="PEM file: the certificate, then its chain.")
    key: FilePath = Field(description="PEM file: the private key, not encrypted.")


class ListenTls(Section):
    """The certificate that a listener shows, and what it asks of its clients. All files are read again when one of
    them changes."""

    certificate: FilePath = Field(description="PEM file: the certificate, then its chain.")
    key: FilePath = Field(description="PEM file: the private key, not encrypted.")
    certificates: list[CertificatePair] = Field(
        default=[],
        max_length=100,
        description="Further certificates, shown to clients that ask for a name in one of them (SNI); the first "
        "certificate is shown to all others.",
    )
    min_version: Literal["1.3", "1.2"] = Field(
        default="1.3",
        description="The oldest version spoken. `1.2` has to be asked for by name; it is spoken with ECDHE and AEAD "
        "ciphers only.",
    )
    client_certificates: Literal["off", "optional", "required"] = Field(
        default="off",
        description="Whether clients are asked for a certificate. With `optional` a client may have none, but not a "
        "bad one.",
    )
    client_ca: FilePath | None = Field(
        default=None, description="PEM file: the authorities whose client certificates are accepted."
    )
    crl: FilePath | None = Field(
        default=None,
        description="PEM file: these authorities' revocation lists, each of which must be current: once one has "
        "expired, its clients are refused. Without it revocation is not checked.",
    )
    crl_check: Literal["leaf", "chain"] = Field(
        default="leaf",
        description="`leaf`: is the client's own certificate revoked? `chain`: any of its authorities' too, which "
        "needs a list from each of them.",
    )


class Listen(Section):
    """An address that clients connect to, as `{address, tls}` or as text when it speaks plain HTTP."""

    address: AddressText = Field(description="`host:port`; IPv6 in brackets; port 0 lets the system choose.")
    tls: ListenTls | None = Field(
        default=None, description="Speak TLS with this certificate; plain HTTP without it."
    )
    xfcc_from: list[Annotated[str, AfterValidator(_holder)]] = Field(
        default=[],
        max_length=100,
        description="Which trusted proxies are believed about their clients' certificates "
        "(`X-Forwarded-Client-Cert`), by the certificate that they show themselves: a SPIFFE id (`/*` at its end for "
        "all below it), a DNS name or a whole subject. Where no client certificates are asked for, the one entry "
        "`trusted_proxies` believes them by their address.",
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(schema)]}


class Limits(Section):
    """Bounds of the front door, for each worker. They protect it from clients that send too much or too slowly."""

    header_bytes: Size = Field(
        default=32_768, ge=1024, le=1_048_576, description="All headers together; past it 431."
    )
    header_count: int = Field(default=100, ge=8, le=10_000, description="Header lines; past it 431.")
    body_bytes: Size = Field(
        default=33_554_432, ge=1024, le=2**31, description="A request's body; past it 413."
    )
    buffer_bytes: Size = Field(
        default=536_870_912,
        ge=1024,
        le=2**40,
        description="All bodies that are still arriving, in one worker; past it 503 for those that grow.",
    )
    connections: int = Field(
        default=16_384,
        ge=1,
        le=1_000_000,
        description="Open client connections; past it 503 and the connection closes.",
    )
    handshakes: int = Field(
        default=1024,
        ge=1,
        le=1_000_000,
        description="TLS handshakes under way at once; past it new connections are closed.",
    )
    header_timeout: Duration = Field(
        default=10.0,
        ge=0.1,
        le=3600,
        description="From the first byte of a request to the end of its headers; a TLS handshake has the same time.",
    )
    body_timeout: Duration = Field(
        default=60.0, ge=0.1, le=86_400, description="From there to the end of its body."
    )
    idle_timeout: Duration = Field(
        default=75.0,
        ge=0.1,
        le=86_400,
        description="How long a kept connection may wait for its next request.",
    )
    drain_timeout: Duration = Field(
        default=30.0,
        ge=0.1,
        le=86_400,
        description="How long answers under way may take when a worker stops.",
    )


def _listen_list(value: object) -> object:
    entries = value if isinstance(value, list) else [value]
    return [{"address": entry} if isinstance(entry, str) else entry for entry in entries]


def _admin(value: str) -> str:
    return value if value == "off" else units.format_address(*units.parse_address(value))


def _not_empty(value: list[Listen]) -> list[Listen]:
    if not value:
        raise Invalid("no address to listen on", "at least one address")
    return value


ListenList = Annotated[list[Listen], BeforeValidator(_listen_list), AfterValidator(_not_empty)]
AdminAddress = Annotated[
    str, AfterValidator(_admin), WithJsonSchema({"type": "string", "examples": ["127.0.0.1:9090", "off"]})
]


def check(context: Context) -> Iterator[Problem]:
    """The same address twice; what `seekgate.config.listen_tls` finds about certificates."""
    yield from _addresses_once(context)
    yield from listen_tls.check(context)


def _addresses(context: Context) -> Iterator[tuple[Path, str]]:
    tree = context.tree
    for pattern in ("listen", "listen.address", "listen.*", "listen.*.address", "admin"):
        if pattern == "listen.*" and isinstance(tree.at(("listen",)), dict):
            continue
        yield from tree.texts(pattern)


def _addresses_once(context: Context) -> Iterator[Problem]:
    seen: dict[units.Address, Path] = {}
    for path, text in sorted(_addresses(context), key=lambda entry: context.tree.mark(entry[0]).line):
        try:
            address = units.parse_address(text)
        except Invalid:
            continue  # the type check says it
        if address.port == 0:
            continue
        if address in seen:
            line = context.tree.mark(seen[address]).line
            yield context.tree.problem(
                path, f"{text} is already listened on (line {line})", "another host or port"
            )
        else:
            seen[address] = path
