"""Asking the moderation service: its timeout, its places, and leaving it alone when it is down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from seekgate.gateway.moderator import REST, TROUBLE, HttpModerator
from seekgate.gateway.poster import PostError
from tests.fakes.clock import FakeClock


class Service:
    """Answers with what it was asked, in its own time."""

    def __init__(self) -> None:
        self.calls = 0
        self.down = False
        self.hold: asyncio.Event | None = None
        self.closed = False

    async def post(self, body: bytes, timeout: float) -> bytes:
        self.calls += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.down:
            raise PostError("refused")
        return body

    def close(self) -> None:
        self.closed = True


class Made:
    def __init__(self, timeout: float = 5.0, concurrency: int = 4) -> None:
        self.service = Service()
        self.clock = FakeClock()
        self.said: list[str] = []
        self.moderator: HttpModerator[str] = HttpModerator(
            self.service, timeout, concurrency, lambda texts: " ".join(texts).encode(), bytes.decode,
            lambda reason: f"failed: {reason}", self.clock, lambda text, reason: self.said.append(text),
        )  # fmt: skip


def test_an_answer() -> None:
    made = Made()
    assert asyncio.run(made.moderator.ask(["a", "b"])) == "a b"
    made.moderator.close()
    assert made.service.closed


def test_a_service_that_is_slow_costs_its_timeout() -> None:
    async def run() -> None:
        made = Made(timeout=0.05)
        made.service.hold = asyncio.Event()
        assert await made.moderator.ask(["a"]) == "failed: no answer within 0.05 s"

    asyncio.run(run())


def test_waiting_for_a_place_is_part_of_the_timeout() -> None:
    async def run() -> None:
        made = Made(timeout=0.05, concurrency=1)
        made.service.hold = asyncio.Event()
        answers = await asyncio.gather(*(made.moderator.ask([str(n)]) for n in range(3)))
        assert answers == ["failed: no answer within 0.05 s"] * 3
        assert made.service.calls == 1

    asyncio.run(run())


def test_a_service_that_is_down_is_left_alone() -> None:
    async def run() -> None:
        made = Made()
        made.service.down = True
        for _ in range(TROUBLE):
            assert await made.moderator.ask(["a"]) == "failed: refused"
        for _ in range(10):
            assert "left alone" in await made.moderator.ask(["a"])
        assert made.service.calls == TROUBLE
        made.clock.advance(REST + 0.1)
        assert await made.moderator.ask(["a"]) == "failed: refused"
        assert "left alone" in await made.moderator.ask(["a"]), "one look, and no more"
        made.clock.advance(REST + 0.1)
        made.service.down = False
        assert await made.moderator.ask(["a"]) == "a"
        assert await made.moderator.ask(["b"]) == "b"
        assert made.said == ["the moderation service cannot be asked", "the moderation service answers again"]

    asyncio.run(run())


def test_a_failure_now_and_then_is_no_outage() -> None:
    async def run() -> None:
        made = Made()
        for number in range(4 * TROUBLE):
            made.service.down = number % 2 == 0
            await made.moderator.ask(["a"])
        assert made.service.calls == 4 * TROUBLE

    asyncio.run(run())


def test_later() -> None:
    async def run() -> None:
        made = Made()
        told: asyncio.Queue[str] = asyncio.Queue()
        tell: Callable[[str], None] = told.put_nowait
        made.moderator.later(["a"], tell)
        assert told.empty()
        assert await told.get() == "a"

    asyncio.run(run())


@pytest.mark.parametrize("answer", ["x", "y"])
def test_nobody_waits_any_more(answer: str) -> None:
    """A cancelled question (the client left) is no failure of the service."""

    async def run() -> None:
        made = Made()
        made.service.hold = asyncio.Event()
        for _ in range(TROUBLE + 1):
            task = asyncio.ensure_future(made.moderator.ask([answer]))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        made.service.hold.set()
        assert await made.moderator.ask([answer]) == answer

    asyncio.run(run())
