"""Settings of providers: accounts at upstreams, with defaults by their type and presets for other clouds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from seekgate.config import units
from seekgate.config.context import Context
from seekgate.config.fields import BaseUrl, Duration, FilePath, Name, SecretReference, Section
from seekgate.config.listen_tls import pair_problem
from seekgate.config.problems import Invalid, Problem, did_you_mean, one_of
from seekgate.config.proxy import parse_proxy, proxy_for
from seekgate.config.tree import Path

DEEPSEEK = "https://api.deepseek.com"
PRESETS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "presets.yaml")


def _condition(value: str) -> str:
    scheme, _, rest = value.partition(":")
    if scheme not in ("env", "file") or not rest:
        raise Invalid("not a condition", "env:NAME (the variable is set) or file:/path (the file is there)")
    return value


def _proxy(value: str) -> str:
    if value not in ("env", "none"):
        parse_proxy(value)
    return value


# What frames or authenticates a request, or says who calls, is the gateway's to say.
_OWN_HEADERS = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-api-key",
        "x-forwarded-client-cert",
        "x-request-id",
    }
)
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def _header(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise Invalid("not the name of a header", "letters, digits, - and _, such as x-tenant")
    if value.lower() in _OWN_HEADERS:
        raise Invalid("this header is the gateway's own and cannot be passed on")
    return value.lower()


def _base_path(value: str) -> str:
    if value and (not value.startswith("/") or value.endswith("/") or "?" in value or " " in value):
        raise Invalid("not a path", "a path such as /beta, without a slash at its end")
    return value


class UpstreamTls(Section):
    """How an upstream's certificate is checked, and the one that we show to it."""

    ca: FilePath | None = Field(
        default=None, description="PEM bundle of the authorities to trust, instead of the system's."
    )
    certificate: FilePath | None = Field(
        default=None, description="PEM file of our client certificate (mutual TLS)."
    )
    key: FilePath | None = Field(default=None, description="PEM file of its private key.")
    verify: bool = Field(default=True, description="`false` accepts any certificate: for a laboratory only.")


class Timeouts(Section):
    """How long an upstream may take. `first_event` and `idle` count events and body bytes, never comment lines."""

    connect: Duration = Field(default=5.0, ge=0.05, le=300, description="To connect, TLS included.")
    first_event: Duration = Field(
        default=600.0,
        ge=0.1,
        le=86_400,
        description="From the request's end to the first event, or byte of a body.",
    )
    idle: Duration = Field(
        default=120.0, ge=0.1, le=86_400, description="Between two events or pieces of a body."
    )


class Provider(Section):
    """An account at an upstream: where it is, how to authenticate there, how it behaves."""

    type: Literal["deepseek", "openai", "llamacpp"] | None = Field(
        default=None,
        description="`deepseek`: DeepSeek's cloud. `openai`: anything that speaks OpenAI's API. `llamacpp`: "
        "a llama.cpp server, embedded or elsewhere. A preset implies it.",
    )
    preset: Name | None = Field(
        default=None, description="Defaults for another cloud that serves DeepSeek's models."
    )
    base_url: BaseUrl | None = Field(
        default=None, description="Where its API begins, by default known from type or preset."
    )
    beta_path: Annotated[str, AfterValidator(_base_path)] | None = Field(
        default=None, description="Where DeepSeek's beta API is; `/beta` for type `deepseek`, else none."
    )
    key: SecretReference | None = Field(
        default=None, description="The API key, by reference; sent as a bearer token."
    )
    engine: Name | None = Field(
        default=None, description="The embedded engine that it leads to (type `llamacpp`)."
    )
    when: Annotated[str, AfterValidator(_condition)] | None = Field(
        default=None,
        description="Only exists when this is met: `env:NAME` (set, not empty) or `file:/path` (there, not empty). "
        "Deployments of an absent provider are left out, and so are models without deployments.",
    )
    proxy: Annotated[str, AfterValidator(_proxy)] = Field(
        default="env",
        description="`env`: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY decide. `none`: direct. Or `http://host:port`.",
    )
    tls: UpstreamTls = Field(default=UpstreamTls(), description="Certificates towards this upstream.")
    timeouts: Timeouts = Field(default=Timeouts(), description="How long it may take.")
    asks_usage: bool | None = Field(
        default=None,
        description="Its streams carry usage only when asked, so the gateway asks. By default false for `deepseek`.",
    )
    forward_headers: list[Annotated[str, AfterValidator(_header)]] = Field(
        default=[],
        max_length=32,
        description="Client headers that this provider gets too, beyond accept, traceparent, tracestate, openai-beta "
        "and idempotency-key.",
    )
    max_idle_connections: int = Field(
        default=256, ge=0, le=100_000, description="Connections kept open without a request, for each worker."
    )


class Preset(Section):
    """What is known about another cloud: an entry of `data/presets.yaml`."""

    title: str
    source: str
    type: Literal["deepseek", "openai"] = "openai"
    base_url: BaseUrl
    asks_usage: bool = True


