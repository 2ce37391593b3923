"""Nobody is sent more than they read: not clients, not upstreams; and whoever never reads is let go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.transport import HIGH_WATER
from tests.support.scene import Peer, Scene
from tests.support.scene_answers import only, read_answers
from tests.support.scene_config import chat, get, post
from tests.support.scene_streams import CHUNKED, DONE, EVENTS_HEAD, LAST, chunk, event, unary

BIG = event("x" * 10_000)


def streaming(scene: Scene) -> tuple[Peer, Peer]:
    client = scene.client()
    client.sends(post(chat(stream=True)))
    upstream = scene.upstream()
    upstream.sends(EVENTS_HEAD + CHUNKED)
    return client, upstream


def test_a_slow_reader_stops_the_upstream(scene: Scene) -> None:
    client, upstream = streaming(scene)
    client.stops_reading()
    for _ in range(100):
        upstream.sends(chunk(BIG))
    held = client.transport.get_write_buffer_size()
    assert HIGH_WATER < held < HIGH_WATER + 2 * len(BIG), "no more than the transport holds"
    assert not upstream.transport.is_reading()
    client.reads_on()
    assert upstream.transport.is_reading()
    upstream.sends(chunk(DONE) + LAST)
    assert only(client.received()).body == BIG * 100 + DONE
    assert (client.state, upstream.state) == ("open", "open")


def test_an_upstream_that_waits_for_the_client_is_not_late(scene: Scene) -> None:
    client, upstream = streaming(scene)
    client.stops_reading()
    for _ in range(10):
        upstream.sends(chunk(BIG))
    for _ in range(9):
        scene.advance(20.0)
        client.reads_on()
        client.stops_reading()
        for _ in range(10):
            upstream.sends(chunk(BIG))
    assert upstream.state == client.state == "open"
    client.reads_on()
    scene.advance(121.0)
    assert upstream.state == "aborted", "from then on it is"
    assert b'"upstream_timeout"' in only(client.received()).body


def test_a_client_that_never_reads_is_let_go(scene: Scene) -> None:
    client, upstream = streaming(scene)
    client.stops_reading()
    for _ in range(10):
        upstream.sends(chunk(BIG))
    scene.advance(29.0)
    assert client.state == "open"
    scene.advance(2.0)
    assert client.state == upstream.state == "aborted"
    assert scene.record.outcome == "client_left"


def test_an_idle_timeout_after_a_slow_read(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat()))
    client.stops_reading()
    scene.upstream().sends(unary(b"x" * 200_000))
    client.reads_on()
    assert only(client.received()).whole
    scene.advance(31.0)
    assert client.state == "closed"


def test_a_client_that_takes_no_answer_gets_no_further_ones(scene: Scene) -> None:
    client = scene.client()
    client.stops_reading()
    for _ in range(300):
        client.sends(get(key="") * 10)
    size = client.transport.get_write_buffer_size()
    assert size < 2 * HIGH_WATER, "answers do not pile up"
    assert not client.transport.is_reading(), "nor do requests"
    client.reads_on()
    assert len(read_answers(client.received())) == 3000
    assert client.transport.is_reading()
    assert client.state == "open"


def test_a_client_that_takes_no_answer_is_let_go(scene: Scene) -> None:
    client = scene.client()
    client.stops_reading()
    for _ in range(100):
        client.sends(get(key="") * 10)
    scene.advance(31.0)
    assert client.state == "aborted"


@pytest.mark.parametrize("how", [b"", b"Connection: close\r\n"])
def test_a_request_behind_an_answer_that_is_not_taken(how: bytes, scene: Scene) -> None:
    """The second answer does not run past a client that has not taken the first one."""
    client = scene.client()
    client.stops_reading()
    client.sends(post(chat()) + post(chat(stream=True)))
    scene.upstream().sends(unary(b"x" * 200_000, headers=how))
    if scene.connects:
        upstream = scene.upstream()
        upstream.sends(EVENTS_HEAD + CHUNKED + chunk(BIG))
        assert not upstream.transport.is_reading()
        assert client.transport.get_write_buffer_size() < 220_000
    client.reads_on()
    client.stops_reading()
    client.reads_on()
    assert read_answers(client.received())[0].whole


@pytest.mark.parametrize("keep", [True, False])
def test_a_large_answer_is_sent_whole_before_closing(keep: bool, scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat(), headers="" if keep else "Connection: close\r\n"))
    client.stops_reading()
    scene.upstream().sends(unary(b"x" * 200_000))
    scene.advance(5.0)
    client.reads_on()
    assert len(only(client.received()).body) == 200_000
    assert client.state == ("open" if keep else "closed")


def test_a_stream_that_is_cut_while_the_client_is_slow(scene: Scene) -> None:
    client, upstream = streaming(scene)
    client.stops_reading()
    for _ in range(10):
        upstream.sends(chunk(BIG))
    scene.play(upstream.transport.peer_resets)
    client.reads_on()
    body = only(client.received()).body
    assert body.endswith(b"}\n\n")
    assert b'"upstream_cut"' in body


def test_a_connection_of_a_cut_stream_is_still_good(scene: Scene) -> None:
    client, upstream = streaming(scene)
    client.stops_reading()
    upstream.sends(chunk(BIG * 8) + LAST)
    client.reads_on()
    assert b'"upstream_cut"' in only(client.received()).body
    client.sends(post(chat("priced")))
    upstream.received()
    upstream.sends(unary(b"{}"))
    assert only(client.received()).body == b"{}"


def test_a_large_request_to_a_slow_upstream(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat()))
    upstream = scene.upstream()
    upstream.sends(unary(b"{}"))
    upstream.stops_reading()
    upstream.received()
    body = chat(content="x" * 200_000)
    client.sends(post(body))
    upstream.reads_on()
    assert upstream.received().endswith(body)
    upstream.sends(unary(b"{}"))
    assert len(read_answers(client.received())) == 2


class Slow:
    """A disk that takes its time."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def then(self, done: Callable[[], object]) -> None:
        """Wait."""
        self.waiting.append(done)


def test_answers_that_wait_for_their_records_do_not_pile_up(scene: Scene) -> None:
    client = scene.client()
    slow: Slow | None = Slow()
    scene.front.turn.commit = lambda: slow
    asked = 0
    while client.transport.is_reading():
        client.sends(get("/nothing" * 20))
        asked += 1
        assert asked < 1000
    assert len(scene.admitted) == 1
    assert client.received() == b""
    assert slow is not None
    waiting, slow = slow.waiting, None
    scene.play(*waiting)
    assert len(read_answers(client.received())) == asked
    assert client.transport.is_reading()
    client.sends(get())
    assert only(client.received()).status == 200
