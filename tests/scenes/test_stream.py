"""Streams of server-sent events pass as they came; usage is read from them, and asked for where it must be."""

from __future__ import annotations

import json

import pytest

from tests.scenes.conftest import MakeScene
from tests.support.scene import Peer, Scene
from tests.support.scene_answers import Answer, only
from tests.support.scene_config import ASKING, chat, post
from tests.support.scene_streams import (
    CHUNKED,
    DONE,
    EVENTS_HEAD,
    LAST,
    chunk,
    data,
    event,
    stream,
    usage,
)


def ask(scene: Scene, body: bytes | None = None) -> tuple[Peer, Peer]:
    client = scene.client()
    client.sends(post(body or chat(stream=True)))
    return client, scene.upstream()


PASSED: dict[str, list[bytes]] = {
    "plain": [event("你好"), event("世界", "stop"), DONE],
    "comments first": [b": keep-alive\n\n", b": keep-alive\n\n", event(), DONE],
    "comments between": [event(), b": keep-alive\n\n", event(), b":\n\n", DONE],
    "empty lines while queueing": [b"\n", b"\n\n", event(), DONE],
    "CR LF": [event().replace(b"\n", b"\r\n"), b": keep-alive\r\n\r\n", DONE.replace(b"\n", b"\r\n")],
    "CR": [event().replace(b"\n", b"\r"), DONE.replace(b"\n", b"\r")],
    "no blank after the colon": [event().replace(b"data: ", b"data:"), b"data:[DONE]\n\n"],
    "data in several lines": [b'data: {"choices":\ndata: []}\n\n', DONE],
    "other fields": [b"event: message\nid: 7\nretry: 10\nx: y\n" + event(), DONE],
    "byte order mark": [b"\xef\xbb\xbf" + event(), DONE],
    "many events in one chunk": [event("a") + event("b") + event("c") + DONE],
    "an event in many chunks": [event()[i : i + 7] for i in range(0, len(event()), 7)] + [DONE],
    "the end in pieces": [event(), b"data: [DO", b"NE]\n", b"\n"],
    "fields, order and numbers unknown here": [
        b'data: {"zeta":1.50e+03,"a":-0,"choices":[{"delta":{"reasoning_content":"\\u4f60","x":1E400}}] , "b":1}\n\n',
        b'data: {"choices":[{"logprobs":{"content":[{"logprob":-0.10000000000000001}]},"tool_calls":[]}]}\n\n',
        DONE,
    ],
    "words about usage and errors": [
        event('say "usage":null} and "error"'), event('{"usage": {"prompt_tokens": 9}}'), DONE
    ],
    "data that is not JSON": [b"data: hello\n\n", b"data\n\n", b"data: \xff\xfe\n\n", DONE],
    "nothing but the end": [DONE],
}  # fmt: skip


@pytest.mark.parametrize("case", PASSED)
def test_a_stream_passes_as_it_came(case: str, every: Scene) -> None:
    client, upstream = ask(every)
    upstream.sends(stream(*PASSED[case]))
    answer = only(client.received())
    assert answer.body == b"".join(PASSED[case])
    assert answer.header("content-type") == "text/event-stream; charset=utf-8"
    assert answer.header("x-accel-buffering") == "no"
    assert answer.header("transfer-encoding") == "chunked"
    assert client.state == upstream.state == "open"
    assert every.record.outcome == "answered"
    assert every.record.stream


@pytest.mark.parametrize("case", PASSED)
def test_a_stream_to_http_1_0_is_ended_by_closing(case: str, scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat(stream=True)).replace(b"HTTP/1.1", b"HTTP/1.0"))
    scene.upstream().sends(stream(*PASSED[case]))
    answer = only(client.received())
    assert answer.body == b"".join(PASSED[case])
    assert answer.header("transfer-encoding") is None
    assert client.state == "closed"