@cache
def presets() -> dict[str, Preset]:
    """The built-in presets by name."""
    from pathlib import Path as File

    from seekgate.config.yaml_file import read_tree

    tree, _ = read_tree(File(PRESETS), {})
    return {name: Preset.model_validate(tree.at((name,))) for name in tree.names()}


def completed(provider: Provider) -> Provider:
    """The provider with what its type and preset imply filled in. It must have passed `check`."""
    preset = presets()[provider.preset] if provider.preset else None
    kind = provider.type or (preset.type if preset else "openai")
    base = provider.base_url or (preset.base_url if preset else DEEPSEEK if kind == "deepseek" else None)
    beta = provider.beta_path
    if beta is None and kind == "deepseek":
        beta = "/beta"
    asks = provider.asks_usage
    if asks is None:
        asks = preset.asks_usage if preset else kind != "deepseek"
    return provider.model_copy(
        update={"type": kind, "base_url": base, "beta_path": beta or None, "asks_usage": asks}
    )


def check(context: Context) -> Iterator[Problem]:
    """Presets, engines, bases, secrets, proxies and certificates of every provider that exists here."""
    absent = context.absent_providers()
    for name in context.tree.names("providers"):
        path: Path = ("providers", name)
        entry = context.tree.at(path)
        if isinstance(entry, dict):
            yield from _shape(context, path, entry)
            if name not in absent:
                yield from _outside(context, path, entry)


def _shape(context: Context, path: Path, entry: dict[str, object]) -> Iterator[Problem]:
    tree = context.tree
    kind, preset, engine, base = (entry.get(name) for name in ("type", "preset", "engine", "base_url"))
    if isinstance(preset, str):
        known = presets()
        if preset not in known:
            what = f"no preset is called {tree.show((*path, 'preset'), preset)}"
            yield tree.problem((*path, "preset"), what, one_of(known), did_you_mean(preset, known))
        elif kind is None:
            kind = known[preset].type
    elif kind is None:
        yield tree.problem(
            path, "'type' is missing", "one of deepseek, openai, llamacpp, or a preset", key=True
        )
    if isinstance(engine, str):
        yield from context.known((*path, "engine"), engine, tree.names("engines"), "engine")
        if kind in ("deepseek", "openai"):
            yield tree.problem((*path, "engine"), f"a provider of type {kind} has no engine", "type llamacpp")
        if base is not None:
            yield tree.problem((*path, "base_url"), "both an engine and a base URL", "only one of them")
    elif kind == "llamacpp" and base is None:
        yield tree.problem(path, "where it is served is missing", "'engine' or 'base_url'", key=True)
    elif kind == "openai" and base is None and preset is None:
        yield tree.problem(path, "'base_url' is missing", "where its API begins, or a preset", key=True)
    if kind in ("deepseek", "openai") and base is None and entry.get("key") is None:
        yield tree.problem(path, "'key' is missing", "a secret reference such as env:NAME", key=True)


def _outside(context: Context, path: Path, entry: dict[str, object]) -> Iterator[Problem]:
    key = entry.get("key")
    if isinstance(key, str):
        yield from context.secret((*path, "key"), key)
    tls = entry.get("tls")
    if isinstance(tls, dict):
        yield from _tls(context, (*path, "tls"), tls)
    if entry.get("proxy", "env") != "env" or "engine" in entry or not context.outside:
        return
    base = entry.get("base_url")
    try:
        proxy_for(units.parse_base(base if base is not None else DEEPSEEK), context.environ)
    except Invalid as error:
        if "PROXY" in error.what.upper():
            yield context.tree.problem((*path, "proxy"), error.what, error.expected, error.hint)


def _tls(context: Context, path: Path, tls: dict[str, object]) -> Iterator[Problem]:
    problems: list[Problem] = []
    for name in ("ca", "certificate", "key"):
        value = tls.get(name)
        if isinstance(value, str):
            problems += context.readable((*path, name), value)
    yield from problems
    certificate, key = tls.get("certificate"), tls.get("key")
    if (certificate is None) != (key is None):
        missing = "key" if key is None else "certificate"
        yield context.tree.problem(
            path, f"'{missing}' is missing", "both certificate and key, or none", key=True
        )
    if problems or not context.outside:
        return
    if isinstance(certificate, str) and isinstance(key, str):
        yield from pair_problem(context, (*path, "certificate"), certificate, key)
    authority = tls.get("ca")
    if isinstance(authority, str):
        yield from _bundle(context, (*path, "ca"), authority)
    if tls.get("verify") is False:
        yield context.tree.warning(
            (*path, "verify"), "any certificate is accepted, so anyone on the way can read along"
        )


def _bundle(context: Context, path: Path, bundle: str) -> Iterator[Problem]:
    import ssl  # slow to import, and only needed where certificates are named

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(context.located(bundle))
    except (ssl.SSLError, OSError):
        yield context.tree.problem(
            path, "holds no certificate that can be used", "a PEM bundle of authorities"
        )
