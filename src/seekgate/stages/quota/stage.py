"""Quota: how much a caller may use.

What a request may take is reserved before it is let through, and settled at its end. A request for which a provider's
account has no slot waits for one (`seekgate.stages.quota.broker`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

from seekgate.config.compiled.quota import Quota as Settings
from seekgate.config.snapshot import Deployment
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Verdict, Wait
from seekgate.stages.quota.broker import Broker, Promise, Waiter
from seekgate.stages.quota.counter import ACCOUNT, NO_MONEY, Counter, Money, Plan, Reservation
from seekgate.stages.quota.estimate import EAGER, output_bound
from seekgate.stages.quota.headers import render
from seekgate.stages.quota.refusals import not_served, refusal, unavailable
from seekgate.stages.quota.state import GRANTED, NEED, RETRY, Refused, Tables
from seekgate.stages.quota.state import Verdict as Decided

LOCAL = "quota:local share"
Found = Decided | Refused


class Quote(Protocol):
    """A price at an instant."""

    @property
    def currency(self) -> str:
        """The currency of `cost`."""
        ...

    def cost(self, hit_tokens: int, miss_tokens: int, output_tokens: int) -> int:
        """Micro-units for these tokens."""
        ...


class Prices(Protocol):
    """Where prices are looked up."""

    def quote(self, key: str, admitted_at: float) -> Quote:
        """The price of ``key`` for a request admitted at this Unix second."""
        ...


class Ledger(Protocol):
    """The place where limits are shared, as the stage sees it."""

    @property
    def patience(self) -> float:
        """Seconds that one request may wait for it in all."""
        ...

    def turn(self, until: float) -> Awaitable[bool]:
        """Everything that is asked for now has been asked; False: not in time (monotonic seconds), or not at all."""
        ...

    def poke(self) -> None:
        """Something is asked for that nobody waits for."""
        ...


class Times(Protocol):
    """What the stage needs of a clock."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        ...

    def wall(self) -> float:
        """Unix seconds."""
        ...


