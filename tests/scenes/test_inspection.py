"""Answers that stages look at: whole ones, streams event by event, and what is held back, changed or ended."""

from __future__ import annotations

import pytest

from seekgate.pipeline.exchange import Exchange, Stop
from seekgate.pipeline.stage import Stage, Verdict
from seekgate.wire import errors
from tests.scenes.conftest import MakeScene
from tests.support.scene import Delivery
from tests.support.scene_answers import only, read_answer
from tests.support.scene_config import chat, post
from tests.support.scene_streams import (
    CHUNKED,
    DONE,
    EVENTS_HEAD,
    JSON_HEAD,
    LAST,
    chunk,
    chunks,
    data,
    event,
    stream,
    unary,
    usage,
)


class Inspecting(Stage):
    """Sees answers."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def on_request(self, x: Exchange) -> Verdict:
        x.inspected = True
        return None

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        self.seen.append(data)
        return data


class Swapping(Inspecting):
    """Writes a longer word for a word."""

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        return super().on_chunk(x, data).replace(b"cat", b"elephant")


class Holding(Inspecting):
    """Holds everything back until the end of the stream."""

    held = b""

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        self.held += super().on_chunk(x, data)
        return b""

    def on_last(self, x: Exchange) -> bytes:
        held, self.held = self.held, b""
        return held


class Stopping(Inspecting):
    """Ends an answer in which a word stands, and lets out what came before it."""

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        before, found, _ = super().on_chunk(x, data).partition(b'{"secret"')
        if found:
            x.stop = Stop(errors.CONTENT_BLOCKED, "The answer is not allowed.")
            return before.removesuffix(b"data: ")
        return data


def test_a_plain_answer_is_shown_whole_and_its_length_is_that_of_what_goes_out(
    scenes: MakeScene, delivery: Delivery
) -> None:
    swapping = Swapping()
    scene = scenes(delivery=delivery, extra=[swapping])
    client = scene.client()
    client.sends(post(chat()))
    body = b'{"model":"m","text":"a cat","usage":{"prompt_tokens":3,"completion_tokens":4}}'
    scene.upstream().sends(unary(body))
    answer = only(client.received())
    assert answer.body == body.replace(b"cat", b"elephant")
    assert answer.header("content-length") == str(len(answer.body))
    assert answer.header("transfer-encoding") is None
    assert swapping.seen == [body]
    assert (scene.record.outcome, scene.record.prompt_tokens, scene.record.bytes_out) == (
        "answered",
        3,
        len(answer.body),
    )


def test_a_chunked_plain_answer_gets_a_length(scenes: MakeScene, delivery: Delivery) -> None:
    scene = scenes(delivery=delivery, extra=[Swapping()])
    client = scene.client()
    client.sends(post(chat()))
    scene.upstream().sends(JSON_HEAD + CHUNKED + chunks(b'{"c', b'at":1}') + LAST)
    answer = only(client.received())
    assert answer.body == b'{"elephant":1}'
    assert answer.header("content-length") == str(len(answer.body))


def test_a_plain_answer_that_ends_with_its_connection(scenes: MakeScene) -> None:
    scene = scenes(extra=[Swapping()])
    client = scene.client()
    client.sends(post(chat()))
    upstream = scene.upstream()
    upstream.sends(JSON_HEAD + b"\r\n" + b'{"cat"')
    upstream.sends(b":1}")
    assert client.received() == b"", "nothing goes out before it is whole"
    upstream.finishes()
    assert only(client.received()).body == b'{"elephant":1}'


def test_a_plain_answer_that_is_cut_is_an_error_with_a_whole_body(scenes: MakeScene) -> None:
    scene = scenes(extra=[Swapping()])
    client = scene.client()
    client.sends(post(chat("priced")))
    upstream = scene.upstream()
    upstream.sends(unary(b'{"cat":1}')[:-2])
    upstream.resets()
    answer = only(client.received())
    assert (answer.status, answer.error["code"]) == (502, "upstream_cut")


def test_a_plain_answer_that_is_too_large(scenes: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seekgate.gateway.inspection.MAX_COLLECTED", 10)
    scene = scenes(extra=[Swapping()])
    client = scene.client()
    client.sends(post(chat("priced")))
    upstream = scene.upstream()
    upstream.sends(unary(b'{"cat":"cat"}'))
    answer = only(client.received())
    assert (answer.status, answer.error["code"]) == (502, "upstream_invalid_response")


def test_a_stream_is_shown_in_whole_events(scenes: MakeScene, delivery: Delivery) -> None:
    swapping = Swapping()
    scene = scenes(delivery=delivery, extra=[swapping])
    client = scene.client()
    client.sends(post(chat(stream=True)))
    events = [b": wait\n\n", event("a"), event("cat"), data({"choices": [], "usage": usage()}), DONE]
    whole = b"".join(events)
    scene.upstream().sends(stream(*(whole[i : i + 7] for i in range(0, len(whole), 7))))
    answer = only(client.received())
    assert answer.body == whole.replace(b"cat", b"elephant")
    assert all(shown.endswith(b"\n\n") for shown in swapping.seen if b"data" in shown)
    assert not any(b"data" in shown and not shown.startswith((b"data", b":")) for shown in swapping.seen)
    assert b"".join(swapping.seen) == whole
    assert (scene.record.outcome, scene.record.events) == ("answered", 3)


def test_what_is_held_back_comes_at_the_end(scenes: MakeScene, delivery: Delivery) -> None:
    scene = scenes(delivery=delivery, extra=[Holding()])
    client = scene.client()
    client.sends(post(chat(stream=True)))
    scene.upstream().sends(stream(event("a"), event("b") + DONE))
    assert only(client.received()).body == event("a") + event("b") + DONE


@pytest.mark.parametrize("how", ["end of body", "reset", "error event"])
def test_what_is_held_back_of_a_stream_that_fails_comes_before_the_error(how: str, scenes: MakeScene) -> None:
    scene = scenes(extra=[Holding()])
    client = scene.client()
    client.sends(post(chat("priced", stream=True)))
    upstream = scene.upstream()
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a")))
    if how == "end of body":
        upstream.sends(LAST)
    elif how == "reset":
        upstream.resets()
    else:
        upstream.sends(chunk(data({"error": {"message": "no"}})) + LAST)
    body = only(client.received()).body
    assert body.startswith(event("a"))
    assert body.count(b'"error"') == 1
    assert b"[DONE]" not in body


def test_a_stage_ends_a_stream(scenes: MakeScene, delivery: Delivery) -> None:
    scene = scenes(delivery=delivery, extra=[Stopping()])
    client = scene.client()
    client.sends(post(chat(stream=True)))
    upstream = scene.upstream()
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a")))
    upstream.sends(chunk(data({"secret": 1})))
    answer, rest = read_answer(client.received())
    assert rest == b""
    assert answer.body.startswith(event("a") + b'data: {"error"')
    assert b"content_policy_violation" in answer.body
    assert b"secret" not in answer.body
    assert b"[DONE]" not in answer.body
    assert upstream.state == "aborted", "the rest burns no tokens"
    assert (scene.record.outcome, scene.record.error) == ("cut", "content_blocked")
    client.sends(post(chat()))
    scene.upstream().sends(unary(b"{}"))
    assert only(client.received()).status == 200, "the connection goes on"


def test_a_stage_lets_out_what_came_before(scenes: MakeScene) -> None:
    scene = scenes(extra=[Stopping()])
    client = scene.client()
    client.sends(post(chat(stream=True)))
    scene.upstream().sends(EVENTS_HEAD + CHUNKED + chunk(event("a") + data({"secret": 1})))
    assert only(client.received()).body.startswith(event("a") + b'data: {"error"')


@pytest.mark.parametrize("streamed", [True, False])
def test_an_answer_that_is_ended_before_anything_went_out_is_a_plain_error(
    streamed: bool, scenes: MakeScene
) -> None:
    scene = scenes(extra=[Stopping()])
    client = scene.client()
    client.sends(post(chat(stream=streamed)))
    upstream = scene.upstream()
    secret = b'{"secret":1}'
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(b"data: " + secret + b"\n\n") if streamed else unary(secret))
    answer = only(client.received())
    assert (answer.status, answer.error["code"]) == (400, "content_policy_violation")
    assert upstream.state == ("aborted" if streamed else "open")


def test_an_event_that_is_too_large_to_be_held_ends_the_stream(
    scenes: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seekgate.wire.sse.MAX_EVENT", 200)
    inspecting = Inspecting()
    scene = scenes(extra=[inspecting])
    client = scene.client()
    client.sends(post(chat("priced", stream=True)))
    upstream = scene.upstream()
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a")))
    upstream.sends(chunk(event("x" * 1000)[:600]))
    body = only(client.received()).body
    assert body.startswith(event("a") + b'data: {"error"')
    assert b"xxx" not in body
    assert all(b"xxx" not in shown for shown in inspecting.seen)


def test_headers_that_a_stage_adds(scenes: MakeScene, delivery: Delivery) -> None:
    class Adding(Stage):
        def on_request(self, x: Exchange) -> Verdict:
            x.answer_headers = b"\r\nX-Ratelimit-Remaining-Requests: 7"
            return None

    scene = scenes(delivery=delivery, extra=[Adding()])
    client = scene.client()
    client.sends(post(chat()))
    upstream = scene.upstream()
    upstream.sends(unary(b"{}"))
    assert only(client.received()).header("x-ratelimit-remaining-requests") == "7"
    client.sends(post(chat(stream=True)))
    upstream.sends(stream(event("a"), DONE))
    assert only(client.received()).header("x-ratelimit-remaining-requests") == "7"
