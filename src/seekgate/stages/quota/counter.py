"""One limit of one subject, and the limits that one caller meets together: the arithmetic of a request's way.

A counter says what this worker may still grant by itself. Alone, a worker has the whole limit at the beginning of each
window. Where workers share a limit, it has what it has leased: ``granted`` is all that it took out in this window,
``left`` the part that nobody has asked for yet, ``reserved`` the part promised to requests in flight. What is neither
has been used. Hence ``granted == left + reserved + used`` at every instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from seekgate.config.rows import Budget, Window
from seekgate.pipeline.principal import Principal
from seekgate.stages.quota.estimate import Shape
from seekgate.stages.quota.periods import FOREVER, calendar, fixed

UNLIMITED = 1 << 50
"""The limit of a budget that only warns. Exact as a double, which is what Valkey's scripts count in."""

GONE = -(1 << 60)
"""``left`` of a counter that was dropped: whoever still holds it finds nothing there, and looks it up again."""

Unit = Literal["requests", "input_tokens", "output_tokens", "tokens", "concurrency", "money"]
Rule = Window | Budget | int
"""A window, a budget, or how many requests may be in flight."""

Money = Mapping[str, int]
"""Micro-units by currency."""

NO_MONEY: Money = {}


class Counter:
    """What is left of one limit. Instants are Unix seconds on the clock that the limit is counted by.

    ``room`` is what the others had left when they were last asked (0 where nothing is shared), ``held`` what they were
    last told that we hold; ``low`` is the level below which more is fetched ahead; ``size`` the lease that demand calls
    for. A request of at least ``refused_need`` is refused until ``refused_until`` without asking anybody.
    """

    __slots__ = (
        "asked_at",
        "budget",
        "end",
        "granted",
        "held",
        "id",
        "left",
        "limit",
        "low",
        "name",
        "pending",
        "quantum",
        "refused_need",
        "refused_until",
        "reported_at",
        "reserved",
        "room",
        "scope",
        "seconds",
        "size",
        "soft_left",
        "start",
        "tight",
        "unit",
        "wanted",
        "warned",
    )

    def __init__(self, scope: str, name: str, rule: Rule) -> None:
        """It begins empty: `roll` opens its first window."""
        self.scope = scope
        self.name = name
        self.budget: Budget | None = None
        self.seconds = 0
        self.unit: Unit = "concurrency"
        if isinstance(rule, Window):
            self.unit, self.seconds = rule.unit, rule.seconds
        elif isinstance(rule, Budget):
            self.unit, self.budget = "money", rule
        self.id = identity(scope, name, rule)
        self.start = self.end = 0
        self.left = self.reserved = self.granted = self.room = self.held = self.low = 0
        self.size = 0
        self.pending = self.tight = self.warned = False
        self.wanted = self.quantum = 0
        self.asked_at = self.reported_at = 0.0
        self.refused_until, self.refused_need = 0.0, 0
        self.limit = self.soft_left = 0
        self.adopt(rule, False)

    def adopt(self, rule: Rule, alone: bool) -> None:
        """The limit may have changed; what was used stays used. ``alone``: the whole limit is this worker's."""
        before = self.limit
        if isinstance(rule, int):
            self.limit = rule
        elif isinstance(rule, Window):
            self.limit = rule.limit
        else:
            self.budget = rule
            self.limit = UNLIMITED if rule.hard is None else rule.hard
            self.soft_left = 0 if rule.soft is None else self.limit - rule.soft
        if self.limit > before:
            self.refused_until = 0.0
        if alone:
            self.left += self.limit - before
            self.granted += self.limit - before

    def bounds(self, now: float) -> tuple[int, int]:
        """The window around ``now``."""
        if self.seconds:
            return fixed(self.seconds, now)
        if self.budget is not None:
            return calendar(self.budget.period, self.budget.timezone, now)
        return 0, FOREVER

    def roll(self, now: float, alone: bool) -> None:
        """Begin the window around ``now``. ``alone``: the whole limit is this worker's."""
        self.start, self.end = self.bounds(now)
        self.left = self.granted = self.limit if alone else 0
        self.room = 0 if alone else self.limit
        self.reserved = self.held = self.low = self.wanted = 0
        self.tight = self.warned = False
        self.refused_until = 0.0

    def share(self, now: float, alone: bool) -> None:
        """From now on the limit is leased (or, ``alone``, this worker's own): what was used stays used."""
        if self.end <= now:
            self.roll(now, alone)
            return
        used = self.used + self.reserved
        self.granted = self.limit if alone else used
        self.left = self.granted - used
        self.room = 0 if alone else self.limit
        self.held = self.low = self.wanted = 0

    @property
    def gone(self) -> bool:
        """It was dropped: whoever still knows it has to look it up again."""
        return self.left < GONE // 2

    @property
    def used(self) -> int:
        """What this worker has used up in this window."""
        return self.granted - self.left - self.reserved

    def amount(self, input: int, output: int, money: Money) -> int:
        """What a request of these amounts takes of it."""
        unit = self.unit
        if unit == "requests" or unit == "concurrency":
            return 1
        if unit == "money":
            assert self.budget is not None
            return money.get(self.budget.currency, 0)
        return (input if unit != "output_tokens" else 0) + (output if unit != "input_tokens" else 0)


