"""A broker in tests, with requests for it; nothing is awaited."""

from __future__ import annotations

from typing import Any

from seekgate.config.rows import LimitRow
from seekgate.pipeline.principal import Principal
from seekgate.stages.quota.broker import Broker, Waiter
from seekgate.stages.quota.counter import NO_MONEY, Counter, Reservation
from seekgate.stages.quota.state import GRANTED
from tests.support.limits import ANN, NOW, row, tables

TICK = 0.125
FLASH, PRO = "flash@cloud", "pro@cloud"


class Promised:
    """A promise that remembers whether it was kept."""

    def __init__(self) -> None:
        self.kept = 0
        self.given_up = False

    def done(self) -> bool:
        """Kept, or given up."""
        return bool(self.kept) or self.given_up

    def set_result(self, result: None, /) -> None:
        """Kept, once."""
        assert not self.done()
        self.kept += 1

    def __await__(self) -> Any:
        raise NotImplementedError


class Desk:
    """A broker, and requests for it. ``now`` is monotonic seconds."""

    def __init__(self, *rows: LimitRow, shared: bool = False) -> None:
        self.tables = tables(*rows, shared=shared)
        self.pokes = 0
        self.results: list[tuple[str, str, float]] = []
        self.broker = Broker(self.tables, Promised, self._poked, lambda *what: self.results.append(what))
        self.now = 0.0

    def _poked(self) -> None:
        self.pokes += 1

    def want(self, deployment: str = FLASH, principal: Principal = ANN) -> Reservation:
        """What a request of 100 and 50 tokens reserves."""
        plan = self.tables.plan(principal, deployment, "m", deployment.partition("@")[2], NOW)
        return Reservation(plan, NOW, 100, 50, NO_MONEY)

    def run(self, deployment: str = FLASH) -> Reservation:
        """A request that is granted at once."""
        want = self.want(deployment)
        assert self.tables.decide(want.plan, NOW, 100, 50, NO_MONEY) is GRANTED
        return want

    def join(
        self, flow: str = "a", deployment: str = FLASH, weight: float = 1.0, places: int = 1000
    ) -> Waiter | None:
        """A request that waits, for ten seconds at most."""
        want = self.want(deployment)
        assert self.tables.decide(want.plan.own(), NOW, 100, 50, NO_MONEY) is GRANTED
        joined = self.broker.join(want, flow, weight, places, self.now, 10.0)
        if joined is None:
            want.plan.own().undo(want)
            return None
        return joined[0]

    def waits(self, flow: str = "a", deployment: str = FLASH, weight: float = 1.0) -> Waiter:
        """`join`, which has to find a place."""
        waiter = self.join(flow, deployment, weight)
        assert waiter is not None
        return waiter

    def end(self, held: Reservation) -> None:
        """A request ends that used what it had reserved."""
        held.plan.settle(held, held.input, held.output, held.money)
        self.broker.freed(held.plan)

    def tick(self, seconds: float = TICK) -> None:
        """Some ticks go by."""
        for _ in range(round(seconds / TICK)):
            self.now += TICK
            self.broker.tick(self.now)

    def counter(self, id: str = "provider:cloud|concurrency") -> Counter:
        """One of the limits."""
        return self.tables.counters[id]


def states(*waiters: Waiter) -> list[str]:
    """What has become of them."""
    return [waiter.state for waiter in waiters]


def cap(slots: int, name: str = "cloud") -> LimitRow:
    """So many slots of an account."""
    return row("provider", name, concurrency=slots)
