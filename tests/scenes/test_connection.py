"""A client's connection over time: keep-alive, pipelining, deadlines, the cap, draining, reloading."""

from __future__ import annotations

import pytest

from tests.scenes.conftest import MakeScene
from tests.support.scene import Peer, Scene
from tests.support.scene_answers import error, only, own, read_answers
from tests.support.scene_config import CLOUD, chat, get, limits, post, provider, snapshot

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def answer(number: int) -> bytes:
    body = b'{"n":%d}' % number
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def test_one_connection_serves_many_requests(every: Scene) -> None:
    client = every.client()
    client.sends(post(chat()))
    upstream = every.upstream()
    for number in range(3):
        head, _, body = upstream.received().partition(b"\r\n\r\n")
        assert head.endswith(b"X-Request-Id: req_%d\r\nContent-Length: %d" % (number + 1, len(body)))
        upstream.sends(answer(number))
        assert only(client.received()).body == b'{"n":%d}' % number
        client.sends(post(chat(content="x" * number)))
    assert every.connects == 0, "the upstream's connection is kept alive too"
    upstream.sends(OK)


def test_pipelined_requests_are_answered_in_order(every: Scene) -> None:
    client = every.client()
    client.sends(post(chat()) + get("/nothing") + post(chat("alias")) + get() + post(chat(), key=""))
    upstream = every.upstream()
    assert client.received() == b"", "what comes behind a request waits for its answer"
    assert upstream.received().endswith(chat())
    upstream.sends(answer(1))
    first, second = read_answers(client.received())
    assert (first.body, second.status) == (b'{"n":1}', 404)
    assert upstream.received().endswith(chat("real-name")), "one request at a time"
    upstream.sends(answer(3))
    assert [a.status for a in read_answers(client.received())] == [200, 200, 401]
    assert client.state == "open"


def test_a_thousand_requests_in_one_read(scene: Scene) -> None:
    client = scene.client()
    client.sends(get(key="") * 1000)
    answers = read_answers(client.received())
    assert [a.status for a in answers] == [401] * 1000
    assert [a.header("x-request-id") for a in answers] == [f"req_{n:x}" for n in range(1, 1001)]


def test_what_waits_behind_a_request_is_bounded(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat()))
    many = get(key="") * 900
    for _ in range(3):
        client.sends(many)
    assert not client.transport.is_reading(), "the socket is not read while so much waits"
    upstream = scene.upstream()
    upstream.sends(answer(1))
    assert len(read_answers(client.received())) == 1 + 3 * 900
    assert client.transport.is_reading()


@pytest.mark.parametrize("last", ["Connection: close\r\n", "Connection: keep-alive, close\r\n"])
def test_close_on_request(last: str, every: Scene) -> None:
    client = every.client()
    client.sends(get(headers=last) + (get() if every.delivery == "with trailing data" else b""))
    answer = only(client.received())
    assert answer.header("connection") == "close"
    assert client.state == "closed"


# -- deadlines ----------------------------------------------------------------------------------------------------


def timed_out(what: str) -> bytes:
    message = f"The request {what} did not arrive completely in time."
    return own("408 Request Timeout", error(message, "invalid_request_error", "request_timeout"), close=True)


def test_a_head_in_drips(scene: Scene) -> None:
    client = scene.client()
    for letter in get()[:9]:
        client.sends(bytes([letter]))
        scene.advance(1.0)
    assert client.state == "open"
    scene.advance(2.0)
    assert client.received() == timed_out("head")
    assert client.state == "half-closed"
    assert scene.refusals == [("192.0.2.1", "request_timeout")]
    scene.advance(4.0)
    assert client.state == "aborted"


def test_the_head_of_a_further_request_in_drips(scene: Scene) -> None:
    client = scene.client()
    client.sends(get())
    client.received()
    scene.advance(20.0)
    for letter in get()[:9]:
        client.sends(bytes([letter]))
        scene.advance(1.0)
    scene.advance(2.0)
    assert client.received() == timed_out("head")


def test_a_body_in_drips(scene: Scene) -> None:
    client = scene.client()
    request = post(chat())
    size = len(chat())
    client.sends(request[:-size])
    for letter in request[-size:][:19]:
        client.sends(bytes([letter]))
        scene.advance(1.0)
    assert client.state == "open"
    scene.advance(2.0)
    assert client.received() == timed_out("body")


def test_a_chunked_body_in_drips(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat()).partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(19):
        client.sends(b"1\r\n{\r\n")
        scene.advance(1.0)
    assert client.state == "open"
    scene.advance(2.0)
    assert client.received() == timed_out("body")


