"""Limits over the whole data plane: what is reserved, settled and refused, whatever becomes of a request."""

from __future__ import annotations

import asyncio
import json

import pytest

from seekgate.config.compiled.quota import Quota as Settings
from seekgate.config.rows import LimitRow
from seekgate.stages.metering.prices import PriceTable, builtin
from seekgate.stages.quota.broker import Broker
from seekgate.stages.quota.stage import Quota
from seekgate.stages.quota.state import Tables
from tests.fakes.clock import FakeClock
from tests.support.limits import row
from tests.support.quota_stage import promise
from tests.support.scene import DELIVERIES, Delivery, Scene
from tests.support.scene_config import chat, post

RULES = row(requests={60: 3}, tokens={60: 100_000}, concurrency=1)
ANSWER = json.dumps(
    {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}}
).encode()


class Limited:
    """Tables, their stage, and a ledger whose answers the test resolves."""

    patience = 5.0

    def __init__(self, *rows: LimitRow, shared: bool = False) -> None:
        clock = FakeClock()
        self.tables = Tables(lambda counter: None)
        self.tables.use_file(rows)
        self.tables.share(shared, clock.wall())
        prices = PriceTable.load(builtin())
        ledger = self if shared else None
        broker = Broker(self.tables, promise, lambda: None, lambda *what: None)
        self.stage = Quota(self.tables, Settings(), prices, clock, ledger, broker, lambda *what: None)

    async def turn(self, until: float) -> bool:
        """Never answers."""
        await asyncio.Event().wait()
        return True

    def poke(self) -> None:
        """Nobody waits."""

    def left(self) -> dict[str, int]:
        return {c.unit: c.left for c in self.tables.counters.values()}


def plain(body: bytes = ANSWER) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


EVENT = chunk(b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n')


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_an_answer_settles_and_says_what_is_left(delivery: Delivery) -> None:
    made = Limited(RULES)
    with Scene(delivery=delivery, extra=[made.stage]) as scene:
        client = scene.client()
        client.sends(post(chat("asks")))
        assert made.left()["concurrency"] == 0
        scene.upstream().sends(plain())
        head = client.received()
        assert b"\r\nx-ratelimit-limit-requests: 3\r\nx-ratelimit-remaining-requests: 2\r\n" in head
        assert head.endswith(ANSWER)
        assert made.left() == {"requests": 2, "tokens": 100_000 - 12, "concurrency": 1}


def test_one_too_many_is_refused_with_the_time_to_come_back() -> None:
    made = Limited(RULES)
    with Scene(extra=[made.stage]) as scene:
        first, second = scene.client(), scene.client()
        first.sends(post(chat("asks")))
        second.sends(post(chat("asks")))
        refused = second.received()
        assert refused.startswith(b"HTTP/1.1 429 ")
        assert b"\r\nRetry-After: 1\r\n" in refused
        assert b"1 requests at a time of the key 'app'" in refused
        scene.upstream().sends(plain())
        second.sends(post(chat("asks")))
        assert not second.received()


@pytest.mark.parametrize("how", ["client_left", "cut"])
def test_a_stream_that_ends_early_is_charged_for_what_was_sent(how: str) -> None:
    made = Limited(RULES)
    with Scene(extra=[made.stage]) as scene:
        client = scene.client()
        client.sends(post(chat("asks", stream=True, max_tokens=500)))
        before = made.left()["tokens"]
        upstream = scene.upstream()
        upstream.sends(STREAM + EVENT * 3)
        if how == "cut":
            upstream.finishes()
        else:
            client.resets()
        left = made.left()
        assert left["concurrency"] == 1
        # The prompt as it was estimated, and three events' worth of 500 reserved tokens.
        assert left["tokens"] == before + 500 - 3
        assert scene.record.outcome == how


def test_a_client_that_leaves_while_it_waits_for_a_lease_holds_nothing() -> None:
    made = Limited(RULES, shared=True)
    with Scene(extra=[made.stage]) as scene:
        client = scene.client()
        client.sends(post(chat("asks")))
        assert scene.connects == 0
        client.resets()
        assert made.left() == {"requests": 0, "tokens": 0, "concurrency": 0}
        assert scene.record.outcome == "client_left"


def test_an_upstream_that_fails_is_not_charged() -> None:
    made = Limited(RULES)
    with Scene(extra=[made.stage]) as scene:
        client = scene.client()
        client.sends(post(chat("asks")))
        scene.upstream().sends(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
        assert client.received().startswith(b"HTTP/1.1 500 ")
        assert made.left() == {"requests": 2, "tokens": 100_000, "concurrency": 1}