class Quota(Stage):
    """Set ``reservation``, or refuse with 429. ``count`` is told of each refusal: its scope and its unit."""

    __slots__ = (
        "_broker", "_cap", "_clock", "_count", "_drain", "_headers", "_ledger", "_prices", "_queue", "_tables",
    )  # fmt: skip

    def __init__(
        self,
        tables: Tables,
        settings: Settings,
        prices: Prices,
        clock: Times,
        ledger: Ledger | None,
        broker: Broker,
        count: Callable[[str, str], object],
    ) -> None:
        self._tables = tables
        self._prices = prices
        self._clock = clock
        self._ledger = ledger
        self._broker = broker
        self._queue = settings.queue
        self._count = count
        self._cap = settings.output_cap
        self._headers = settings.headers
        self._drain = settings.on_cancel == "drain"

    # -- admission ------------------------------------------------------------------------------------------------

    def on_request(self, x: Exchange) -> Verdict:
        """429 with ``Retry-After`` when a limit is used up or a budget spent; 503 when that cannot be known. `Wait` for
        a slot of an account, or for a lease."""
        tables = self._tables
        candidates = x.candidates
        if not tables.scopes or not candidates:
            return None
        now = x.admitted_at + tables.offset
        principal = x.principal
        plans = tables.plans.get(candidates[0].id)
        plan = None if plans is None else plans.get(principal.id)
        if plan is None or plan.principal is not principal:
            plan = self._plan(x, candidates[0], now)
        if not plan.counters:
            return None
        if plan.settles:
            input = int(x.bytes_in * plan.shape.rate) + 1
            # What most requests say, without a call.
            tree = x.tree
            output = tree.get("max_tokens") if type(tree) is dict and "n" not in tree else None
            if type(output) is not int or not 0 < output <= self._cap:
                output = output_bound(tree, self._cap) if x.endpoint.operation != "embeddings" else 0
            money = self._dearest(x, plan, output) if plan.money else NO_MONEY
            if not plan.take(now, input, output, money):
                return self._closely(x, now, input, output, money)
            x.reservation = Reservation(plan, now, input, output, money)
        elif not plan.take(now, 0, 0, NO_MONEY):
            return self._closely(x, now, 0, 0, NO_MONEY)
        if self._headers:
            x.answer_headers += render(plan, now)
        if self._drain:
            x.drain = True
        return None

    def _plan(self, x: Exchange, deployment: Deployment, now: float) -> Plan:
        model = x.model if x.model_entry is None else x.model_entry.name
        return self._tables.plan(x.principal, deployment.id, model, deployment.provider, now)

    def _dearest(self, x: Exchange, plan: Plan, output: int) -> Money:
        """The most that this request can cost, whichever candidate answers: nothing of it in a cache."""
        worst: dict[str, int] = {}
        tokens = plan.shape.worst_input(x.bytes_in)
        for candidate in x.candidates:
            if candidate.price is not None:
                quote = self._prices.quote(candidate.price, x.admitted_at)
                worst[quote.currency] = max(worst.get(quote.currency, 0), quote.cost(0, tokens, output))
        return worst

    def _closely(self, x: Exchange, now: float, input: int, output: int, money: Money) -> Verdict:
        """What could not be granted at first sight."""
        want = Reservation(self._plan(x, x.candidates[0], now), now, input, output, money)
        return self._act(x, want, self._decide(want))

    def _decide(self, want: Reservation) -> Found:
        """`Tables.decide`, behind those that wait for a slot already."""
        tables, plan = self._tables, want.plan
        for c in plan.account_slots:
            if c.waiting and not (tables.outage and tables.deny):
                self._broker.serve(plan.provider)
                if c.left < 1:
                    return Refused(c, want.at + RETRY)
        return tables.decide(plan, want.at, want.input, want.output, want.money)

    def _act(self, x: Exchange, want: Reservation, found: Found) -> Verdict:
        ledger = self._ledger
        if found is GRANTED:
            if self._tables.asking and ledger is not None:
                ledger.poke()
            if want.plan.settles:
                x.reservation = want
            self._admitted(x, want)
            return None
        if found is NEED and ledger is not None:
            may_be_long = bool(want.plan.account_slots) and self._queue.waiting > 0
            return Wait(self._wait(x, want, ledger), may_be_long)
        if isinstance(found, Refused) and found.counter.scope in ACCOUNT:
            return self._elsewhere(x, want, found)
        return self._denied(x, want, found)

    async def _wait(
        self, x: Exchange, want: Reservation, ledger: Ledger, lacking: Counter | None = None
    ) -> Reply | None:
        """Ask the others, as often as it takes and as long as the patience lasts; then the policy for an outage.

        With ``lacking``, a slot of the account, it is everything else that is asked for; then the slot is waited for.
        """
        tables = self._tables
        until = self._clock.monotonic() + ledger.patience
        while True:
            in_time = await ledger.turn(until)
            want.at = now = self._clock.wall() + tables.offset
            want.plan = self._plan(x, x.candidates[0], now)
            found: Found
            if lacking is None:
                plan, found = want.plan, self._decide(want)
            else:
                plan = want.plan.own()
                found = tables.decide(plan, now, want.input, want.output, want.money)
            if found is NEED and not in_time:
                found = tables.decide_alone(plan, now, want.input, want.output, want.money)
                if found is GRANTED and not tables.outage:
                    x.decisions = (*x.decisions, LOCAL)
            if found is not NEED:
                break
        if found is GRANTED and lacking is not None:
            verdict = self._join(x, want, lacking)
        else:
            verdict = self._act(x, want, found)
        return await verdict.awaitable if isinstance(verdict, Wait) else verdict

    def _admitted(self, x: Exchange, want: Reservation) -> None:
        if self._headers:
            x.answer_headers += render(want.plan, want.at)
        if self._tables.outage:
            x.decisions = (*x.decisions, LOCAL)
        x.drain = self._drain

    def _elsewhere(self, x: Exchange, want: Reservation, found: Refused) -> Verdict:
        """An account has nothing left: the first candidate at another account that has takes its place. If there is
        none, and it is requests in flight that the first lacks, the request waits there."""
        first = None
        while True:
            scope, name = found.counter.scope, found.counter.name
            if first is None and found.counter.unit == "concurrency":
                first = x.candidates, want.plan, found.counter
            others = tuple(c for c in x.candidates if (c.provider if scope == "provider" else c.id) != name)
            if not others:
                break
            x.candidates = others
            want.plan = self._plan(x, others[0], want.at)
            again = self._decide(want)
            if not isinstance(again, Refused) or again.counter.scope not in ACCOUNT:
                x.decisions = (*x.decisions, "quota:next account")
                return self._act(x, want, again)
            found = again
        if first is None or not self._queue.waiting:
            return self._denied(x, want, found)
        x.candidates, want.plan, counter = first
        return self._line_up(x, want, counter)

    def _denied(self, x: Exchange, want: Reservation, found: Found) -> Reply:
        if not isinstance(found, Refused):
            x.decisions = (*x.decisions, "quota:unavailable")
            self._count("", "")
            return unavailable()
        counter = found.counter
        x.decisions = (*x.decisions, f"quota:refused {counter.scope} {counter.unit}")
        self._count(counter.scope, counter.unit)
        return refusal(want.plan if self._headers else None, found, want.at, x.principal.name)

    # -- waiting for a slot of the account ------------------------------------------------------------------------

    def _line_up(self, x: Exchange, want: Reservation, lacking: Counter) -> Verdict:
        """Reserve everything but the account's slots, then wait for these."""
        ledger = self._ledger
        found = self._tables.decide(want.plan.own(), want.at, want.input, want.output, want.money)
        if found is GRANTED:
            return self._join(x, want, lacking)
        if found is NEED and ledger is not None:
            return Wait(self._wait(x, want, ledger, lacking), True)
        return self._denied(x, want, found)

    def _join(self, x: Exchange, want: Reservation, lacking: Counter) -> Verdict:
        queue, now = self._queue, self._clock.monotonic()
        principal = x.principal
        whose = principal.team or principal.application or principal.id
        weight = float(queue.core_weight) if principal.tier == "core" else 1.0
        joined = self._broker.join(
            want, f"{principal.tier} {whose}", weight, queue.waiting, now, queue.max_wait
        )
        if joined is None:
            want.plan.own().undo(want)
            return self._not_served(x, want, lacking, "full", 0.0)
        waiter, promise = joined
        self._admitted(x, want)
        x.reservation = waiter
        return Wait(self._stand(x, waiter, promise, lacking), True)

    async def _stand(self, x: Exchange, waiter: Waiter, promise: Promise, lacking: Counter) -> Reply | None:
        """Until it is this request's turn, or too late."""
        await promise
        if x.reservation is not waiter:
            return None  # it is over, and somebody has settled it
        waited = self._clock.monotonic() - waiter.since
        if waiter.state == "late":
            x.reservation = None
            return self._not_served(x, waiter.held, lacking, "late", waited)
        x.reservation = waiter.held
        x.decisions = (*x.decisions, f"quota:queued {waited:.1f}s")
        self._broker.seen(waiter.provider, "granted", waited)
        return None

    def _not_served(
        self, x: Exchange, want: Reservation, lacking: Counter, why: Literal["full", "late"], waited: float
    ) -> Reply:
        broker, provider = self._broker, want.plan.provider
        broker.seen(provider, why, waited)
        self._count(lacking.scope, lacking.unit)
        x.decisions = (*x.decisions, "quota:queue full" if why == "full" else "quota:waited too long")
        seconds = broker.outlook(provider, self._queue.max_wait)
        return not_served(want.plan if self._headers else None, lacking, why, waited, seconds, want.at)

    def _left(self, x: Exchange, waiter: Waiter) -> None:
        """The request is over while it waits, or before it went on."""
        if waiter.state != "late":
            x.decisions = (*x.decisions, "quota:left the queue")
            self._broker.seen(waiter.provider, "left", self._clock.monotonic() - waiter.since)
        self._broker.leave(waiter)

    # -- settlement -----------------------------------------------------------------------------------------------

    def on_end(self, x: Exchange) -> None:
        """What was sent is what is charged: as the upstream counted it, or as it is estimated where nobody did."""
        if x.outcome == "client_left":
            cancelled = x.attempts and x.attempts[-1].outcome == "cancelled"
            drained = x.attempts and x.attempts[-1].outcome == "answered"
            if cancelled or drained:
                x.decisions = (*x.decisions, "quota:cancelled" if cancelled else "quota:drained")
        held = x.reservation
        if held is None:
            return
        x.reservation = None
        if type(held) is Waiter:
            self._left(x, held)
            return
        plan: Plan = held.plan
        usage = x.usage
        if usage is not None:
            hit, miss, output = usage.hit, usage.miss, usage.completion
            shape = plan.shape
            shape.seen += 1
            if shape.seen < EAGER or not shape.seen & 7:
                shape.learn(x.bytes_in, usage.prompt)
                shape.learn_output(output, x.events, x.bytes_out)
        else:
            hit = 0
            miss, output = _estimated(x, plan)
        money = NO_MONEY
        deployment = x.deployment
        if plan.money and deployment is not None and deployment.price is not None:
            quote = self._prices.quote(deployment.price, x.admitted_at)
            money = {quote.currency: quote.cost(hit, miss, output)}
        if plan.account and deployment is not None and deployment.id != plan.deployment:
            self._move(x, held, deployment, hit + miss, output, money)
        else:
            plan.settle(held, hit + miss, output, money)
        if plan.account_slots:
            self._broker.freed(plan)

    def _move(
        self, x: Exchange, held: Reservation, deployment: Deployment, input: int, output: int, money: Money
    ) -> None:
        """Another account answered than the one that was reserved at: that one is the one that is charged."""
        plan: Plan = held.plan
        plan.settle(held, input, output, money)
        other = self._plan(x, deployment, self._clock.wall() + self._tables.offset)
        for sign, counters in ((1, plan.account), (-1, other.account)):
            for c in counters:
                if c.unit != "concurrency" and c.unit != "requests" and held.at >= c.start:
                    c.left += sign * c.amount(input, output, money)


def _estimated(x: Exchange, plan: Plan) -> tuple[int, int]:
    """Input and output tokens of an answer that came without usage: nothing, where nothing was sent to an upstream that
    took it."""
    if not x.attempts or x.attempts[-1].outcome in ("connect", "status", "invalid"):
        return 0, 0
    if x.status >= 400 and x.outcome != "client_left":
        return 0, 0
    return int(x.bytes_in * plan.shape.rate) + 1, plan.shape.output(x.events, x.bytes_out)