def test_a_large_body_over_a_slow_link_has_longer(scene: Scene) -> None:
    """A body that keeps up 16 KiB a second is slow, not an attack."""
    client = scene.client()
    body = chat(content="x" * 200_000)
    request = post(body)
    at = 0
    while at < len(request):
        client.sends(request[at : at + 8_192])
        at += 8_192
        scene.advance(1.0)
    scene.upstream().sends(OK)
    assert only(client.received()).status == 200


def test_a_connection_that_says_nothing(scene: Scene) -> None:
    client = scene.client()
    scene.advance(9.0)
    assert client.state == "open"
    scene.advance(2.0)
    assert client.state == "closed"
    assert client.received() == b""


def test_an_idle_connection(scene: Scene) -> None:
    client = scene.client()
    client.sends(get())
    client.received()
    scene.advance(29.0)
    assert client.state == "open"
    client.sends(get())
    client.received()
    scene.advance(29.0)
    assert client.state == "open"
    scene.advance(2.0)
    assert client.state == "closed"
    assert client.received() == b""


def test_an_answer_may_take_longer_than_any_of_these(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat()))
    upstream = scene.upstream()
    scene.advance(100.0)
    upstream.sends(OK)
    assert only(client.received()).status == 200


# -- how many -----------------------------------------------------------------------------------------------------


def test_more_connections_than_there_may_be(scenes: MakeScene) -> None:
    scene = scenes(limits(connections=2))
    first, second = scene.client(), scene.client()
    third = scene.client("192.0.2.3")
    message = "The gateway has as many connections as it accepts."
    assert third.received() == own(
        "503 Service Unavailable", error(message, "server_error", "overloaded"), close=True
    )
    assert third.state == "half-closed"
    assert scene.refusals == [("192.0.2.3", "overloaded")]
    third.sends(get())
    third.finishes()
    assert third.received() == b""
    first.finishes()
    fourth = scene.client()
    fourth.sends(get())
    assert only(fourth.received()).status == 200
    assert second.state == "open"


def test_a_client_that_closes_while_idle(every: Scene) -> None:
    client = every.client()
    client.sends(get())
    client.received()
    client.finishes()
    assert client.state == "closed"
    assert client.received() == b""


# -- draining and reloading ---------------------------------------------------------------------------------------


def test_draining_answers_what_was_read_and_says_close(every: Scene) -> None:
    client, other = every.client(), every.client()
    client.sends(post(chat()))
    every.front.draining = True
    upstream = every.upstream()
    upstream.sends(OK)
    answer = only(client.received())
    assert (answer.status, answer.header("connection")) == (200, "close")
    assert client.state == "closed"
    other.sends(get())
    answer = only(other.received())
    assert (answer.status, answer.header("connection")) == (200, "close")
    assert other.state == "closed"


def test_a_stream_in_flight_finishes_while_draining(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat(stream=True)))
    upstream = scene.upstream()
    upstream.sends(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    scene.front.draining = True
    upstream.sends(b'13\r\ndata: {"choices":[]}\n\n\r\n'.replace(b"13", b"16"))
    upstream.sends(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    assert only(client.received()).body == b'data: {"choices":[]}\n\ndata: [DONE]\n\n'
    assert client.state == "closed"


def test_a_request_finishes_on_the_snapshot_that_it_started_with(scene: Scene) -> None:
    client, other = scene.client(), scene.client()
    client.sends(post(chat("priced")))
    old = scene.upstream()
    assert old.name == CLOUD
    base = snapshot()
    providers = {**base.providers, "cloud": provider("cloud", "198.51.100.9", "env:SPARE")}
    scene.reload(snapshot(number=2, providers=providers, models={"priced": base.models["priced"]}))
    other.sends(post(chat("priced")))
    new = scene.upstream()
    assert new.name == "198.51.100.9:80"
    assert b"Authorization: Bearer sk-spare-secret" in new.received()
    old.sends(OK)
    assert only(client.received()).status == 200
    assert old.state == "aborted", "nobody will use that connection again"
    new.sends(OK)
    assert only(other.received()).status == 200
    assert new.state == "open"
    client.sends(post(chat("flash")))
    assert only(client.received()).status == 404


def test_a_reload_keeps_the_connections_of_providers_that_stay(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat()))
    upstream = scene.upstream()
    upstream.sends(OK)
    scene.reload(snapshot(number=2))
    client.sends(post(chat()))
    assert scene.connects == 0
    upstream.sends(OK)
    assert len(read_answers(client.received())) == 2


def test_limits_change_with_a_reload(scene: Scene) -> None:
    def size(client: Peer) -> int:
        client.sends(post(b"{}" + b" " * 100, key=""))
        return only(client.received()).status

    assert size(scene.client()) == 401
    scene.reload(limits(body_bytes=50))
    assert size(scene.client()) == 413