def identity(scope: str, name: str, rule: Rule) -> str:
    """A name for a limit that stays the same when only its height changes."""
    if isinstance(rule, Window):
        return f"{scope}:{name}|{rule.unit}|{rule.seconds}"
    if isinstance(rule, Budget):
        return f"{scope}:{name}|{rule.currency}|{rule.period}|{rule.timezone}"
    return f"{scope}:{name}|concurrency"


class Reservation(msgspec.Struct, gc=False):
    """What one request holds until it is settled; ``at`` is the instant of its admission."""

    plan: Plan
    at: float
    input: int = 0
    output: int = 0
    money: Money = NO_MONEY


class Plan:
    """The limits that one caller meets with one model at one provider, sorted by how they are counted.

    ``tokens`` are windows of all tokens; ``rarer`` says whether there is anything beside requests and those,
    ``settles`` whether anything is to be given back or added when a request ends; ``until`` is when the first of the
    windows ends.
    """

    __slots__ = (
        "account",
        "baked_until",
        "counters",
        "inputs",
        "money",
        "outputs",
        "principal",
        "provider",
        "rarer",
        "requests",
        "settles",
        "shape",
        "shown_requests",
        "shown_tokens",
        "slots",
        "template",
        "tokens",
        "until",
    )

    def __init__(
        self, principal: Principal, counters: tuple[Counter, ...], shape: Shape, provider: str = ""
    ) -> None:
        self.principal = principal
        self.provider = provider
        self.shape = shape
        self.requests, self.tokens, self.inputs, self.outputs, self.slots = (
            tuple(c for c in counters if c.unit == unit)
            for unit in ("requests", "tokens", "input_tokens", "output_tokens", "concurrency")
        )
        self.money = tuple((c, c.budget.currency) for c in counters if c.budget is not None)
        self.counters = counters
        self.account = tuple(c for c in counters if c.scope == "provider")
        self.rarer = bool(self.inputs or self.outputs or self.slots or self.money)
        self.settles = bool(self.tokens) or self.rarer
        self.until = 0
        self.baked_until = 0.0
        self.template = b""
        self.shown_requests: Counter | None = None
        self.shown_tokens: Counter | None = None

    def rolled(self) -> None:
        """The windows of its counters are those of now."""
        self.until = min((c.end for c in self.counters), default=FOREVER)

    def take(self, now: float, input: int, output: int, money: Money) -> bool:
        """Reserve in every limit at once, or in none: False says that somebody has to look closer."""
        if now >= self.until:
            return False
        for c in self.requests:
            left = c.left - 1
            if left < c.low:
                return self._undo(c, input, output, money)
            c.left = left
        for c in self.tokens:
            n = input + output
            left = c.left - n
            if left < c.low:
                return self._undo(c, input, output, money)
            c.left = left
            c.reserved += n
        return self._take_more(input, output, money) if self.rarer else True

    def _take_more(self, input: int, output: int, money: Money) -> bool:
        for counters, n in ((self.inputs, input), (self.outputs, output), (self.slots, 1)):
            for c in counters:
                left = c.left - n
                if left < c.low:
                    return self._undo(c, input, output, money)
                c.left = left
                c.reserved += n
        for c, currency in self.money:
            n = money.get(currency, 0)
            left = c.left - n
            if left < c.low or (left + c.room < c.soft_left and not c.warned):
                return self._undo(c, input, output, money)
            c.left = left
            c.reserved += n
        return True

    def _undo(self, first: Counter, input: int, output: int, money: Money) -> bool:
        """Put back what was taken from the counters before ``first``."""
        ordered = [*self.requests, *self.tokens, *self.inputs, *self.outputs, *self.slots]
        ordered += [c for c, _ in self.money]
        for c in ordered[: ordered.index(first)]:
            n = c.amount(input, output, money)
            c.left += n
            if c.unit != "requests":
                c.reserved -= n
        return False

    def hold(self, input: int, output: int, money: Money) -> None:
        """Take from every limit, whether it is there or not."""
        for c in self.counters:
            n = c.amount(input, output, money)
            c.left -= n
            if c.unit != "requests":
                c.reserved += n

    def settle(self, held: Reservation, input: int, output: int, money: Money) -> None:
        """A request has ended, and used so much: its reservation ends, what it did not use is left again.

        A window that is over is left alone: what was reserved in it stays used. ``left`` may fall below zero: what was
        sent is charged, also beyond what was reserved.
        """
        at = held.at
        for c in self.tokens:
            if at >= c.start:
                n = held.input + held.output
                c.reserved -= n
                c.left += n - input - output
        if self.rarer:
            self._settle_more(held, input, output, money)

    def _settle_more(self, held: Reservation, input: int, output: int, money: Money) -> None:
        for counters, n, used in (
            (self.inputs, held.input, input),
            (self.outputs, held.output, output),
        ):
            for c in counters:
                if held.at >= c.start:
                    c.reserved -= n
                    c.left += n - used
        for c in self.slots:
            c.reserved -= 1
            c.left += 1
        for c, currency in self.money:
            if held.at >= c.start:
                n = held.money.get(currency, 0)
                c.reserved -= n
                c.left += n - money.get(currency, 0)
