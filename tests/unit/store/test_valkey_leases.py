"""Limits shared by workers through a real Valkey: exact, given back, and without it as the policy says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from seekgate.config.compiled.quota import Valkey
from seekgate.config.rows import LimitRow
from seekgate.host.clock import SystemClock
from seekgate.stages.quota.counter import Counter, Reservation
from seekgate.stages.quota.leases import Leases
from seekgate.stages.quota.state import GRANTED, NEED, Refused, Tables
from seekgate.store import valkey_leases
from seekgate.store.valkey_leases import ValkeyLeases
from tests.support.limits import ANN, ValkeyServer, eventually, row, valkey
from tests.support.slow_proxy import slow_proxy

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


class Worker:
    """Tables and their leases, as a gateway worker has them."""

    def __init__(self, where: Valkey, name: str, *rows: LimitRow) -> None:
        self.tables = Tables(lambda counter: None)
        self.tables.use_file(rows)
        self.tables.share(True, time.time())
        self.results: list[str] = []
        self.said: list[str] = []
        self.shared = ValkeyLeases(
            where, None, name, Leases(self.tables), CLOCK, self.results.append, self.said.append
        )
        self.shared.start()

    @property
    def now(self) -> float:
        return time.time() + self.tables.offset

    async def ask(self, input: int = 0, output: int = 0) -> Reservation | Refused | None:
        """A request: its reservation, its refusal, or None when it was not answered in time."""
        until = time.monotonic() + self.shared.patience
        while True:
            plan = self.tables.plan(ANN, "d", "m", "p", self.now)
            now = self.now
            if plan.take(now, input, output, {}):
                return Reservation(plan, now, input, output)
            found = self.tables.decide(plan, now, input, output, {})
            if found is GRANTED:
                self.shared.poke()
                return Reservation(plan, now, input, output)
            if found is not NEED:
                return found if isinstance(found, Refused) else None
            if not await self.shared.turn(until):
                found = self.tables.decide_alone(plan, self.now, input, output, {})
                if found is GRANTED:
                    return Reservation(plan, now, input, output)
                return found if isinstance(found, Refused) else None

    async def insist(self, input: int = 0, output: int = 0) -> Reservation | Refused | None:
        """Ask until it is granted."""
        found = await self.ask(input, output)
        while not isinstance(found, Reservation):
            await self.until(lambda: all(c.refused_until <= self.now for c in self.tables.counters.values()))
            found = await self.ask(input, output)
        return found

    def counter(self, unit: str) -> Counter:
        """The only counter of a unit."""
        (found,) = [c for c in self.tables.counters.values() if c.unit == unit]
        return found

    async def until(self, condition: Callable[[], object]) -> None:
        """Tick until a condition holds."""
        await eventually(lambda: self.shared.tick() or condition())

    def die(self) -> None:
        """As by kill -9: the connection closes, nothing is given back."""
        assert self.shared._link is not None
        self.shared._closed = True
        self.shared._link.close()


def run(
    server: ValkeyServer, scene: Callable[[Callable[..., Worker]], Awaitable[None]], **changes: object
) -> None:
    """A scene with workers that share a namespace of their own."""
    where = msgspec.structs.replace(server.where, prefix=f"t{time.monotonic_ns()}", **changes)
    made: list[Worker] = []

    def worker(*rows: LimitRow) -> Worker:
        made.append(Worker(where, f"w{len(made)}", *rows))
        return made[-1]

    async def play() -> None:
        try:
            await scene(worker)
        finally:
            for each in made:
                each.shared.close()

    asyncio.run(play())


def test_four_workers_grant_exactly_what_the_limit_is(server: ValkeyServer) -> None:
    async def scene(worker: Callable[..., Worker]) -> None:
        workers = [worker(row(requests={3600: 1000})) for _ in range(4)]
        granted = 0
        for _ in range(50):
            asked = [each.ask() for each in workers for _ in range(25)]
            found = await asyncio.gather(*asked)
            granted += sum(isinstance(each, Reservation) for each in found)
        assert granted == 1000

    run(server, scene)


@pytest.mark.parametrize("spread", [0, 3, 40, 400])
def test_reservations_of_500_fit_exactly_into_a_limit_for_100(server: ValkeyServer, spread: int) -> None:
    """All in one turn of the loop, or coming in over some, while answers for those before them are under way."""

    async def scene(worker: Callable[..., Worker]) -> None:
        workers = [worker(row(tokens={3600: 100 * 37})) for _ in range(4)]

        async def ask(each: Worker, number: int) -> object:
            for _ in range(number * spread // 125):
                await asyncio.sleep(0)
            return await each.ask(30, 7)

        found = await asyncio.gather(*(ask(each, number) for number in range(125) for each in workers))
        assert sum(isinstance(each, Reservation) for each in found) == 100
        assert sum(isinstance(each, Refused) for each in found) == 400

    run(server, scene)


def test_concurrency_is_never_above_its_limit_and_slots_wander(server: ValkeyServer) -> None:
    async def scene(worker: Callable[..., Worker]) -> None:
        workers = [worker(row(concurrency=10)) for _ in range(3)]
        held = [
            r
            for r in await asyncio.gather(*(workers[0].ask() for _ in range(15)))
            if isinstance(r, Reservation)
        ]
        assert len(held) == 10
        assert isinstance(await workers[1].ask(), Refused)
        for each in held[:4]:
            each.plan.settle(each, 0, 0, {})
        await workers[0].until(lambda: workers[0].counter("concurrency").held == 6)
        for _ in range(4):
            assert isinstance(await workers[1].insist(), Reservation)
        assert isinstance(await workers[2].ask(), Refused)

    run(server, scene)


def test_what_was_not_used_comes_back_from_an_idle_worker(server: ValkeyServer) -> None:
    async def scene(worker: Callable[..., Worker]) -> None:
        first, second = worker(row(tokens={3600: 1000})), worker(row(tokens={3600: 1000}))
        held = await first.ask(900, 100)
        assert isinstance(held, Reservation)
        assert isinstance(await second.ask(1, 0), Refused)
        held.plan.settle(held, 100, 0, {})
        await first.until(lambda: first.counter("tokens").granted == 100)
        await second.until(lambda: second.counter("tokens").refused_until < second.now)
        assert isinstance(await second.ask(900, 0), Reservation)

    run(server, scene)


def test_a_worker_that_leaves_gives_back_at_once(server: ValkeyServer) -> None:
    async def scene(worker: Callable[..., Worker]) -> None:
        first, second = worker(row(concurrency=5)), worker(row(concurrency=5))
        held = await asyncio.gather(*(first.ask() for _ in range(5)))
        for each in held:
            assert isinstance(each, Reservation)
            each.plan.settle(each, 0, 0, {})
        first.shared.close()
        found = await asyncio.gather(*(second.ask() for _ in range(5)))
        assert all(isinstance(each, Reservation) for each in found)

    run(server, scene)


def test_what_a_killed_worker_held_comes_back(server: ValkeyServer) -> None:
    async def scene(worker: Callable[..., Worker]) -> None:
        rule = row(concurrency=5, tokens={3600: 1000})
        first, second = worker(rule), worker(rule)
        held = await asyncio.gather(*(first.ask(100, 100) for _ in range(5)))
        assert all(isinstance(each, Reservation) for each in held)
        first.die()
        assert isinstance(await second.ask(100, 100), Refused)
        for _ in range(5):
            assert isinstance(await second.insist(100, 100), Reservation)
        assert isinstance(await second.ask(100, 100), Refused)

    run(server, scene)


def test_reports_restore_what_valkey_forgets() -> None:
    async def scene(worker: Callable[..., Worker]) -> None:
        first, second = worker(row(requests={3600: 100})), worker(row(requests={3600: 100}))
        assert all(
            isinstance(r, Reservation) for r in await asyncio.gather(*(first.ask() for _ in range(60)))
        )
        lost.kill()
        await first.until(lambda: first.tables.outage)
        lost.start()
        await first.until(lambda: not first.tables.outage and not first.counter("requests").pending)
        counter = first.counter("requests")
        first.tables.reports[counter] = None
        await first.until(lambda: not first.tables.reports and not counter.pending)
        await second.until(lambda: not second.tables.outage and second.shared._link is not None)
        found = await asyncio.gather(*(second.ask() for _ in range(100)))
        assert sum(isinstance(each, Reservation) for each in found) <= 100 - 60

    with valkey() as lost:
        run(lost, scene)


@pytest.mark.parametrize("deny", [False, True])
def test_an_outage_costs_a_few_requests_their_patience_and_nobody_after_them(deny: bool) -> None:
    async def scene(worker: Callable[..., Worker]) -> None:
        first = worker(row(requests={3600: 100}), row("key", "other", requests={3600: 100}))
        first.tables.deny = True
        while not isinstance(await first.ask(), Reservation):
            await first.until(lambda: not first.tables.outage)
        counter = first.counter("requests")
        silent.pause()
        waited = 0
        while not first.tables.outage:
            before = len(first.results)
            await first.ask()
            waited += len(first.results) > before
        assert waited <= 2
        assert first.said[-1] == "no answer within 10 ms"
        first.tables.deny = deny
        counter.left, counter.room, first.tables.fleet = 3, 80, 4
        granted = [isinstance(await first.ask(), Reservation) for _ in range(60)]
        # What it had leased, and a quarter of what was left; denied, what it had leased.
        assert granted.count(True) == (3 if deny else 3 + 20)
        silent.resume()
        await first.until(lambda: not first.tables.outage)
        assert isinstance(await first.ask(), Reservation)

    with valkey() as silent:
        try:
            run(silent, scene, budget=0.010)
        finally:
            silent.resume()


def test_requests_that_come_before_the_first_connection_wait_for_it(server: ValkeyServer) -> None:
    async def scene(worker: Callable[..., Worker]) -> None:
        made = worker(row(requests={60: 10}))
        assert isinstance(await made.ask(), Reservation)
        assert made.said == [""]

    run(server, scene)


def test_a_server_that_is_not_there_is_an_outage_once_it_had_time_to_start(
    server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_leases, "BEGINNING", 0.2)

    async def scene(worker: Callable[..., Worker]) -> None:
        made = worker(row(requests={60: 10}))
        made.shared.tick()
        assert not made.tables.outage
        await made.until(lambda: made.said)
        assert made.tables.outage
        assert "FileNotFoundError" in made.said[0]
        assert isinstance(await made.ask(), Reservation)

    run(server, scene, path=server.path + ".none")


def test_a_server_that_starts_later_is_found_without_an_outage(tmp_path: Path) -> None:
    late = ValkeyServer(tmp_path)

    async def scene(worker: Callable[..., Worker]) -> None:
        made = worker(row(requests={60: 10}))
        made.shared.tick()
        late.start()
        await made.until(lambda: made.said)
        assert made.said == [""]

    try:
        run(late, scene)
    finally:
        late.kill()


def test_a_slow_server_is_an_outage_too(server: ValkeyServer, tmp_path: Path) -> None:
    async def scene(worker: Callable[..., Worker]) -> None:
        made = worker(row(requests={3600: 1000}))
        await made.until(lambda: made.said)
        proxy.delay = 2.0
        while not made.tables.outage:
            await made.ask()
        proxy.delay = 0.0
        # Late answers come all the same, and are not used.
        await made.until(lambda: not made.tables.outage)
        counter = made.counter("requests")
        assert counter.granted == counter.left + counter.used
        assert set(made.results) == {"ok", "late"}

    with slow_proxy(tmp_path / "proxy.sock", server.path) as proxy:
        run(server, scene, path=proxy.path, budget=0.010)
