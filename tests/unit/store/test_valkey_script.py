"""The script, on a real Valkey: what it grants, counts, gives back and ignores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

import pytest

from seekgate.store.valkey import Link, connect
from seekgate.store.valkey_script import LIFE, SCRIPT, Said, arguments, keys, read
from tests.support.limits import ValkeyServer, eventually, valkey

HOUR = int(time.time() // 3600) * 3600


class Ask(NamedTuple):
    """An ask with what most tests ask."""

    id: str = "c"
    start: int = HOUR
    end: int = HOUR + 7200
    limit: int = 100
    granted: int = 0
    held: int = 0
    left: int = 0
    quantum: int = 1
    need: int = 0
    extra: int = 0


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


class Place:
    """The script, called by workers of these names."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._prefix = f"t{time.monotonic_ns()}"
        self.seq = 0
        self.fleet = 0

    async def call(self, worker: str, *asks: Ask, life: int = LIFE, seq: int = 0) -> list[Said]:
        """The answers."""
        self.seq += 1
        names = keys(self._prefix, asks)
        given = arguments(worker, life, seq or self.seq, asks)
        reply = await self._link.ask("EVAL", SCRIPT, len(names), *names, *given)
        told = read(reply, len(asks))
        assert told is not None
        assert abs(told.now - time.time()) < 60
        self.fleet = told.fleet
        return told.answers

    async def total(self, ask: Ask) -> int:
        """What is out of the limit."""
        return int(await self._link.ask("HGET", keys(self._prefix, [ask])[1], "t") or 0)  # type: ignore[arg-type]

    async def expires(self, ask: Ask) -> int:
        """Milliseconds until the hash goes."""
        return int(await self._link.ask("PTTL", keys(self._prefix, [ask])[1]))  # type: ignore[arg-type]


def run(server: ValkeyServer, scene: Callable[[Place], Awaitable[None]]) -> None:
    async def play() -> None:
        link = await connect(server.where, None, lambda: None)
        try:
            await scene(Place(link))
        finally:
            link.close()

    asyncio.run(play())


def test_it_grants_what_is_needed_and_some_more_while_there_is_room(server: ValkeyServer) -> None:
    async def scene(place: Place) -> None:
        assert await place.call("a", Ask(need=20, extra=8)) == [Said(28, 72, 0, False)]
        # Beyond the need, an eighth of the room at most.
        assert await place.call("b", Ask(need=60, extra=50)) == [Said(61, 11, 0, False)]
        assert await place.call("b", Ask(granted=61, held=61, extra=50)) == [Said(1, 10, 0, False)]
        assert await place.total(Ask()) == 90
        assert place.fleet == 2

    run(server, scene)


def test_it_grants_whole_requests_only(server: ValkeyServer) -> None:
    async def scene(place: Place) -> None:
        assert await place.call("a", Ask(need=400, quantum=30)) == [Said(90, 10, 0, False)]
        assert await place.call("b", Ask(need=30, quantum=30)) == [Said(0, 10, 90, False)]
        # With what is left here, the rest makes up a request.
        assert await place.call("b", Ask(granted=0, left=25, need=5, quantum=30)) == [Said(5, 5, 0, False)]

    run(server, scene)


def test_a_report_may_be_lost_repeated_and_overtaken(server: ValkeyServer) -> None:
    async def scene(place: Place) -> None:
        await place.call("a", Ask(need=20))
        for _ in range(3):
            await place.call("a", Ask(granted=20, held=5))
            assert await place.total(Ask()) == 20
        # An answer was lost: the worker does not know of its grant, and the total follows what it says.
        await place.call("a", Ask(granted=12, held=0))
        assert await place.total(Ask()) == 12
        assert (await place.call("a", Ask(granted=99), seq=1))[0].stale
        assert await place.total(Ask()) == 12

    run(server, scene)


def test_a_server_that_forgot_everything_is_told_again(server: ValkeyServer) -> None:
    async def scene(place: Place) -> None:
        assert await place.call("a", Ask(granted=70, held=10)) == [Said(0, 30, 0, False)]
        assert await place.call("b", Ask(need=40, quantum=40)) == [Said(0, 30, 10, False)]

    run(server, scene)


def test_what_was_used_beyond_the_limit_counts(server: ValkeyServer) -> None:
    async def scene(place: Place) -> None:
        assert await place.call("a", Ask(granted=130)) == [Said(0, -30, 0, False)]
        assert await place.call("b", Ask(need=1, extra=5)) == [Said(0, -30, 0, False)]

    run(server, scene)


def test_what_the_dead_held_comes_back_when_it_is_needed(server: ValkeyServer) -> None:
    async def scene(place: Place) -> None:
        await place.call("a", Ask(granted=60, held=50), life=1)
        await place.call("b", Ask(granted=30, held=30))
        dead = time.monotonic() + 0.005
        await eventually(lambda: time.monotonic() > dead, "the end of its life")
        # Ten that "a" has used stay used, the thirty of "b", who lives, stay with it.
        assert await place.call("c", Ask(need=60, quantum=60)) == [Said(60, 0, 30, False)]
        # "a" was not dead after all: what it holds is counted again.
        await place.call("a", Ask(granted=60, held=50))
        assert await place.total(Ask()) == 150

    run(server, scene)


def test_who_leaves_is_not_waited_for(server: ValkeyServer) -> None:
    async def scene(place: Place) -> None:
        await place.call("a", Ask(need=50))
        await place.call("a", Ask(granted=20, held=0), life=0)
        assert await place.call("b", Ask(need=80)) == [Said(80, 0, 0, False)]
        assert place.fleet == 1

    run(server, scene)


def test_only_the_window_of_now_is_counted(server: ValkeyServer) -> None:
    async def scene(place: Place) -> None:
        past, future = (
            Ask(start=HOUR - 7200, end=HOUR - 3600, need=1),
            Ask(start=HOUR + 7200, end=HOUR + 9000, need=1),
        )
        assert [each.stale for each in await place.call("a", past, future, Ask(need=1))] == [
            True,
            True,
            False,
        ]
        assert await place.total(past) == 0

    run(server, scene)


def test_nothing_is_kept_for_ever(server: ValkeyServer) -> None:
    async def scene(place: Place) -> None:
        slots = Ask(id="s", start=0, end=1 << 40, need=3)
        await place.call("a", Ask(need=1), slots)
        assert 0 < await place.expires(Ask()) <= 7_260_000
        assert 0 < await place.expires(slots) <= 3_600_000

    run(server, scene)


def test_counts_are_exact_up_to_two_to_the_fifty(server: ValkeyServer) -> None:
    async def scene(place: Place) -> None:
        big = 1 << 50
        assert await place.call("a", Ask(limit=big, need=big - 1)) == [Said(big - 1, 1, 0, False)]
        assert await place.call("b", Ask(limit=big, need=1)) == [Said(1, 0, 0, False)]
        assert await place.total(Ask()) == big

    run(server, scene)


@pytest.mark.parametrize("reply", [None, b"OK", 5, [1, 2, 3], [1, 2, b"x", 1, 1, 1]])
def test_what_is_no_answer(reply: object) -> None:
    assert read(reply, 1) is None  # type: ignore[arg-type]
