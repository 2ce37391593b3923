"""The broker: requests that wait for a slot of a provider's account, instead of being refused at once. Pure.

A slot is one of the requests that an account may have in flight, all in all (scope ``provider``) or with one model
(scope ``deployment``). Whoever waits has reserved everything else already, so that it only takes a slot when its turn
comes. Each account has one fair queue; what has just come free is handed on in the same instant, before anybody else
can see it. So as a rule nobody that waits could go, and whoever finds a slot overtakes nobody.

Where workers share the slots, each has a queue of its own. A worker with more than its part of the slots gives some of
those that come free back to all, and asks again when the others have had the time to ask. What comes back to it then,
nobody else wanted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from seekgate.stages.quota.counter import Counter, Plan, Reservation
from seekgate.stages.quota.fair_queue import FairQueue, Place
from seekgate.stages.quota.state import Tables

BATCH = 64
"""Slots that a worker asks for at a time."""

OTHERS = 3
"""Ticks from giving a slot back until asking again: each other worker has had one in between."""

CALM = 8
"""Ticks for which a worker keeps what it has, after a slot came back that it had offered."""

MEMORY = 5.0
"""Seconds over which the rate is averaged at which slots come free."""

Slots = tuple[Counter, ...]
Result = Literal["granted", "full", "late", "left"]


class Promise(Awaitable[None], Protocol):
    """What a waiting request awaits (a future of the loop)."""

    def done(self) -> bool:
        """Whether it is over, kept or given up."""
        ...

    def set_result(self, result: None, /) -> None:
        """The wait is over."""
        ...


class Waiter:
    """One that waits. ``held`` is its whole reservation, of which the slots are missing while it waits.

    ``state`` is ``waiting``, then ``granted`` or ``late``, then ``over``. Instants are monotonic seconds.
    """

    __slots__ = ("held", "place", "provider", "since", "state", "until")

    def __init__(self, held: Reservation, provider: str, since: float, until: float) -> None:
        self.held = held
        self.provider = provider
        self.since = since
        self.until = until
        self.state: Literal["waiting", "granted", "late", "over"] = "waiting"
        self.place: Place[Waiter, Slots] | None = None


class _Account:
    """The queue for one account; ``line`` has those that wait in the order in which they came."""

    __slots__ = ("granted", "line", "queue", "rate")

    def __init__(self) -> None:
        self.queue: FairQueue[Waiter, Slots] = FairQueue()
        self.line: OrderedDict[Waiter, Promise] = OrderedDict()
        self.granted = 0
        self.rate = 0.0


class Broker:
    """The queues of one worker. They outlive snapshots.

    ``promise`` makes one; ``poke`` is called when something is to be reported soon; ``seen`` is told of what became of
    each request that wanted to wait: its account, the result, and the seconds that it waited.
    """

    def __init__(
        self,
        tables: Tables,
        promise: Callable[[], Promise],
        poke: Callable[[], object],
        seen: Callable[[str, Result, float], object],
    ) -> None:
        self._tables = tables
        self._promise = promise
        self._poke = poke
        self.seen = seen
        self._accounts: dict[str, _Account] = {}
        # Slots that nothing limits any more: whoever waits for one goes at once.
        self._lifted: set[Counter] = set()
        # Of slots that were offered to the others: from which tick on they may be asked for again, and how many.
        self._offered: dict[Counter, tuple[int, int]] = {}
        self._calm: dict[Counter, int] = {}
        self._ticks = 0
        self._last = 0.0

    # -- waiting --------------------------------------------------------------------------------------------------

    def join(
        self, held: Reservation, flow: str, weight: float, places: int, now: float, patience: float
    ) -> tuple[Waiter, Promise] | None:
        """Wait for the slots of ``held.plan`` as one of ``flow``; None when all ``places`` are taken.

        It may be granted before this returns.
        """
        plan: Plan = held.plan
        account = self._accounts.setdefault(plan.provider, _Account())
        if len(account.line) >= places:
            return None
        waiter = Waiter(held, plan.provider, now, now + patience)
        waiter.place = account.queue.join(waiter, flow, weight, plan.account_slots)
        account.line[waiter] = promise = self._promise()
        for c in plan.account_slots:
            c.waiting += 1
        self._serve(account)
        return waiter, promise

    def leave(self, waiter: Waiter) -> None:
        """Its request is over before it went on: everything that it has goes back, once."""
        before, held = waiter.state, waiter.held
        if before == "waiting":
            self._out(self._accounts[waiter.provider], waiter, "over")
            held.plan.own().undo(held)
        elif before == "granted":
            waiter.state = "over"
            held.plan.undo(held)
            self.freed(held.plan)

    def _out(self, account: _Account, waiter: Waiter, state: Literal["late", "over"]) -> Promise:
        assert waiter.place is not None
        account.queue.leave(waiter.place)
        return self._end(account, waiter, state)

    def _end(self, account: _Account, waiter: Waiter, state: Literal["granted", "late", "over"]) -> Promise:
        waiter.state, waiter.place = state, None
        for c in waiter.held.plan.account_slots:
            c.waiting -= 1
        return account.line.pop(waiter)

    # -- granting -------------------------------------------------------------------------------------------------

    def serve(self, provider: str) -> None:
        """Whoever can go, goes."""
        account = self._accounts.get(provider)
        if account is not None:
            self._serve(account)

    def freed(self, plan: Plan) -> None:
        """A slot of each kind in this plan has come back."""
        waiting = False
        for c in plan.account_slots:
            if c.waiting:
                waiting = True
                if self._tables.shared and not self._tables.outage:
                    self._offer(c)
        if waiting:
            self.serve(plan.provider)

    def _serve(self, account: _Account) -> None:
        while (place := account.queue.first(self._fits)) is not None:
            account.queue.serve(place)
            waiter = place.item
            promise = self._end(account, waiter, "granted")
            for c in place.kind:
                c.left -= 1
                c.reserved += 1
            account.granted += 1
            if not promise.done():
                promise.set_result(None)

    def _fits(self, slots: Slots) -> bool:
        return all(c.left >= 1 or c in self._lifted for c in slots)

    # -- sharing --------------------------------------------------------------------------------------------------

    def _offer(self, c: Counter) -> None:
        """A slot has come free here: somebody else's turn, if this worker has more than its part?"""
        part = max(1, c.limit // self._tables.fleet)
        more = c.left + c.reserved - part
        if more <= 0 or c.left < 1 or self._calm.get(c, 0) > self._ticks:
            return
        due, count = self._offered.get(c, (self._ticks + OTHERS, 0))
        # A quarter at a time: should nobody want them, they are missing here for a moment.
        if count * 4 < more + count:
            self._offered[c] = due, count + 1
            c.left -= 1
            c.granted -= 1
            self._tables.reports[c] = None
            self._poke()

    def fed(self, c: Counter, granted: int) -> None:
        """Slots were asked for, and so many came."""
        if self._offered.pop(c, None) is not None and granted:
            self._calm[c] = self._ticks + CALM
        for account in self._accounts.values():
            if any(c in slots for slots in account.queue.kinds):
                self._serve(account)

    def _ask(self, account: _Account) -> None:
        tables = self._tables
        lacking: dict[Counter, int] = {}
        for slots, count in account.queue.kinds.items():
            for c in slots:
                if c.left < 1:
                    lacking[c] = lacking.get(c, 0) + count
        for c, count in lacking.items():
            if tables.outage:
                if not tables.deny:
                    tables.borrow(c)
            elif self._offered.get(c, (0, 0))[0] <= self._ticks:
                c.quantum = 1
                c.wanted = max(c.wanted, min(count, BATCH))
                tables.asking[c] = None

    # -- time -----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Called at short intervals, ``now`` in monotonic seconds: what nobody tells the broker is noticed here."""
        self._ticks += 1
        elapsed, self._last = now - self._last, now
        self._calm = {c: due for c, due in self._calm.items() if due > self._ticks}
        for account in self._accounts.values():
            if elapsed > 0:
                share = min(1.0, elapsed / MEMORY)
                account.rate += share * (account.granted / elapsed - account.rate)
            account.granted = 0
            if account.line:
                self._look(account, now)

    def _look(self, account: _Account, now: float) -> None:
        tables = self._tables
        for slots in account.queue.kinds:
            self._lifted.update(c for c in slots if not tables.counts_slots(c))
        self._serve(account)
        self._lifted.clear()
        if tables.shared:
            self._ask(account)
            if tables.outage:
                self._serve(account)
        while account.line and (waiter := next(iter(account.line))).until <= now:
            promise = self._out(account, waiter, "late")
            waiter.held.plan.own().undo(waiter.held)
            if not promise.done():
                promise.set_result(None)

    def waiting(self) -> dict[str, int]:
        """How many wait, by account."""
        return {provider: len(account.line) for provider, account in self._accounts.items()}

    def outlook(self, provider: str, patience: float) -> float:
        """In how many seconds those that wait now may have been served; ``patience`` when nothing comes free."""
        account = self._accounts.get(provider)
        if account is None or account.rate <= 0.0:
            return patience
        return min(patience, len(account.line) / account.rate)
