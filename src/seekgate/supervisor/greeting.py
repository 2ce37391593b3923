"""What is printed when the node is ready: for a person a line to paste, for a script one JSON object."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import msgspec

from seekgate.config.snapshot import Key, Snapshot
from seekgate.supervisor.sockets import show

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def base_urls(snapshot: Snapshot, addresses: list[tuple[str, int]]) -> list[str]:
    """The URL of each listener without a path, as a client on this machine would write it."""
    urls = []
    for listener, (host, port) in zip(snapshot.listeners, addresses, strict=True):
        scheme = "https" if listener.tls is not None else "http"
        urls.append(f"{scheme}://{show(_ANYWHERE.get(host, host), port)}")
    return urls


def for_scripts(
    urls: list[str], admin: tuple[str, int] | None, pid: int, workers: int, engines: Mapping[str, str]
) -> str:
    """One line of JSON. ``engines`` maps each engine to "" when it serves, else to why it does not."""
    return msgspec.json.encode(
        {
            "ready": True,
            "listen": urls,
            "admin": f"http://{show(_ANYWHERE.get(admin[0], admin[0]), admin[1])}" if admin else None,
            "pid": pid,
            "workers": workers,
            "engines": dict(engines),
        }
    ).decode()


def for_people(
    snapshot: Snapshot,
    urls: list[str],
    admin: tuple[str, int] | None,
    demo_key: Path,
    engines: Mapping[str, str],
) -> str:
    """The base URL and a curl line. Keys are named by where they are, never shown."""
    lines = ["", f"SeekGate is ready at {urls[0]}/v1"]
    if admin:
        lines.append(
            f"Health and metrics:  http://{show(_ANYWHERE.get(admin[0], admin[0]), admin[1])}/metrics"
        )
    lines += [f"Engine {name} is not ready: {why}" for name, why in engines.items() if why]
    model = _model(snapshot, {name for name, why in engines.items() if not why})
    if model is not None:
        made = _key(snapshot.keys, demo_key) is None and _of_rows(snapshot) is not None
        hint = ["Try it, with a key: SEEKGATE_API_KEY=$(seekgate keys create first)"] if made else ["Try it:"]
        lines += ["", *hint, "", _curl(snapshot, urls[0], model, demo_key)]
    return "\n".join([*lines, ""])


def _curl(snapshot: Snapshot, url: str, model: str, demo_key: Path) -> str:
    body = {
        "model": model,
        "stream": True,
        "max_tokens": 120,  # a small model left to itself may tell about the sea for minutes
        "messages": [{"role": "user", "content": "Tell me about the sea."}],
    }
    parts = ["curl -sN", shlex.quote(f"{url}/v1/chat/completions")]
    listener = snapshot.listeners[0]
    if listener.tls is not None:
        parts.append(f"--cacert {shlex.quote(listener.tls.certificate)}")
        if listener.tls.client_certificates == "required":
            parts.append("--cert CLIENT.pem --key CLIENT.key")  # whose they are is the caller's to know
    key = _key(snapshot.keys, demo_key) or _of_rows(snapshot)
    if key is not None:
        parts.append(f'-H "Authorization: Bearer {key}"')
    parts.append("-H 'Content-Type: application/json'")
    parts.append(f"-d {shlex.quote(msgspec.json.encode(body).decode())}")
    return " ".join(parts)


def _model(snapshot: Snapshot, serving: set[str]) -> str | None:
    """A model that can chat, at an engine that serves if there is one: it answers without an account anywhere."""

    def engines(name: str) -> set[str | None]:
        deployments = (snapshot.deployments[position] for position in snapshot.models[name].deployments)
        return {
            snapshot.providers[each.provider].engine for each in deployments if "chat" in each.capabilities
        }

    able = {name: engines(name) for name in snapshot.models}
    local = (name for name, where in able.items() if where & serving)
    remote = (name for name, where in able.items() if None in where)
    waiting = (name for name, where in able.items() if where)
    return next(chain(local, remote, waiting), None)


def _key(keys: tuple[Key, ...], demo_key: Path) -> str | None:
    """How a shell reads a key that is valid here; inside double quotes."""
    references = [key.secret for key in keys]
    wanted = f"file:{demo_key}"
    for reference in sorted(references, key=lambda each: each != wanted):
        kind, _, rest = reference.partition(":")
        if kind == "file":
            return f"$(cat {shlex.quote(rest)})"
        if kind == "env":
            return f"${rest}"
    return None


def _of_rows(snapshot: Snapshot) -> str | None:
    """What a person puts in the place of a key of the database, whose secret nobody here knows."""
    return "$SEEKGATE_API_KEY" if snapshot.database is not None else None
