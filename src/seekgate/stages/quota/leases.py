"""Leases: what this worker asks of the place where limits are shared, and what it makes of the answers. Pure.

A report is absolute. It says how much this worker has taken out of a window in all (``granted``) and how much of that
is not used up (``held``), never a difference; so a report may be lost, repeated or overtaken, and the place may lose
everything it knew, and the next report sets it right. One ask of a counter is under way at a time.

The place returns what a dead worker held. What it had used since its last report it takes for held: at most one
sweep's worth is granted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from seekgate.stages.quota.counter import Counter
from seekgate.stages.quota.state import RETRY, Tables

BATCH, REPORTS = 512, 64
"""Asks in one go, and reports among them, so that neither side is busy with them for long."""

SWEPT = 2_000
"""Counters looked at in one sweep."""

IDLE = 0.5
"""Seconds after which what nobody has asked for is given back."""

FORGET = 60.0
"""Seconds after which a subject is forgotten that holds nothing and whose window is over. (Not sooner: to meet it
again costs ten times what a request usually costs.)"""

RENEW = 300.0
"""Seconds after which slots that are in use are reported again, so that they are not forgotten elsewhere."""

SLOT_RETRY = 0.05
"""Seconds until a slot may be asked for again: they come back at any time."""

LONG = 3600
FINE = 512
"""Of a window of at least `LONG` seconds that holds fewer than so many requests nothing is leased ahead: what one
worker keeps for later, another would be refused, and it is long until the next window."""

AHEAD = 60.0
"""A window that begins so many seconds from now was begun by a clock that has been set back since."""


class Ask(NamedTuple):
    """A report on one counter, and what is wanted of it. ``start`` and ``end`` are Unix seconds.

    ``need`` is what waiting requests lack, ``quantum`` the smallest of them, ``left`` what is here but does not
    suffice; ``extra`` is what demand calls for beyond that.
    """

    counter: Counter
    id: str
    start: int
    end: int
    limit: int
    granted: int
    held: int
    left: int
    quantum: int
    need: int
    extra: int


class Answer(NamedTuple):
    """``granted`` beyond the report; ``room`` is left of the limit, ``others`` what other workers hold of it unused.
    ``stale``: this is not the window of now, and nothing was counted."""

    granted: int
    room: int
    others: int
    stale: bool


class Leases:
    """Asks for the counters of `Tables`, and keeps them in order.

    ``fed`` is told what came of asking for a counter that somebody stands in a queue for.
    """

    def __init__(
        self, tables: Tables, fed: Callable[[Counter, int], object] = lambda c, granted: None
    ) -> None:
        self._tables = tables
        self._fed = fed
        self._scan: list[Counter] = []

    @property
    def offset(self) -> float:
        """How far the place's clock is ahead of ours."""
        return self._tables.offset

    def heard(self, offset: float, fleet: int) -> None:
        """The place's clock is so far ahead of ours, and so many workers share the limits."""
        self._tables.offset = offset
        self._tables.fleet = max(fleet, 1)

    def cut_off(self, outage: bool) -> None:
        """The place can, or cannot, be asked."""
        self._tables.outage = outage

    def collect(self, now: float) -> list[Ask]:
        """What is to be asked now. Each ask must come back to `answered` or `failed`."""
        tables = self._tables
        asks = [self._ask(c, now, True) for c in _some(tables.asking, BATCH)]
        asks += [self._ask(c, now, False) for c in _some(tables.reports, REPORTS)]
        return asks

    def _ask(self, c: Counter, now: float, more: bool) -> Ask:
        self._tables.asking.pop(c, None)
        self._tables.reports.pop(c, None)
        if c.end <= now:
            c.roll(now, False)
        if c.left < 0:
            # More was used than was leased: it has been taken out all the same.
            c.granted -= c.left
            c.left = 0
        need = max(0, c.wanted - c.left)
        extra = self._demand(c, now) if need or more else 0
        quantum, c.wanted = max(c.quantum, 1), 0
        c.pending = True
        held = c.left + c.reserved
        return Ask(c, c.id, c.start, c.end, c.limit, c.granted, held, c.left, quantum, need, extra)

    def _demand(self, c: Counter, now: float) -> int:
        """The lease that demand calls for: twice the last one when that lasted for less than half a second."""
        lasted, c.asked_at = now - c.asked_at, now
        if c.end - c.start >= LONG and c.limit < FINE * max(c.quantum, 1) and c.unit != "concurrency":
            return 0
        if not c.size:
            c.size = min(c.limit // 64, 8 * max(c.quantum, 1))
        elif lasted < IDLE:
            c.size *= 2
        elif lasted > 4 * IDLE:
            c.size //= 2
        c.size = max(1, min(c.size, c.limit // 8))
        return c.size

    def answered(self, asks: Sequence[Ask], answers: Iterable[Answer], now: float) -> None:
        """The answers, in the order of the asks; ``now`` is the clock of the place."""
        for ask, answer in zip(asks, answers, strict=True):
            c = ask.counter
            c.pending = False
            # Whoever waits decides again now, and says again what is lacking: counted twice, it would be leased twice.
            c.wanted = 0
            if answer.stale or c.start != ask.start or c.gone:
                continue
            c.granted += answer.granted
            c.left += answer.granted
            c.held = ask.held + answer.granted
            c.room = max(answer.room, 0)
            c.reported_at = now
            tight = c.room * 16 < c.limit
            if tight:
                self._tables.tight[c] = None
            elif c.tight:
                self._tables.tight.pop(c, None)
            c.tight = tight
            c.low = 0 if tight or not ask.extra else c.size // 4
            if ask.need and not answer.granted:
                c.refused_need = ask.quantum
                c.refused_until = self._until(c, answer, now)
            if c.waiting and ask.need:
                self._fed(c, answer.granted)

    def _until(self, c: Counter, answer: Answer, now: float) -> float:
        """Until when a refusal holds: to the window's end, unless somebody may give something back before."""
        if c.unit == "concurrency":
            return now + SLOT_RETRY
        return min(float(c.end), now + RETRY) if answer.others > 0 or c.reserved else float(c.end)

    def failed(self, asks: Sequence[Ask]) -> None:
        """These asks were not answered, or too late. What may have been granted all the same is not known here: the
        next report says so."""
        for ask in asks:
            ask.counter.pending = False
            ask.counter.wanted = 0
            if not ask.counter.gone:
                self._tables.reports[ask.counter] = None

    def sweep(self, now: float) -> None:
        """Called at short intervals: report what has changed, give back what is idle, forget who is gone."""
        if self._tables.shared:
            for c in list(self._tables.tight):
                if c.left > 0 and not c.pending:
                    self._give_back(c)
        scan = self._scan
        if not scan:
            scan.extend(self._tables.counters.values())
        for _ in range(min(SWEPT, len(scan))):
            c = scan.pop()
            if c.pending or c.gone:
                continue
            if c.start > now + AHEAD:
                c.roll(now, not self._tables.shared)
                self._tables.forget_plans()
            if self._tables.shared:
                self._look_at_shared(c, now)
            else:
                self._look_at_own(c, now)

    def _look_at_shared(self, c: Counter, now: float) -> None:
        held = max(c.left, 0) + c.reserved
        if c.end <= now:
            if c.end + FORGET <= now and not c.reserved:
                self._tables.drop(c)
        elif held != c.held or c.left < 0:
            self._tables.reports[c] = None
        elif c.left > 0:
            if now - c.reported_at > IDLE:
                self._give_back(c)
        elif c.reserved:
            if now - c.reported_at > RENEW:
                self._tables.reports[c] = None
        elif c.unit == "concurrency" and now - c.asked_at > FORGET and not c.waiting:
            self._tables.drop(c)

    def _look_at_own(self, c: Counter, now: float) -> None:
        if c.reserved or c.waiting:
            c.asked_at = now
        elif c.end + FORGET <= now or (c.unit == "concurrency" and now - c.asked_at > FORGET):
            self._tables.drop(c)

    def _give_back(self, c: Counter) -> None:
        c.granted -= c.left
        c.left = c.low = 0
        self._tables.reports[c] = None

    def farewell(self, now: float) -> list[Ask]:
        """The worker ends and nothing is in flight: what it held of every limit goes back."""
        asks = []
        for c in self._tables.counters.values():
            if c.end > now and (c.held or c.left or c.reserved):
                granted = c.granted - max(c.left, 0) - c.reserved
                asks.append(Ask(c, c.id, c.start, c.end, c.limit, granted, 0, 0, 1, 0, 0))
        return asks


def _some(counters: dict[Counter, None], most: int) -> list[Counter]:
    """The first of them that are not being asked for already."""
    found: list[Counter] = []
    for c in counters:
        if not c.pending:
            found.append(c)
            if len(found) >= most:
                break
    return found
