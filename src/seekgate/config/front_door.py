"""Settings of the front door: where it listens, how many workers, its limits, whom it trusts about addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from seekgate.config import units
from seekgate.config.context import Context
from seekgate.config.fields import AddressText, Duration, FilePath, Section, Size
from seekgate.config.problems import Invalid, Problem
from seekgate.config.tree import Path


class ListenTls(Section):
    """The certificate that a listener shows. TLS 1.3 is spoken, nothing older."""

    certificate: FilePath = Field(description="PEM file: the certificate, then its chain.")
    key: FilePath = Field(description="PEM file: the private key, not encrypted.")


class Listen(Section):
    """An address that clients connect to, as `{address, tls}` or as text when it speaks plain HTTP."""

    address: AddressText = Field(description="`host:port`; IPv6 in brackets; port 0 lets the system choose.")
    tls: ListenTls | None = Field(
        default=None, description="Speak TLS with this certificate; plain HTTP without it."
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
    header_timeout: Duration = Field(
        default=10.0,
        ge=0.1,
        le=3600,
        description="From the first byte of a request to the end of its headers.",
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
    """The same address twice; certificates that cannot be read or do not fit their keys."""
    yield from _addresses_once(context)
    for path, tls in context.tree.select("listen.*.tls"):
        if isinstance(tls, dict):
            yield from _certificate(context, path, tls)
    single = context.tree.at(("listen", "tls"))
    if isinstance(single, dict):
        yield from _certificate(context, ("listen", "tls"), single)


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


def _certificate(context: Context, path: Path, tls: dict[str, object]) -> Iterator[Problem]:
    certificate, key = tls.get("certificate"), tls.get("key")
    problems: list[Problem] = []
    for name, value in (("certificate", certificate), ("key", key)):
        if isinstance(value, str):
            problems += context.readable((*path, name), value)
    yield from problems
    if context.outside and not problems and isinstance(certificate, str) and isinstance(key, str):
        yield from pair_problem(context, (*path, "certificate"), certificate, key)


def pair_problem(context: Context, path: Path, certificate: str, key: str) -> Iterator[Problem]:
    """Report a certificate and key that OpenSSL does not take together."""
    import ssl  # slow to import, and only needed where certificates are named

    def refuse_password() -> str:
        raise Invalid("the private key is encrypted", "a key without a password")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            context.located(certificate), context.located(key), refuse_password
        )
    except Invalid as error:
        yield context.tree.problem(path, error.what, error.expected)
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or "not PEM"
        yield context.tree.problem(
            path,
            f"this certificate and key cannot be used: {reason}",
            "a PEM certificate and the key that belongs to it",
        )
