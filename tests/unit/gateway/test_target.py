"""What an upstream is sent."""

from __future__ import annotations

import pytest

from seekgate import __version__
from seekgate.config.snapshot import Deployment, Provider
from seekgate.gateway.target import Target
from seekgate.pipeline.exchange import Endpoint
from tests.support.scene_config import provider
from tests.support.scene_exchange import CHAT, exchange


def target(made: Provider | None = None, secret: str | None = "sk-1", model: str = "real") -> Target:
    made = made or provider("p", "api.example.com", "env:X", beta_path="/beta")
    return Target(Deployment("d", made.name, model), made, None, secret)  # type: ignore[arg-type]


def head(of: Target, endpoint: Endpoint = CHAT, headers: dict[bytes, bytes] | None = None) -> list[str]:
    lines = of.head(exchange(headers=headers, endpoint=endpoint), 12).decode().split("\r\n")
    assert lines[-2:] == ["", ""]
    return lines[:-2]


def test_the_whole_head() -> None:
    first, *rest = head(target())
    assert first == "POST /v1/chat/completions HTTP/1.1"
    assert sorted(rest) == [
        "Accept-Encoding: identity",
        "Authorization: Bearer sk-1",
        "Content-Length: 12",
        "Content-Type: application/json",
        "Host: api.example.com",
        f"User-Agent: seekgate/{__version__}",
        "X-Request-Id: req_1",
    ]


@pytest.mark.parametrize(
    ("changes", "host"),
    [
        ({"port": 8080}, "Host: api.example.com:8080"),
        ({"scheme": "https", "port": 443}, "Host: api.example.com"),
        ({"scheme": "https", "port": 80}, "Host: api.example.com:80"),
        ({"host": "2001:db8::1", "port": 8080}, "Host: [2001:db8::1]:8080"),
        ({"host": "", "port": 80}, "Host: localhost"),
    ],
)
def test_hosts(changes: dict[str, object], host: str) -> None:
    import msgspec

    made = msgspec.structs.replace(provider("p", "api.example.com", "env:X"), **changes)
    assert host in head(target(made))


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        (Endpoint("chat", "/chat/completions", beta=True), "/beta/chat/completions"),
        (Endpoint("completions", "/completions"), "/beta/completions"),
        (Endpoint("embeddings", "/embeddings"), "/v1/embeddings"),
    ],
)
def test_paths(endpoint: Endpoint, path: str) -> None:
    assert head(target(), endpoint)[0] == f"POST {path} HTTP/1.1"
    plain = target(provider("p", "h", "env:X"))
    assert head(plain, endpoint)[0] == f"POST /v1{endpoint.suffix} HTTP/1.1"


def test_a_new_secret_and_none() -> None:
    made = target(secret=None)
    assert not any(line.startswith("Authorization") for line in head(made))
    made.authenticate("sk-2")
    assert "Authorization: Bearer sk-2" in head(made)
    made.authenticate("")
    assert not any(line.startswith("Authorization") for line in head(made))


def test_headers_that_a_provider_is_to_see() -> None:
    made = target(provider("p", "h", "env:X", forward_headers=("X-Team",)))
    given = {b"x-team": b"red", b"x-other": b"1", b"accept": b"a/b", b"authorization": b"Bearer theirs"}
    for headers in (given, dict(given), {**given, b"x-team": b"blue"}, {}):
        lines = head(made, headers=headers)
        passed = sorted(line for line in lines if line.lower().startswith(("x-team", "x-other", "accept:")))
        expected = (
            [f"accept: {headers[b'accept'].decode()}", f"x-team: {headers[b'x-team'].decode()}"]
            if headers
            else []
        )
        assert passed == expected
        assert "Authorization: Bearer sk-1" in lines


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b'{"model":"real"}', b'{"model":"real"}'),
        (b'{ "model" : "alias", "n":1.50 }', b'{ "model" : "real", "n":1.50 }'),
    ],
)
def test_bodies(body: bytes, sent: bytes) -> None:
    x = exchange(body, model="alias" if b"alias" in body else "real")
    assert target().body(x) == sent
    assert x.request.body == body, "the next attempt starts from the client's"


def test_a_name_that_json_must_escape() -> None:
    x = exchange(b'{"model":"alias"}', model="alias")
    assert target(model='模"型').body(x) == '{"model":"模\\"型"}'.encode()
