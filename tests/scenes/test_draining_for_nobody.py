"""Clients that leave while the policy lets the upstream finish: the answer is made, charged, and goes nowhere."""

from __future__ import annotations

import pytest

from seekgate.gateway import nobody, relay
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Stage, Verdict
from tests.scenes.conftest import MakeScene
from tests.support.scene_answers import only
from tests.support.scene_config import chat, post
from tests.support.scene_streams import CHUNKED, DONE, EVENTS_HEAD, LAST, chunk, data, event, unary, usage


class Draining(Stage):
    """Lets upstreams finish, and notes how exchanges end."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, str]] = []

    def on_request(self, x: Exchange) -> Verdict:
        x.drain = True
        return None

    def on_end(self, x: Exchange) -> None:
        self.ends.append((x.outcome, x.attempts[-1].outcome))


def test_a_stream_is_read_to_its_end_and_charged(scenes: MakeScene) -> None:
    stage = Draining()
    scene = scenes(extra=[stage])
    client = scene.client()
    client.sends(post(chat("priced", stream=True)))
    upstream = scene.upstream()
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a")))
    client.resets()
    assert upstream.state == "open"
    assert stage.ends == []
    upstream.sends(chunk(event("b")) + chunk(data({"choices": [], "usage": usage()}) + DONE) + LAST)
    assert stage.ends == [("client_left", "answered")]
    record = scene.record
    assert (record.outcome, record.status, record.prompt_tokens) == ("client_left", 200, 1000)
    assert record.cost_micro > 0
    assert not scene.front.nobodies


def test_a_plain_answer_that_nobody_has_seen(scenes: MakeScene) -> None:
    stage = Draining()
    scene = scenes(extra=[stage])
    client = scene.client()
    client.sends(post(chat()))
    upstream = scene.upstream()
    client.finishes()
    upstream.sends(unary(b'{"model":"m","usage":{"prompt_tokens":3,"completion_tokens":4}}'))
    assert stage.ends == [("client_left", "answered")]
    assert (scene.record.status, scene.record.completion_tokens) == (499, 4)
    other = scene.client()
    other.sends(post(chat()))
    upstream.sends(unary(b"{}"))
    assert only(other.received()).status == 200, "the upstream's connection is used again"


def test_nothing_is_tried_again_for_nobody(scenes: MakeScene) -> None:
    stage = Draining()
    scene = scenes(extra=[stage])
    client = scene.client()
    client.sends(post(chat()))
    upstream = scene.upstream()
    client.resets()
    tried = len(scene.network.tried)
    upstream.sends(unary(b"{}", b"503 Service Unavailable"))
    assert len(scene.network.tried) == tried
    assert [outcome for outcome, _ in stage.ends] == ["client_left"]


def test_it_takes_a_bounded_time(scenes: MakeScene) -> None:
    stage = Draining()
    scene = scenes(extra=[stage])
    client = scene.client()
    client.sends(post(chat("priced", stream=True)))
    upstream = scene.upstream()
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a")))
    client.resets()
    for _ in range(10):
        scene.advance(nobody.SECONDS / 10 + 1)
        if upstream.state == "open":
            upstream.sends(chunk(event("b")))
    assert upstream.state == "aborted"
    assert stage.ends == [("client_left", "cancelled")]


def test_so_many_and_no_more(scenes: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "MOST", 1)
    stage = Draining()
    scene = scenes(extra=[stage])
    peers = []
    for _ in range(2):
        client = scene.client()
        client.sends(post(chat("priced", stream=True)))
        upstream = scene.upstream()
        upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a")))
        peers.append((client, upstream))
    for client, _ in peers:
        client.resets()
    assert [upstream.state for _, upstream in peers] == ["open", "aborted"]
    peers[0][1].resets()
    assert stage.ends == [("client_left", "cancelled"), ("client_left", "cut")]


def test_a_slow_reader_that_leaves(scenes: MakeScene) -> None:
    stage = Draining()
    scene = scenes(extra=[stage])
    client = scene.client()
    client.sends(post(chat("priced", stream=True)))
    upstream = scene.upstream()
    client.stops_reading()
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a" * 200_000)))
    client.resets()
    upstream.sends(chunk(event("b") + DONE) + LAST)
    assert stage.ends == [("client_left", "answered")]
