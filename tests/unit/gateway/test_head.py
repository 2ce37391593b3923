"""Which headers of an upstream reach the client."""

from __future__ import annotations

import pytest

from seekgate.gateway.head import ACTIONS
from tests.support.scene import Scene
from tests.support.scene_answers import Answer, only
from tests.support.scene_config import chat, post


def passed(*lines: bytes, stream: bool = False) -> Answer:
    with Scene() as scene:
        client = scene.client()
        client.sends(post(chat(stream=stream)))
        head = b"HTTP/1.1 200 OK\r\n" + b"".join(line + b"\r\n" for line in lines)
        scene.upstream().sends(head + b"Content-Length: 2\r\n\r\n{}")
        return only(client.received())


@pytest.mark.parametrize(
    "line",
    [b"X-Queue: 5", b"Retry-After: 3", b"x-ds-trace-id: abc", b"OpenAI-Processing-Ms: 7", b"Date: now",
     b"Vary: a, b", b"ETag: \"x\"", b"x-empty:", b"Cache-Control: no-store"],
)  # fmt: skip
def test_passed_as_spelt(line: bytes) -> None:
    name, _, value = line.decode().partition(":")
    assert (name, value.strip()) in passed(line).headers


@pytest.mark.parametrize(
    "line",
    [b"Connection: keep-alive", b"Keep-Alive: timeout=5", b"Server: x", b"Set-Cookie: a=b", b"SET-COOKIE: c=d",
     b"Strict-Transport-Security: max-age=1", b"Alt-Svc: h3", b"Trailer: x", b"Proxy-Authenticate: Basic",
     b"Access-Control-Allow-Origin: *", b"X-RateLimit-Remaining-Requests: 5", b"X-Request-Id: theirs",
     b"traceparent: theirs"],
)  # fmt: skip
def test_not_passed(line: bytes) -> None:
    value = line.partition(b": ")[2].decode()
    assert value not in [found for name, found in passed(line).headers]


def test_the_trace_of_the_provider_is_logged() -> None:
    with Scene() as scene:
        client = scene.client()
        client.sends(post(chat()))
        scene.upstream().sends(b"HTTP/1.1 200 OK\r\nX-DS-Trace-Id: abc\r\nContent-Length: 2\r\n\r\n{}")
        assert only(client.received()).header("x-ds-trace-id") == "abc"
        assert scene.record.upstream_id == "abc"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_answers_without_a_body(status: bytes) -> None:
    with Scene() as scene:
        client = scene.client()
        client.sends(post(chat()))
        scene.upstream().sends(b"HTTP/1.1 " + status + b"\r\nX-A: 1\r\n\r\n")
        answer = only(client.received())
        assert (answer.status, answer.header("transfer-encoding")) == (int(status[:3]), None)
        assert client.state == "open"


def test_a_status_without_a_name() -> None:
    with Scene() as scene:
        client = scene.client()
        client.sends(post(chat()))
        scene.upstream().sends(b"HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\n{}")
        assert only(client.received()).status == 299


def test_names_that_upstreams_invent_are_not_all_remembered() -> None:
    for number in range(3000):
        assert ACTIONS[b"X-%d" % number].line == b"\r\nX-%d: " % number
    assert len(ACTIONS) <= 1024
    ACTIONS.clear()
