"""Quota: how much a caller may use.

What a request may take is reserved before it is let through, and settled at its end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from seekgate.config.compiled.quota import Quota as Settings
from seekgate.config.snapshot import Deployment
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Verdict, Wait
from seekgate.stages.quota.counter import NO_MONEY, Money, Plan, Reservation
from seekgate.stages.quota.estimate import EAGER, output_bound
from seekgate.stages.quota.headers import render
from seekgate.stages.quota.refusals import refusal, unavailable
from seekgate.stages.quota.state import GRANTED, NEED, Refused, Tables


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

    __slots__ = ("_cap", "_clock", "_count", "_drain", "_headers", "_ledger", "_prices", "_tables")

    def __init__(
        self,
        tables: Tables,
        settings: Settings,
        prices: Prices,
        clock: Times,
        ledger: Ledger | None,
        count: Callable[[str, str], object],
    ) -> None:
        self._tables = tables
        self._prices = prices
        self._clock = clock
        self._ledger = ledger
        self._count = count
        self._cap = settings.output_cap
        self._headers = settings.headers
        self._drain = settings.on_cancel == "drain"

    # -- admission ------------------------------------------------------------------------------------------------

    def on_request(self, x: Exchange) -> Verdict:
        """429 with ``Retry-After`` when a limit is used up or a budget spent; 503 when that cannot be known."""
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
                return self._closely(x, plan, now, input, output, money)
            x.reservation = Reservation(plan, now, input, output, money)
        elif not plan.take(now, 0, 0, NO_MONEY):
            return self._closely(x, plan, now, 0, 0, NO_MONEY)
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

    def _closely(self, x: Exchange, plan: Plan, now: float, input: int, output: int, money: Money) -> Verdict:
        """What could not be granted at first sight."""
        tables, ledger = self._tables, self._ledger
        plan = self._plan(x, x.candidates[0], now)
        found = tables.decide(plan, now, input, output, money)
        if found is NEED and ledger is not None:
            return Wait(self._wait(x, plan, ledger, input, output, money))
        if found is GRANTED:
            if tables.asking and ledger is not None:
                ledger.poke()
            self._granted(x, plan, now, input, output, money)
            return None
        if isinstance(found, Refused) and found.counter.scope == "provider":
            return self._elsewhere(x, found, now, input, output, money)
        return self._denied(x, plan, found if isinstance(found, Refused) else None, now)

    async def _wait(
        self, x: Exchange, plan: Plan, ledger: Ledger, input: int, output: int, money: Money
    ) -> Reply | None:
        """Ask the others, as often as it takes and as long as the patience lasts; then the policy for an outage."""
        tables = self._tables
        until = self._clock.monotonic() + ledger.patience
        alone = False
        while True:
            in_time = await ledger.turn(until)
            now = self._clock.wall() + tables.offset
            plan = self._plan(x, x.candidates[0], now)
            found = tables.decide(plan, now, input, output, money)
            if found is NEED and not in_time:
                alone = True
                found = tables.decide_alone(plan, now, input, output, money)
            if found is GRANTED:
                self._granted(x, plan, now, input, output, money, alone)
                return None
            if found is not NEED:
                return self._denied(x, plan, found if isinstance(found, Refused) else None, now)

    def _granted(
        self,
        x: Exchange,
        plan: Plan,
        now: float,
        input: int,
        output: int,
        money: Money,
        alone: bool = False,
    ) -> None:
        if plan.settles:
            x.reservation = Reservation(plan, now, input, output, money)
        if self._headers:
            x.answer_headers += render(plan, now)
        if alone or self._tables.outage:
            x.decisions = (*x.decisions, "quota:local share")
        x.drain = self._drain

    def _elsewhere(
        self, x: Exchange, found: Refused, now: float, input: int, output: int, money: Money
    ) -> Verdict:
        """An account has nothing left: the first candidate at another account that has takes its place."""
        used_up = found.counter.name
        others = tuple(candidate for candidate in x.candidates if candidate.provider != used_up)
        if not others:
            return self._denied(x, self._plan(x, x.candidates[0], now), found, now)
        x.candidates = others
        x.decisions = (*x.decisions, "quota:next account")
        return self._closely(x, self._plan(x, others[0], now), now, input, output, money)

    def _denied(self, x: Exchange, plan: Plan, found: Refused | None, now: float) -> Reply:
        if found is None:
            x.decisions = (*x.decisions, "quota:unavailable")
            self._count("", "")
            return unavailable()
        counter = found.counter
        x.decisions = (*x.decisions, f"quota:refused {counter.scope} {counter.unit}")
        self._count(counter.scope, counter.unit)
        return refusal(plan if self._headers else None, found, now)

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
        if plan.account and deployment is not None and deployment.provider != plan.provider:
            self._move(x, held, deployment, hit + miss, output, money)
        else:
            plan.settle(held, hit + miss, output, money)

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
