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

ACCOUNT = ("provider", "deployment")
"""Scopes that are of an account at a provider, not of a caller."""

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


class Counter(msgspec.Struct, eq=False, gc=False):
    """What is left of one limit. Instants are Unix seconds on the clock that the limit is counted by.

    ``room`` is what the others had left when they were last asked (0 where nothing is shared), ``held`` what they were
    last told that we hold; ``low`` is the level below which more is fetched ahead; ``size`` the lease that demand calls
    for. A request of at least ``refused_need`` is refused until ``refused_until`` without asking anybody. ``waiting``
    is how many stand in the broker's queue for a slot of it. (A msgspec struct for its cheap construction; it refers to
    nothing that could refer to it.)
    """

    scope: str
    name: str
    id: str
    unit: Unit
    seconds: int = 0
    budget: Budget | None = None
    start: int = 0
    end: int = 0
    limit: int = 0
    soft_left: int = 0
    left: int = 0
    reserved: int = 0
    granted: int = 0
    room: int = 0
    held: int = 0
    low: int = 0
    size: int = 0
    pending: bool = False
    tight: bool = False
    warned: bool = False
    wanted: int = 0
    quantum: int = 0
    asked_at: float = 0.0
    reported_at: float = 0.0
    refused_until: float = 0.0
    refused_need: int = 0
    waiting: int = 0

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


def counter(scope: str, name: str, rule: Rule, suffix: str | None = None) -> Counter:
    """The counter of one subject by one rule. It begins empty: `Counter.roll` opens its first window."""
    id = f"{scope}:{name}{suffix_of(rule) if suffix is None else suffix}"
    if isinstance(rule, Window):
        made = Counter(scope, name, id, rule.unit, rule.seconds)
    elif isinstance(rule, Budget):
        made = Counter(scope, name, id, "money", 0, rule)
    else:
        made = Counter(scope, name, id, "concurrency")
    made.adopt(rule, False)
    return made


def suffix_of(rule: Rule) -> str:
    """What follows the subject in a counter's id: it stays the same when only the height of the limit changes."""
    if isinstance(rule, Window):
        return f"|{rule.unit}|{rule.seconds}"
    if isinstance(rule, Budget):
        return f"|{rule.currency}|{rule.period}|{rule.timezone}"
    return "|concurrency"


class Reservation(msgspec.Struct, gc=False):
    """What one request holds until it is settled; ``at`` is the instant of its admission."""

    plan: Plan
    at: float
    input: int = 0
    output: int = 0
    money: Money = NO_MONEY


class Plan(msgspec.Struct, eq=False, gc=False):
    """The limits that one caller meets with one model at one provider, sorted by how they are counted.

    ``tokens`` are windows of all tokens; ``rarer`` says whether there is anything beside requests and those,
    ``settles`` whether anything is to be given back or added when a request ends; ``until`` is when the first of the
    windows ends; ``account`` are the limits of the provider's account, ``account_slots`` those of them that count
    requests in flight.
    """

    principal: Principal
    counters: tuple[Counter, ...]
    shape: Shape
    provider: str = ""
    deployment: str = ""
    requests: tuple[Counter, ...] = ()
    tokens: tuple[Counter, ...] = ()
    inputs: tuple[Counter, ...] = ()
    outputs: tuple[Counter, ...] = ()
    slots: tuple[Counter, ...] = ()
    money: tuple[tuple[Counter, str], ...] = ()
    account: tuple[Counter, ...] = ()
    account_slots: tuple[Counter, ...] = ()
    rest: Plan | None = None
    rarer: bool = False
    settles: bool = False
    until: int = 0
    baked_until: float = 0.0
    template: bytes = b""
    shown_requests: Counter | None = None
    shown_tokens: Counter | None = None

    def __post_init__(self) -> None:
        """Sort the counters, in one pass: this is on the way of each caller's first request."""
        for c in self.counters:
            match c.unit:
                case "requests":
                    self.requests += (c,)
                case "tokens":
                    self.tokens += (c,)
                case "input_tokens":
                    self.inputs += (c,)
                case "output_tokens":
                    self.outputs += (c,)
                case "concurrency":
                    self.slots += (c,)
                case "money":
                    assert c.budget is not None
                    self.money += ((c, c.budget.currency),)
            if c.scope in ACCOUNT:
                self.account += (c,)
                if c.unit == "concurrency":
                    self.account_slots += (c,)
        self.rarer = bool(self.inputs or self.outputs or self.slots or self.money)
        self.settles = self.rarer or bool(self.tokens)

    def rolled(self) -> None:
        """The windows of its counters are those of now."""
        self.until = min((c.end for c in self.counters), default=FOREVER)

    def own(self) -> Plan:
        """What is reserved while a request waits for a slot of the account: everything else."""
        if self.rest is None:
            others = tuple(c for c in self.counters if c not in self.account_slots)
            self.rest = Plan(self.principal, others, self.shape, self.provider, self.deployment)
        return self.rest

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
        for counters, n in ((self.inputs, input), (self.outputs, output)):
            for c in counters:
                left = c.left - n
                if left < c.low:
                    return self._undo(c, input, output, money)
                c.left = left
                c.reserved += n
        for c in self.slots:
            left = c.left - 1
            if left < c.low or c.waiting:
                return self._undo(c, input, output, money)
            c.left = left
            c.reserved += 1
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

    def undo(self, held: Reservation) -> None:
        """A reservation ends as though nobody had asked for it."""
        for c in self.counters:
            if c.unit == "concurrency" or held.at >= c.start:
                n = c.amount(held.input, held.output, held.money)
                c.left += n
                if c.unit != "requests":
                    c.reserved -= n

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
