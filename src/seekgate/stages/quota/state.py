"""The tables of limits: which rule a caller meets, what may be granted, what has to be asked for. No clock, no IO.

`Tables.decide` is asked where `Plan.take` could not grant by itself. It says one of four things: granted, refused until
an instant, need (somebody has to ask the others for a larger lease), or unknown (the others cannot be asked and the
policy is to deny).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from seekgate.config.rows import LimitRow
from seekgate.pipeline.principal import Principal
from seekgate.stages.quota.counter import GONE, Counter, Money, Plan, Rule, counter, suffix_of
from seekgate.stages.quota.estimate import Shape

MAX_PLANS = 32_768
MAX_SHAPES = 4096
RETRY = 0.25
"""Seconds for which a refusal is remembered while somebody else may still give something back."""

Rules = tuple[tuple[str, Rule], ...]
"""What one row or entry says: each limit, and what follows the subject in its counter's id."""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """No: this counter has too little left, and it is no use to ask again before ``until``."""

    counter: Counter
    until: float


class Verdict:
    """What `Tables.decide` says when it does not refuse."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


GRANTED, NEED, UNKNOWN = Verdict("granted"), Verdict("need"), Verdict("unknown")


class Tables:
    """Every limit that this worker counts.

    ``shared``: limits are leased from a place that all workers share. ``offset`` is how far its clock is ahead of ours.
    ``fleet`` is how many workers share the limits; ``outage`` says that the place cannot be asked at the moment, and
    ``deny`` what the policy is then. ``warn`` is told of a budget that passes its soft mark, once in each period.
    """

    def __init__(self, warn: Callable[[Counter], object]) -> None:
        self.shared = False
        self.deny = False
        self.outage = False
        self.offset = 0.0
        self.fleet = 1
        self.counters: dict[str, Counter] = {}
        # Of which more is to be asked for, and of which there is only something to report.
        self.asking: dict[Counter, None] = {}
        self.reports: dict[Counter, None] = {}
        self.tight: dict[Counter, None] = {}
        self._warn = warn
        self._file: dict[tuple[str, str], Rules] = {}
        self._rows: dict[tuple[str, str], Rules] = {}
        self.scopes: frozenset[str] = frozenset()
        # By deployment, then by the principal's id: read by the stage, for the shortest way.
        self.plans: dict[str, dict[str, Plan]] = {}
        self._planned = 0
        self._shapes: dict[str, Shape] = {}
        # What was used before a restart, by counter and window: taken up when the counter is met again.
        self.remembered: dict[str, tuple[int, int]] = {}

    # -- rules ----------------------------------------------------------------------------------------------------

    def use_file(self, limits: Iterable[LimitRow]) -> None:
        """The configuration file's limits; a row of the database with the same id wins over one of them."""
        self._file = {(row.scope, row.name): _rules(row) for row in limits}
        self._changed(None)

    def apply(self, kind: str, id: str, row: LimitRow | None) -> None:
        """A row has come, changed or (None) gone."""
        if kind != "limit":
            return
        scope, _, name = id.partition(":")
        if row is None:
            self._rows.pop((scope, name), None)
        else:
            self._rows[scope, name] = _rules(row)
        self._changed((scope, name))

    def _changed(self, rule: tuple[str, str] | None) -> None:
        self.forget_plans()
        self.scopes = frozenset(scope for rules in (self._file, self._rows) for scope, _ in rules)
        if rule is not None and rule[1] != "*":
            self._follow(*rule)
        else:
            subjects = {(c.scope, c.name) for c in self.counters.values()}
            for scope, name in subjects:
                if rule is None or rule[0] == scope:
                    self._follow(scope, name)

    def _follow(self, scope: str, name: str) -> None:
        """Give a subject's counters their rule's present height. Those that no rule names any more go when idle."""
        for suffix, limit in self.rule(scope, name) or ():
            known = self.counters.get(f"{scope}:{name}{suffix}")
            if known is not None:
                known.adopt(limit, not self.shared)

    def forget_plans(self) -> None:
        """Look everything up again."""
        self.plans.clear()
        self._planned = 0

    def rule(self, scope: str, name: str) -> Rules | None:
        """The rules of one subject: its own row, its own entry of the file, the default row, the default entry."""
        return (
            self._rows.get((scope, name))
            or self._file.get((scope, name))
            or self._rows.get((scope, "*"))
            or self._file.get((scope, "*"))
        )

    def plan(self, principal: Principal, deployment: str, model: str, provider: str, now: float) -> Plan:
        """The limits that ``principal`` meets at this deployment. Cheap when it was asked for lately."""
        plans = self.plans.get(deployment)
        plan = None if plans is None else plans.get(principal.id)
        if plan is not None and plan.principal is principal and not any(c.gone for c in plan.counters):
            return plan
        counters = self.met_by(principal, deployment, model, provider, now)
        if len(self._shapes) >= MAX_SHAPES and model not in self._shapes:
            self._shapes.clear()
        shape = self._shapes.setdefault(model, Shape())
        plan = Plan(principal, tuple(counters), shape, provider, deployment)
        plan.rolled()
        if self._planned >= MAX_PLANS:
            self.forget_plans()
        self._planned += 1
        self.plans.setdefault(deployment, {})[principal.id] = plan
        return plan

    def met_by(
        self, principal: Principal, deployment: str, model: str, provider: str, now: float
    ) -> list[Counter]:
        """Every limit that a caller meets, the account's last. An empty name is nobody's."""
        counters: list[Counter] = []
        for scope, name in _subjects(principal, deployment, model, provider):
            if scope in self.scopes and name:
                found = self.rule(scope, name)
                if found is None and scope == "key" and principal.name != name:
                    found = self.rule(scope, principal.name)
                counters += self._of(scope, name, found, now)
        return counters

    def counts_slots(self, c: Counter) -> bool:
        """Whether there is still a rule by which this counter of requests in flight limits anybody."""
        rules = self.rule(c.scope, c.name) or ()
        return any(isinstance(rule, int) for _, rule in rules)

    def _of(self, scope: str, name: str, rules: Rules | None, now: float) -> list[Counter]:
        found = []
        for suffix, rule in rules or ():
            known = self.counters.get(f"{scope}:{name}{suffix}")
            found.append(self._begin(scope, name, rule, suffix, now) if known is None else known)
        return found

    def _begin(self, scope: str, name: str, rule: Rule, suffix: str, now: float) -> Counter:
        """A subject is met for the first time, or again after it was forgotten."""
        made = counter(scope, name, rule, suffix)
        self.counters[made.id] = made
        made.roll(now, not self.shared)
        made.asked_at = now
        if self.remembered:
            start, used = self.remembered.pop(made.id, (0, 0))
            if start == made.start and not self.shared:
                made.left -= used
        return made

    # -- deciding -------------------------------------------------------------------------------------------------

    def decide(self, plan: Plan, now: float, input: int, output: int, money: Money) -> Verdict | Refused:
        """Grant (then everything is reserved), refuse, or say what is missing (then nothing is)."""
        short: list[tuple[Counter, int]] = []
        alone = not self.shared
        if now >= plan.until:
            for c in plan.counters:
                if c.end <= now:
                    c.roll(now, alone)
            plan.rolled()
        for c in plan.counters:
            n = c.amount(input, output, money)
            if c.left < n:
                if c.refused_until > now and n >= c.refused_need:
                    return Refused(c, c.refused_until)
                if alone or n > c.limit:
                    return Refused(c, self._until(c, n, now))
                short.append((c, n))
        if short and self.outage:
            if self.deny:
                return UNKNOWN
            for c, n in short:
                self.borrow(c)
                if c.left < n:
                    return Refused(c, min(c.end, now + RETRY))
        elif short:
            for c, n in short:
                if not c.wanted:
                    c.quantum = n
                c.quantum = min(c.quantum, n)
                c.wanted += n
                self.asking[c] = None
            return NEED
        self._grant(plan, input, output, money)
        return GRANTED

    def decide_alone(
        self, plan: Plan, now: float, input: int, output: int, money: Money
    ) -> Verdict | Refused:
        """`decide` for a request that can wait no longer: by the policy for an outage."""
        before, self.outage = self.outage, True
        try:
            return self.decide(plan, now, input, output, money)
        finally:
            self.outage = before

    def _grant(self, plan: Plan, input: int, output: int, money: Money) -> None:
        plan.hold(input, output, money)
        for c in plan.counters:
            if c.left < c.low:
                c.low = 0
                if not self.outage:
                    self.asking[c] = None
            if c.left + c.room < c.soft_left and not c.warned:
                c.warned = True
                self._warn(c)

    def _until(self, c: Counter, n: int, now: float) -> float:
        """Alone, only the requests in flight can give something back before the window ends."""
        if n > c.limit and c.unit != "concurrency":
            return float(c.end)
        return min(float(c.end), now + RETRY) if c.reserved else float(c.end)

    def borrow(self, c: Counter) -> None:
        """Nobody can be asked: take our share of what was left when somebody last could, once in each window."""
        share = max(c.room, 0) // max(self.fleet, 1)
        c.room = 0
        c.left += share
        c.granted += share

    # -- sharing --------------------------------------------------------------------------------------------------

    def share(self, shared: bool, now: float) -> None:
        """Whether limits are leased from now on, or this worker's own."""
        if shared != self.shared:
            self.shared = shared
            self.asking.clear()
            self.reports.clear()
            self.tight.clear()
            for each in self.counters.values():
                each.share(now, not shared)

    def drop(self, c: Counter) -> None:
        """Forget a counter that nothing is known of which a new one would not know."""
        c.left = GONE
        self.counters.pop(c.id, None)
        self.asking.pop(c, None)
        self.reports.pop(c, None)
        self.tight.pop(c, None)


def _subjects(
    principal: Principal, deployment: str, model: str, provider: str
) -> tuple[tuple[str, str], ...]:
    kind = principal.kind
    key = principal.id if kind in ("file", "key") or not principal.id else f"{kind}/{principal.id}"
    return (
        ("key", key),
        ("application", principal.application),
        ("team", principal.team),
        ("organisation", principal.organisation),
        ("model", model),
        ("provider", provider),
        ("deployment", deployment),
    )


def _rules(row: LimitRow) -> Rules:
    rules: list[Rule] = [*row.windows, *row.budgets]
    if row.concurrency is not None:
        rules.append(row.concurrency)
    return tuple((suffix_of(rule), rule) for rule in rules)
