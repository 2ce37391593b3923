"""A connection to an upstream over many answers: none leaves a trace in the next one's."""

from __future__ import annotations

import itertools

import pytest

from tests.support.scene import DELIVERIES, Delivery, Scene
from tests.support.scene_answers import only
from tests.support.scene_config import chat, post
from tests.support.scene_streams import (
    CHUNKED,
    DONE,
    EVENTS_HEAD,
    JSON_HEAD,
    LAST,
    chunks,
    event,
    stream,
    unary,
)

ANSWERS: dict[str, tuple[bytes, bytes]] = {
    "plain": (unary(b'{"a":1}'), b'{"a":1}'),
    "the same head, another body": (unary(b'{"a":23}'), b'{"a":23}'),
    "more headers": (unary(b"{}", headers=b"X-A: 1\r\n"), b"{}"),
    "hardly any header": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
    "chunks": (JSON_HEAD + CHUNKED + chunks(b"{", b"}") + LAST, b"{}"),
    "a stream": (stream(event(), DONE), event() + DONE),
    "a stream of nothing else": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + CHUNKED + chunks(event(), DONE) + LAST,
        event() + DONE,
    ),
    "an error": (unary(b'{"error":{}}', b"400 Bad Request"), b'{"error":{}}'),
    "nothing": (unary(b""), b""),
    "behind an interim answer": (b"HTTP/1.1 103 Early Hints\r\nX-A: 9\r\n\r\n" + unary(b"[]"), b"[]"),
}


@pytest.mark.parametrize("delivery", DELIVERIES[:2])
@pytest.mark.parametrize("second", ANSWERS)
def test_any_two_answers_on_one_connection(second: str, delivery: Delivery) -> None:
    with Scene(delivery=delivery) as scene:
        client = scene.client()
        upstream = None
        for name in itertools.chain.from_iterable((first, second) for first in ANSWERS):
            client.sends(post(chat("priced", stream="stream" in name)))
            upstream = upstream or scene.upstream()
            upstream.received()
            sent, body = ANSWERS[name]
            upstream.sends(sent)
            answer = only(client.received())
            assert answer.body == body
            assert answer.status == (400 if name == "an error" else 200)
            assert answer.header("x-a") == ("1" if name == "more headers" else None)
            streamed = answer.header("content-type") or ""
            assert streamed.startswith("text/event-stream") is (
                EVENTS_HEAD in sent or b"event-stream" in sent
            )
        assert scene.connects == 0


def test_a_stream_whose_upstream_wants_to_close() -> None:
    with Scene() as scene:
        client = scene.client()
        client.sends(post(chat("priced", stream=True)))
        upstream = scene.upstream()
        upstream.sends(stream(event(), DONE).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        assert only(client.received()).body == event() + DONE
        assert (upstream.state, client.state) == ("aborted", "open")