def test_each_piece_goes_out_at_once(scene: Scene) -> None:
    client, upstream = ask(scene)
    upstream.sends(EVENTS_HEAD + CHUNKED)
    head = client.received()
    assert head.endswith(b"\r\n\r\n"), "the head does not wait for the first event"
    for piece in (b": keep-alive\n\n", event("a"), b"\n", event("b") + event("c")):
        upstream.sends(chunk(piece))
        assert client.received() == chunk(piece)
    upstream.sends(chunk(event()[:-1]))
    assert client.received() == b"", "half an event waits for its other half"
    upstream.sends(chunk(b"\n"))
    assert client.received() == chunk(event())
    upstream.sends(chunk(DONE))
    assert client.received() == chunk(DONE)
    upstream.sends(LAST)
    assert client.received() == LAST


def test_a_stream_that_closing_ends(every: Scene) -> None:
    client, upstream = ask(every)
    upstream.sends(EVENTS_HEAD + b"\r\n" + event() + DONE)
    upstream.finishes()
    answer = only(client.received())
    assert answer.body == event() + DONE
    assert (client.state, every.record.outcome) == ("open", "answered")


def test_a_stream_with_a_length(every: Scene) -> None:
    client, upstream = ask(every)
    body = event() + DONE
    upstream.sends(EVENTS_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert only(client.received()).body == body


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r\n"])
def test_a_stream_that_lacks_its_last_line_end(end: bytes, every: Scene) -> None:
    client, upstream = ask(every)
    upstream.sends(stream(event(), end))
    assert only(client.received()).body == event() + end
    assert every.record.outcome == "answered"


# -- what is read from a stream -----------------------------------------------------------------------------------


def test_usage_price_and_times_of_a_stream(every: Scene) -> None:
    every.clock.wall_now = 1_795_500_000.0  # a Tuesday, 14:00 in Beijing: peak hours have begun
    client, upstream = ask(every, chat("priced", stream=True))
    every.advance(2.0)
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(b": keep-alive\n\n"))
    every.advance(1.0)
    upstream.sends(chunk(event("a")))
    every.advance(0.5)
    last = event("", "stop", system_fingerprint="fp_1", usage=usage())
    upstream.sends(chunk(last) + chunk(DONE) + LAST)
    assert only(client.received()).whole
    record = every.record
    assert (record.prompt_tokens, record.cached_tokens) == (1000, 400)
    assert (record.completion_tokens, record.reasoning_tokens) == (50, 7)
    # Micro-units for a million tokens: hit 3,000, miss 150,000, output 600,000, twice that in peak hours.
    assert record.peak
    assert record.cost_micro == (400 * 6_000 + 600 * 300_000 + 50 * 1_200_000 + 500_000) // 1_000_000
    assert record.currency == "USD"
    assert record.price.startswith("2026-11-24")
    assert (record.served_model, record.fingerprint, record.finish_reason) == ("flash", "fp_1", "stop")
    assert (record.ttft_us, record.duration_us, record.events) == (3_000_000, 3_500_000, 2)
    assert (record.time, record.deployment, record.attempts) == (1_795_500_000.0, "priced", 1)
    assert record.bytes_out == len(b": keep-alive\n\n" + event("a") + last + DONE)


def test_the_price_is_that_of_the_admission(scene: Scene) -> None:
    scene.clock.wall_now = 1_795_500_000.0 - 1.0
    client, upstream = ask(scene, chat("priced", stream=True))
    scene.advance(60.0)
    upstream.sends(stream(event("", "stop", usage=usage()), DONE))
    assert only(client.received()).whole
    assert not scene.record.peak


def test_metrics_of_a_stream(scene: Scene) -> None:
    client, upstream = ask(scene)
    upstream.sends(stream(event("", "stop", usage=usage()), DONE))
    assert only(client.received()).whole
    assert scene.record.status == 200
    metrics = scene.metrics
    assert metrics.requests.labels("", "flash", "cloud-flash", "200").value == 1
    assert metrics.tokens.labels("flash", "cloud-flash", "prompt_hit").value == 400
    assert metrics.tokens.labels("flash", "cloud-flash", "completion").value == 50


# -- usage that must be asked for ---------------------------------------------------------------------------------


def asked(scene: Scene, **more: object) -> tuple[Peer, Peer, bytes]:
    client = scene.client()
    client.sends(post(chat("asks", stream=True, **more)))
    upstream = scene.upstream()
    assert upstream.name == ASKING
    return client, upstream, upstream.received().partition(b"\r\n\r\n")[2]


