"""The broker of workers that share an account's slots by a real Valkey: nobody keeps them all."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seekgate.config.compiled.quota import Queue
from seekgate.config.compiled.quota import Quota as Settings
from seekgate.config.snapshot import Deployment
from seekgate.host.clock import SystemClock
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Wait
from seekgate.stages.metering.prices import PriceTable, builtin
from seekgate.stages.quota.wiring import Limits
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from tests.support.limits import ANN, ValkeyServer, eventually, row, valkey
from tests.support.quota_stage import promise
from tests.support.scene_config import snapshot
from tests.support.scene_exchange import exchange

SLOTS = 16
PLAIN = Deployment("d1", "cloud", "m")


class Worker:
    """A worker's limits, and requests that hold a slot until they are told to end."""

    def __init__(self, server: ValkeyServer, home: Path, name: str) -> None:
        (home / name / "run").mkdir(parents=True)
        self.clock = SystemClock()
        self.metrics = Metrics(Registry())
        self.limits = Limits(self.metrics, self.clock, name, str, promise)
        self.limits.begin(home / name, 0, 2)
        limits = (row("provider", "cloud", concurrency=SLOTS),)
        found = snapshot(quota=Settings(limits, queue=Queue(10_000, 60.0)), valkey=server.where)
        self.stage = self.limits.stage(found, PriceTable.load(builtin()))
        self.limits.prepare(found)
        self.limits.adopt()
        self.running: deque[Exchange] = deque()
        self.refused = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, count: int) -> None:
        """So many requests."""
        for _ in range(count):
            task = asyncio.ensure_future(self._one())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _one(self) -> None:
        x = exchange(principal=ANN, candidates=(PLAIN,), admitted_at=self.clock.wall(), model="m")
        verdict: Any = self.stage.on_request(x)
        if isinstance(verdict, Wait):
            verdict = await verdict.awaitable
        if verdict is None:
            self.running.append(x)
        else:
            self.refused += 1

    def end_one(self) -> None:
        """The request that has run for longest ends."""
        if self.running:
            x = self.running.popleft()
            x.deployment, x.outcome = PLAIN, "answered"
            self.stage.on_end(x)

    @property
    def slots(self) -> int:
        """How many slots its requests have."""
        counter = self.limits.tables.counters.get("provider:cloud|concurrency")
        return 0 if counter is None else counter.reserved

    def waiting(self) -> int:
        """How many wait."""
        return self.limits.broker.waiting().get("cloud", 0)


async def _work(workers: list[Worker], until: Callable[[], bool], seen: list[int]) -> None:
    """Requests end one after the other, and time goes by, until something holds."""
    turn = 0

    def step() -> bool:
        nonlocal turn
        turn += 1
        workers[turn % len(workers)].end_one()
        if turn % 4 == 0:
            for worker in workers:
                worker.limits.tick()
        seen.append(sum(len(worker.running) for worker in workers))
        return until()

    await eventually(step, "the slots to be shared")


def test_a_worker_that_has_all_slots_gives_others_their_part(tmp_path: Path) -> None:
    async def scene(server: ValkeyServer) -> None:
        first, second = workers = [Worker(server, tmp_path, name) for name in ("w1", "w2")]
        for worker in workers:
            await worker.limits.ready()
        await eventually(lambda: server.fleet() == 2, "both workers")
        seen: list[int] = []
        first.ask(4000)
        await _work([first], lambda: first.slots == SLOTS, seen)
        second.ask(4000)
        await _work(workers, lambda: second.slots == first.slots == SLOTS // 2, seen)
        assert first.waiting() > 0 < second.waiting()
        assert max(seen) <= SLOTS
        assert first.refused == second.refused == 0
        for worker in workers:
            for task in list(worker._tasks):
                task.cancel()
            worker.limits.close()
        await asyncio.sleep(0)

    with valkey() as server:
        asyncio.run(scene(server))


def test_a_worker_that_asks_alone_gets_all_slots(tmp_path: Path) -> None:
    async def scene(server: ValkeyServer) -> None:
        workers = [Worker(server, tmp_path, name) for name in ("w1", "w2")]
        for worker in workers:
            await worker.limits.ready()
        await eventually(lambda: server.fleet() == 2, "both workers")
        seen: list[int] = []
        first = workers[0]
        first.ask(1000)
        ended = 0

        def enough() -> bool:
            nonlocal ended
            ended += 1
            return ended > 400

        await _work([first], enough, seen)
        assert max(seen) <= SLOTS
        steady = seen[-300:]
        assert sum(steady) / len(steady) > SLOTS * 0.75, (
            "what it offers and nobody wants is missing for moments only"
        )
        for worker in workers:
            for task in list(worker._tasks):
                task.cancel()
            worker.limits.close()
        await asyncio.sleep(0)

    with valkey() as server:
        asyncio.run(scene(server))
