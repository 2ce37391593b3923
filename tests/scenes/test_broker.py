"""Requests that wait for a slot of a provider's account: what their clients see."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.config.compiled.quota import Queue
from seekgate.config.compiled.quota import Quota as Settings
from seekgate.gateway.parked import KEEP_ALIVE
from seekgate.stages.metering.prices import PriceTable, builtin
from seekgate.stages.quota.broker import Broker
from seekgate.stages.quota.stage import Quota
from seekgate.stages.quota.state import Tables
from tests.fakes.clock import FakeClock
from tests.scenes.conftest import MakeScene
from tests.support.limits import row
from tests.support.quota_stage import promise
from tests.support.scene import Peer, Scene
from tests.support.scene_answers import only
from tests.support.scene_config import chat, post
from tests.support.scene_streams import DONE, event, stream, unary

COMMENT = b": keep-alive\n\n"
BODY = b'{"id":"c","model":"m","choices":[]}'


class Slots:
    """A scene in which the account ``cloud`` has so many slots, ``queue`` says who may wait."""

    def __init__(self, scenes: MakeScene, slots: int = 1, **queue: Any) -> None:
        self.tables = Tables(lambda counter: None)
        self.tables.use_file([row("provider", "cloud", concurrency=slots)])
        self.results: list[str] = []
        self.broker = Broker(
            self.tables, promise, lambda: None, lambda provider, result, waited: self.results.append(result)
        )
        self._clock: Any = FakeClock()
        settings = Settings(queue=Queue(**queue))
        prices = PriceTable.load(builtin())
        stage = Quota(self.tables, settings, prices, self, None, self.broker, lambda scope, unit: None)
        self.scene: Scene = scenes(extra=[stage])
        self._clock = self.scene.clock

    def monotonic(self) -> float:
        """The scene's clock."""
        return self._clock.monotonic()  # type: ignore[no-any-return]

    def wall(self) -> float:
        """The scene's clock."""
        return self._clock.wall()  # type: ignore[no-any-return]

    def asks(self, streamed: bool = True) -> Peer:
        """A client with a request."""
        client = self.scene.client()
        client.sends(post(chat("priced", stream=streamed)))
        return client

    def advance(self, seconds: float) -> None:
        """Time passes, with the broker's ticks."""
        for _ in range(round(seconds)):
            self.scene.advance(1.0)
            self.scene.play(lambda: self.broker.tick(self.monotonic()))

    @property
    def left(self) -> tuple[int, int]:
        """Slots that are free, and requests that wait."""
        (counter,) = self.tables.counters.values()
        return counter.left, counter.waiting


def test_a_stream_sees_comments_while_it_waits_and_then_its_answer(scenes: MakeScene) -> None:
    slots = Slots(scenes)
    first, second = slots.asks(), slots.asks()
    upstream = slots.scene.upstream()
    assert slots.scene.connects == 0, "nothing was sent for the one that waits"
    slots.advance(2 * KEEP_ALIVE + 1)
    begun = second.received()
    assert begun.count(COMMENT) == 2
    upstream.sends(stream(event("a"), DONE))
    assert only(first.received()).body == event("a") + DONE
    upstream.sends(stream(event("b"), DONE))
    answer = only(begun + second.received())
    assert answer.body == 2 * COMMENT + event("b") + DONE
    assert slots.results == ["granted"]
    assert slots.left == (1, 0)


def test_a_plain_answer_is_waited_for_in_silence(scenes: MakeScene) -> None:
    slots = Slots(scenes)
    first, second = slots.asks(streamed=False), slots.asks(streamed=False)
    upstream = slots.scene.upstream()
    slots.advance(10)
    assert second.received() == b""
    upstream.sends(unary(BODY))
    upstream.sends(unary(BODY))
    assert only(first.received()).body == only(second.received()).body == BODY
    assert slots.left == (1, 0)


def test_a_stream_that_waits_too_long_is_told_in_an_event(scenes: MakeScene) -> None:
    slots = Slots(scenes, max_wait=20.0)
    slots.asks()
    second = slots.asks()
    slots.advance(22)
    body = only(second.received()).body
    assert body.startswith(COMMENT)
    assert b'data: {"error"' in body
    assert b'"rate_limit_exceeded"' in body
    assert b"none has ended for this one in 2" in body
    assert slots.results == ["late"]
    assert slots.left == (0, 0)


def test_a_plain_request_that_waits_too_long_is_429(scenes: MakeScene) -> None:
    slots = Slots(scenes, max_wait=20.0)
    slots.asks(streamed=False)
    second = slots.asks(streamed=False)
    slots.advance(22)
    answer = only(second.received())
    assert answer.status == 429
    assert answer.header("retry-after") == "20"


def test_a_queue_that_is_full_is_429_at_once(scenes: MakeScene) -> None:
    slots = Slots(scenes, waiting=1)
    slots.asks()
    slots.asks()
    answer = only(slots.asks().received())
    assert answer.status == 429
    assert answer.header("retry-after") == "30"
    assert slots.results == ["full"]


@pytest.mark.parametrize("commented", [False, True])
def test_a_client_that_leaves_gives_its_place_up(commented: bool, scenes: MakeScene) -> None:
    slots = Slots(scenes)
    first, second, third = slots.asks(), slots.asks(), slots.asks()
    upstream = slots.scene.upstream()
    if commented:
        slots.advance(KEEP_ALIVE + 1)
        third.received()
    second.resets()
    assert slots.left == (0, 1)
    upstream.sends(stream(event("a"), DONE))
    upstream.sends(stream(event("c"), DONE))
    assert third.received().endswith(DONE + b"\r\n0\r\n\r\n")
    assert only(first.received()).body == event("a") + DONE
    assert slots.results == ["left", "granted"]
    assert slots.left == (1, 0)


def test_a_client_that_leaves_in_the_moment_of_its_turn(scenes: MakeScene) -> None:
    slots = Slots(scenes)
    first, second, third = slots.asks(), slots.asks(), slots.asks()
    upstream = slots.scene.upstream()
    answer = stream(event("a"), DONE)

    def at_once() -> None:
        upstream.transport.peer_sends(answer)
        second.transport.peer_resets()

    slots.scene.play(at_once)
    assert only(first.received()).body == event("a") + DONE
    for number in range(slots.scene.connects + 1):
        connection = upstream if not number else slots.scene.upstream()
        if not connection.transport.is_closing():
            connection.sends(stream(event("c"), DONE))
    assert only(third.received()).body == event("c") + DONE
    assert slots.left == (1, 0)
