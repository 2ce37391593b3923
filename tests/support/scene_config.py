"""The snapshot of a scene, and requests that fit it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from seekgate.config.snapshot import Deployment, Key, Limits, Model, Provider, Route, Snapshot

KEY = "sg-scene-key"
SECRETS = {
    "env:APP": KEY,
    "env:OFFICE": "sg-office-key",
    "env:CLOUD": "sk-cloud-secret",
    "env:SPARE": "sk-spare-secret",
    "env:ASKING": "sk-asking-secret",
}
LIMITS = Limits(
    header_bytes=2048,
    header_count=20,
    body_bytes=262_144,
    connections=8,
    header_timeout=10.0,
    body_timeout=20.0,
    idle_timeout=30.0,
)
CLOUD, SPARE, ASKING = "198.51.100.1:80", "198.51.100.2:80", "198.51.100.3:80"


def provider(name: str, host: str, secret: str, **more: Any) -> Provider:
    """An OpenAI-compatible provider at an address."""
    fields: dict[str, Any] = {"type": "openai", "path": "/v1", **more}
    return Provider(name=name, scheme="http", host=host, port=80, authorization=secret, **fields)


def snapshot(**changes: Any) -> Snapshot:
    """Two keys; ``flash`` at two providers; ``alias``, which both know as ``real-name``; ``asks`` at one that must
    be asked for usage; ``priced`` as DeepSeek's flash."""
    providers = {
        "cloud": provider("cloud", "198.51.100.1", "env:CLOUD", type="deepseek", beta_path="/beta"),
        "spare": provider("spare", "198.51.100.2", "env:SPARE"),
        "asking": provider("asking", "198.51.100.3", "env:ASKING", asks_usage=True),
    }
    deployments = (
        Deployment("cloud-flash", "cloud", "flash", capabilities=("chat", "completions")),
        Deployment("spare-flash", "spare", "flash"),
        Deployment("cloud-real", "cloud", "real-name"),
        Deployment("spare-real", "spare", "other-name"),
        Deployment("asking", "asking", "asks"),
        Deployment("priced", "cloud", "priced", price="deepseek/deepseek-flash"),
        Deployment("vectors", "spare", "vectors", capabilities=("embeddings",)),
    )
    models = {
        "flash": Model("flash", (0, 1), created=1_700_000_000),
        "alias": Model("alias", (2, 3)),
        "asks": Model("asks", (4,)),
        "priced": Model("priced", (5,)),
        "vectors": Model("vectors", (6,)),
    }
    base = Snapshot(
        number=1,
        digest="",
        listeners=(),
        admin=None,
        workers=1,
        limits=LIMITS,
        providers=providers,
        deployments=deployments,
        models=models,
        routes=(Route("/api/v1/deepseek", ("flash",)),),
        keys=(Key("app", "env:APP"), Key("office", "env:OFFICE", ("203.0.113.0/24",))),
        trusted_proxies=("192.0.2.0/24",),
    )
    return msgspec.structs.replace(base, **changes)


def limits(**changes: Any) -> Snapshot:
    """The scene's snapshot with other limits."""
    return snapshot(limits=msgspec.structs.replace(LIMITS, **changes))


def chat(model: str = "flash", stream: bool = False, **more: Any) -> bytes:
    """A chat request's body, compact, in the order given."""
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "你好"}]}
    if stream:
        body["stream"] = True
    return json.dumps({**body, **more}, ensure_ascii=False, separators=(",", ":")).encode()


def post(body: bytes, path: str = "/v1/chat/completions", headers: str = "", key: str = KEY) -> bytes:
    """A POST of ``body``; ``headers`` are further lines, each with its CRLF."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: gateway\r\n{authorization}Content-Type: application/json\r\n{headers}"
    )
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def get(path: str = "/v1/models", headers: str = "", method: str = "GET", key: str = KEY) -> bytes:
    """A request without a body."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    return f"{method} {path} HTTP/1.1\r\nHost: gateway\r\n{authorization}{headers}\r\n".encode()
