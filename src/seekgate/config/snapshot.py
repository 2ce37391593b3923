"""The snapshot: what a worker runs on, compiled from the configuration file.

A worker never sees YAML or pydantic. The compiler checks the file, resolves names into positions and durations
into seconds, and writes one of these as JSON. It is immutable: a request keeps the snapshot that it started with.

Secrets travel as references (``env:NAME``, ``file:/path``), never as values, because the last good snapshot is kept
on disk; a worker resolves them when it loads the snapshot (`seekgate.config.secrets`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from seekgate.config.compiled.access import Access
from seekgate.config.compiled.audit import Audit
from seekgate.config.compiled.database import Database
from seekgate.config.compiled.guard import Guard
from seekgate.config.compiled.identity import Identity
from seekgate.config.compiled.own_stages import OwnStage
from seekgate.config.compiled.privacy import Privacy
from seekgate.config.compiled.quota import Quota, Valkey

ANY_PROXY = "trusted_proxies"
"""The entry of `Listener.xfcc_from` that asks for no certificate."""


class Pair(msgspec.Struct, frozen=True, omit_defaults=True):
    """A certificate (its chain behind it) and its private key: PEM files."""

    certificate: str
    key: str


class Tls(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a listener speaks TLS: PEM files, re-read when a snapshot is loaded.

    ``certificates`` are further ones, chosen by the name that a client asks for. ``client_ca`` are the authorities
    that client certificates are verified against, ``crl`` the revocation lists of these (None: revocation is not
    checked), for the client's certificate alone or, with ``crl_check`` ``chain``, for its authorities too.
    """

    certificate: str
    key: str
    certificates: tuple[Pair, ...] = ()
    min_version: Literal["1.3", "1.2"] = "1.3"
    client_certificates: Literal["off", "optional", "required"] = "off"
    client_ca: str | None = None
    crl: str | None = None
    crl_check: Literal["leaf", "chain"] = "leaf"

    def files(self) -> list[str]:
        """Every file that is read for this."""
        pairs = [path for pair in self.certificates for path in (pair.certificate, pair.key)]
        return [self.certificate, self.key, *pairs, *(path for path in (self.client_ca, self.crl) if path)]


class Listener(msgspec.Struct, frozen=True, omit_defaults=True):
    """An address that clients connect to. ``port`` 0 lets the system choose; the supervisor reports the choice.

    ``xfcc_from`` says which certificates a trusted proxy must show to be believed about its clients' certificates
    (`seekgate.gateway.callers`); the one entry `ANY_PROXY` asks for none.
    """

    host: str
    port: int
    tls: Tls | None = None
    xfcc_from: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bounds of the front door, for each worker. Sizes in bytes, times in seconds."""

    header_bytes: int = 32_768
    header_count: int = 100
    body_bytes: int = 33_554_432
    buffer_bytes: int = 536_870_912
    connections: int = 16_384
    handshakes: int = 1024
    header_timeout: float = 10.0
    body_timeout: float = 60.0
    idle_timeout: float = 75.0
    drain_timeout: float = 30.0


class UpstreamTls(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an upstream's certificate is checked and what we present to it: PEM file paths."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    verify: bool = True


class Timeouts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Upstream timeouts in seconds. ``first_event`` and ``idle`` count events and body bytes, never comments."""

    connect: float = 5.0
    first_event: float = 600.0
    idle: float = 120.0


class Provider(msgspec.Struct, frozen=True, omit_defaults=True):
    """An account at an upstream: where it is, how to authenticate, how it behaves.

    ``path`` is the base path without a trailing slash (``/v1``); ``beta_path`` is where DeepSeek keeps prefix
    completion and FIM (``/beta``), or None. ``authorization`` is a secret reference sent as ``Bearer``; None sends
    nothing. ``engine`` names the embedded engine that serves it; then host and port are the supervisor's to tell.
    ``asks_usage`` says that streams carry usage only when ``stream_options.include_usage`` asks for it.
    ``proxy`` is ``http://host:port`` for CONNECT, or None. ``forward_headers`` names client headers that are passed on
    beyond those that always are.
    """

    name: str
    type: Literal["deepseek", "openai", "llamacpp"]
    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str = ""
    beta_path: str | None = None
    authorization: str | None = None
    engine: str | None = None
    asks_usage: bool = False
    proxy: str | None = None
    tls: UpstreamTls = UpstreamTls()
    timeouts: Timeouts = Timeouts()
    max_idle_connections: int = 256
    forward_headers: tuple[str, ...] = ()


class Deployment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model at one provider. ``model`` is the name that the provider knows; ``price`` a key of the price table."""

    id: str
    provider: str
    model: str
    tier: Literal["public", "private"] = "public"
    region: str = ""
    zone: str = ""
    weight: int = 100
    capabilities: tuple[str, ...] = ("chat",)
    price: str | None = None


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """A name that clients ask for, and the deployments (positions in `Snapshot.deployments`) that can answer."""

    name: str
    deployments: tuple[int, ...]
    owned_by: str = "seekgate"
    created: int = 0


class Route(msgspec.Struct, frozen=True, omit_defaults=True):
    """A path prefix under which the API is also served; ``models`` limits what may be asked for there (None: all)."""

    prefix: str
    models: tuple[str, ...] | None = None


class Key(msgspec.Struct, frozen=True, omit_defaults=True):
    """An API key: its name, where its secret is, and the networks it may be used from (none: all)."""

    name: str
    secret: str
    cidr: tuple[str, ...] = ()
    organisation: str = ""
    team: str = ""
    application: str = ""
    tier: Literal["core", "non-core"] = "non-core"
    roles: tuple[str, ...] = ()


class Engine(msgspec.Struct, frozen=True, omit_defaults=True):
    """An embedded private engine under the supervisor. ``threads`` 0 means one for each core but one.

    ``model`` is a catalogue name or the path of a GGUF file; ``context`` counts tokens for each slot.
    """

    name: str
    model: str
    context: int = 4096
    slots: int = 4
    threads: int = 0
    embeddings: bool = False


class AccessLog(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the structured access log goes: ``stdout``, ``stderr``, ``off`` or the path of a file (appended to)."""

    target: str = "stdout"


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that one node runs on. ``digest`` is the SHA-256 of the encoded snapshot with an empty digest.

    ``models`` has an entry for each name that clients may use: where the key differs from `Model.name` it is an alias.
    """

    number: int
    digest: str
    listeners: tuple[Listener, ...]
    admin: Listener | None
    workers: int
    limits: Limits
    providers: dict[str, Provider]
    deployments: tuple[Deployment, ...]
    models: dict[str, Model]
    routes: tuple[Route, ...] = ()
    keys: tuple[Key, ...] = ()
    engines: dict[str, Engine] = {}
    trusted_proxies: tuple[str, ...] = ()
    access_log: AccessLog = AccessLog()
    prices: str | None = None
    privacy: Privacy | None = None
    audit: Audit | None = None
    quota: Quota = Quota()
    valkey: Valkey | None = None
    database: Database | None = None
    identity: Identity = Identity()
    access: Access = Access()
    guard: Guard = Guard()
    stages: tuple[OwnStage, ...] = ()