def answered(client: Peer, upstream: Peer, *pieces: bytes) -> Answer:
    upstream.sends(stream(*pieces))
    return only(client.received())


NULL = event("a").replace(b"}\n\n", b',"usage":null}\n\n')
FINAL = data({"id": "c", "model": "asks-1", "choices": [], "usage": usage()})


def test_usage_is_asked_for_and_what_was_not_asked_for_removed(every: Scene) -> None:
    client, upstream, body = asked(every)
    assert body == chat("asks", stream=True)[:-1] + b',"stream_options":{"include_usage":true}}'
    answer = answered(client, upstream, NULL, b": keep-alive\n\n", NULL, FINAL, DONE)
    assert answer.body == event("a") + b": keep-alive\n\n" + event("a") + DONE
    assert (every.record.prompt_tokens, every.record.cached_tokens) == (1000, 400)


def test_other_stream_options_stay(every: Scene) -> None:
    client, upstream, body = asked(every, stream_options={"x": 1, "include_usage": False}, top_p=1)
    assert json.loads(body)["stream_options"] == {"x": 1, "include_usage": True}
    assert body == chat("asks", stream=True)[:-1] + (
        b',"stream_options":{"x":1,"include_usage":true},"top_p":1}'
    )
    assert answered(client, upstream, NULL, FINAL, DONE).body == event("a") + DONE


def test_usage_that_was_asked_for_passes(every: Scene) -> None:
    client, upstream, body = asked(every, stream_options={"include_usage": True})
    assert body == chat("asks", stream=True, stream_options={"include_usage": True})
    assert answered(client, upstream, NULL, FINAL, DONE).body == NULL + FINAL + DONE


def test_usage_is_removed_by_its_bytes_only(every: Scene) -> None:
    client, upstream, _ = asked(every)
    odd = b'data: { "z" : 1.50 , "usage" : null , "choices" : [ {"delta":{"usage":null}} ] }\n\n'
    answer = answered(client, upstream, odd, FINAL, DONE)
    assert json.loads(answer.body[6 : answer.body.index(b"\n\n")]) == {
        "z": 1.5,
        "choices": [{"delta": {"usage": None}}],
    }
    assert b'"z" : 1.50' in answer.body


def test_unary_requests_are_not_asked_for_usage(every: Scene) -> None:
    client = every.client()
    client.sends(post(chat("asks")))
    upstream = every.upstream()
    assert upstream.received().endswith(b"\r\n\r\n" + chat("asks"))
    upstream.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n" + b'{"usage":null}')
    assert only(client.received()).body == b'{"usage":null}'


# -- the model's name ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b'{"model":"alias","messages":[]}', b'{"model":"real-name","messages":[]}'),
        (
            b'{ "b":1.50, "model" :\t"ali\\u0061s" , "messages":[{"model":"alias"}],"n":1e300 }',
            b'{ "b":1.50, "model" :\t"real-name" , "messages":[{"model":"alias"}],"n":1e300 }',
        ),
        (
            b'{"messages":[{"content":"\\"model\\":\\"alias\\""}],"mod\\u0065l":"alias"}',
            b'{"messages":[{"content":"\\"model\\":\\"alias\\""}],"mod\\u0065l":"real-name"}',
        ),
    ],
)
def test_a_renamed_model_changes_those_bytes_only(body: bytes, sent: bytes, every: Scene) -> None:
    client = every.client()
    client.sends(post(body))
    upstream = every.upstream()
    head, _, received = upstream.received().partition(b"\r\n\r\n")
    assert received == sent
    assert head.endswith(b"Content-Length: %d" % len(sent))
    upstream.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert only(client.received()).body == b"{}"
    assert every.record.model == "alias"


def test_weights_draw_the_deployment(scenes: MakeScene) -> None:
    scene = scenes(draws=(0.0, 0.99, 0.49, 0.51))
    names = []
    for _ in range(4):
        client = scene.client()
        client.sends(post(chat()))
        names.append(scene.upstream().name)
    assert names == ["198.51.100.1:80", "198.51.100.2:80", "198.51.100.1:80", "198.51.100.2:80"]
