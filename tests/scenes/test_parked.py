"""Requests that wait for long: comments keep a stream's connection alive until the wait is over."""

from __future__ import annotations

import asyncio

import pytest

from seekgate.gateway.parked import KEEP_ALIVE
from seekgate.gateway.target import Target
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Verdict, Wait
from seekgate.wire import errors
from tests.scenes.conftest import MakeScene
from tests.support.scene import Scene
from tests.support.scene_answers import only, read_answer
from tests.support.scene_config import chat, get, post
from tests.support.scene_streams import CHUNKED, DONE, EVENTS_HEAD, chunk, event, stream, unary

COMMENT = b": keep-alive\n\n"


class Queue(Stage):
    """Waits for ``gate``, which the test opens."""

    def __init__(self, keep_alive: bool = True) -> None:
        self.gates: list[asyncio.Future[Reply | None]] = []
        self.keep_alive = keep_alive

    def on_request(self, x: Exchange) -> Verdict:
        return Wait(self._wait(), self.keep_alive)

    async def _wait(self) -> Reply | None:
        gate: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        return await gate

    def open(self, scene: Scene, verdict: Reply | None = None) -> None:
        """The wait is over."""
        gate = self.gates.pop(0)
        scene.play(lambda: gate.set_result(verdict))


def test_a_stream_is_kept_alive_and_then_answered(scenes: MakeScene) -> None:
    queue = Queue()
    scene = scenes(extra=[queue])
    client = scene.client()
    client.sends(post(chat(stream=True)))
    scene.advance(KEEP_ALIVE - 1)
    assert client.received() == b"", "a short wait is not shown"
    scene.advance(2 * KEEP_ALIVE + 1)
    begun = client.received()
    assert begun.count(COMMENT) == 2
    queue.open(scene)
    scene.upstream().sends(stream(event("a"), DONE))
    answer = only(begun + client.received())
    assert answer.header("content-type") == "text/event-stream"
    assert answer.header("x-request-id") == "req_1"
    assert answer.body == 2 * COMMENT + event("a") + DONE
    assert (scene.record.outcome, scene.record.status) == ("answered", 200)
    client.sends(get())
    queue.open(scene)
    assert only(client.received()).status == 200, "the connection goes on"


def test_a_refusal_after_a_comment_is_an_event(scenes: MakeScene) -> None:
    queue = Queue()
    scene = scenes(extra=[queue])
    client = scene.client()
    client.sends(post(chat(stream=True)))
    scene.advance(KEEP_ALIVE + 1)
    queue.open(scene, Reply(error=errors.RATE_LIMITED, message="The queue is full."))
    body = only(client.received()).body
    assert body.startswith(COMMENT + b'data: {"error"')
    assert b"The queue is full." in body
    assert b"[DONE]" not in body
    assert (scene.record.outcome, scene.record.error) == ("cut", "rate_limited")
    assert not scene.network.tried


def test_a_ready_made_answer_after_a_comment(scenes: MakeScene) -> None:
    queue = Queue()
    scene = scenes(extra=[queue])
    client = scene.client()
    client.sends(post(chat(stream=True)))
    scene.advance(KEEP_ALIVE + 1)
    queue.open(scene, Reply(body=event("a") + DONE, content_type=b"text/event-stream"))
    assert only(client.received()).body == COMMENT + event("a") + DONE
    assert scene.record.outcome == "answered"


def test_waiting_twice(scenes: MakeScene) -> None:
    first, second = Queue(), Queue()
    scene = scenes(extra=[first, second])
    client = scene.client()
    client.sends(post(chat(stream=True)))
    scene.advance(KEEP_ALIVE + 1)
    first.open(scene)
    scene.advance(KEEP_ALIVE + 1)
    second.open(scene)
    scene.upstream().sends(stream(event("a"), DONE))
    assert only(client.received()).body == 2 * COMMENT + event("a") + DONE


def test_an_upstream_that_refuses_after_a_comment(scenes: MakeScene) -> None:
    queue = Queue()
    scene = scenes(extra=[queue])
    client = scene.client()
    client.sends(post(chat("priced", stream=True)))
    scene.advance(KEEP_ALIVE + 1)
    queue.open(scene)
    scene.upstream().sends(unary(b'{"error":{}}', b"400 Bad Request"))
    body = only(client.received()).body
    assert body.startswith(COMMENT + b'data: {"error"')


@pytest.mark.parametrize(("streamed", "keep_alive"), [(False, True), (True, False)])
def test_others_wait_in_silence(streamed: bool, keep_alive: bool, scenes: MakeScene) -> None:
    queue = Queue(keep_alive)
    scene = scenes(extra=[queue])
    client = scene.client()
    client.sends(post(chat(stream=streamed)))
    scene.advance(3 * KEEP_ALIVE)
    assert client.received() == b""
    queue.open(scene, Reply(error=errors.RATE_LIMITED))
    assert only(client.received()).status == 429


def test_a_client_that_leaves_while_it_is_kept_alive(scenes: MakeScene) -> None:
    queue = Queue()
    scene = scenes(extra=[queue])
    client = scene.client()
    client.sends(post(chat(stream=True)))
    scene.advance(KEEP_ALIVE + 1)
    client.resets()
    assert queue.gates[0].cancelled()
    assert scene.record.outcome == "client_left"
    queue.gates.clear()


def test_the_first_event_has_its_time_after_the_wait(scenes: MakeScene) -> None:
    queue = Queue()
    scene = scenes(extra=[queue])
    client = scene.client()
    client.sends(post(chat("priced", stream=True)))
    scene.advance(1000.0)
    queue.open(scene)
    upstream = scene.upstream()
    scene.advance(1.0)
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a") + DONE) + b"0\r\n\r\n")
    answer, _ = read_answer(client.received())
    assert answer.body.endswith(event("a") + DONE)


def test_an_error_of_ours_behind_a_wait_costs_its_connection(
    scenes: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = Queue(keep_alive=False)
    scene = scenes(extra=[queue])
    client = scene.client()
    client.sends(post(chat()))
    queue.open(scene)
    scene.upstream().sends(unary(b"{}"))
    assert only(client.received()).status == 200

    def broken(target: Target, x: Exchange) -> bytes:
        raise RuntimeError("no body today")

    monkeypatch.setattr(Target, "body", broken)
    client.sends(post(chat()))
    queue.open(scene)
    assert client.state != "open"
    assert scene.failures == [("a parked request", "RuntimeError('no body today')")]
    assert scene.records[-1].outcome == "client_left"
