"""Which workers should run, on which snapshot: the deciding part, without processes, sockets or a clock.

Every method is told the present as ``now`` (seconds of a monotonic clock) and returns what to do. A slot is a place
with listening sockets of its own. At most two workers share it, during a rolling restart: the one that serves and
its successor, both accepting from the same sockets until the successor is ready and the other drains.

A snapshot is offered to all workers and holds once all have taken it. If one refuses, those that took it are asked
to go back, so that the node never runs on two configurations for longer than this takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from seekgate.supervisor import actions as act
from seekgate.supervisor.backoff import Backoff

START_TIMEOUT = 30.0
"""Seconds for a worker to become ready once it has its snapshot."""

LOAD_TIMEOUT = 30.0
"""Seconds for every worker to answer an offered snapshot."""

GRACE = 2.0
"""Seconds past its deadline until a draining worker is killed."""

ATTEMPTS = 3
"""Deaths in a row, before any worker was ever ready, that end the start."""


class Phase(Enum):
    """How far a worker is."""

    BLANK = "blank"
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


@dataclass(slots=True)
class Worker:
    """A worker process. ``since`` is when its phase began, ``deadline`` when it is killed if that phase lasts."""

    id: int
    slot: int
    phase: Phase
    number: int
    since: float
    deadline: float | None = None


@dataclass(slots=True)
class Slot:
    """Who serves here and who is to follow; ``due`` is when a dead worker is replaced."""

    backoff: Backoff
    serving: Worker | None = None
    successor: Worker | None = None
    due: float | None = None


@dataclass(slots=True)
class Offer:
    """A snapshot on its way to the workers."""

    number: int
    deadline: float
    waiting: set[int]
    reasons: list[str] = field(default_factory=list)
    deaths: int = 0


class Workers:
    """All slots. ``ids`` is shared with the engines, so that an id names one child only."""

    def __init__(self, ids: Iterator[int]) -> None:
        self.ids = ids
        self.slots: list[Slot] = []
        self.workers: dict[int, Worker] = {}
        self.number = 0
        self.rolling: deque[int] | None = None
        self.stopping = False
        self.drain_seconds = 30.0
        self._offer: Offer | None = None
        self.committed = False

    @property
    def all_ready(self) -> bool:
        """Every slot is served."""
        return bool(self.slots) and all(s.serving and s.serving.phase is Phase.READY for s in self.slots)

    @property
    def offering(self) -> bool:
        """A snapshot is on its way; do not offer another."""
        return self._offer is not None

    @property
    def awaited(self) -> set[int]:
        """Snapshots that a worker has been told to begin with and may not have read yet."""
        return {worker.number for worker in self.workers.values() if worker.phase is Phase.STARTING}

    # The start.

    def speculate(self, count: int, now: float) -> list[act.Action]:
        """Start workers for a configuration that is still being compiled: they import while it is."""
        return [action for _ in range(count) for action in self._spawn(self._add_slot(), now)]

    def abandon(self) -> list[act.Action]:
        """The guess was wrong: end what `speculate` started."""
        kills: list[act.Action] = [act.KillChild(id) for id in self.workers]
        self.slots.clear()
        self.workers.clear()
        return kills

    def begin(self, number: int, count: int, now: float) -> list[act.Action]:
        """The first snapshot is there: serve it with this many workers."""
        self.number = number
        out: list[act.Action] = []
        for extra in self.slots[count:]:
            if extra.serving is not None:
                del self.workers[extra.serving.id]
                out.append(act.KillChild(extra.serving.id))
        del self.slots[count:]
        for slot in self.slots:
            if slot.serving is not None:
                out += self._begin(slot.serving, now)
        while len(self.slots) < count:
            out += self._spawn(self._add_slot(), now)
        return out

    # What the workers say.

    def ready(self, id: int, now: float) -> list[act.Action]:
        """A worker serves: it takes the place of its predecessor, which drains."""
        worker = self.workers.get(id)
        if worker is None or worker.phase is not Phase.STARTING:
            return []
        worker.phase, worker.since, worker.deadline = Phase.READY, now, None
        out: list[act.Action] = [
            act.Note(
                "info", "worker ready", {"slot": worker.slot, "generation": id, "snapshot": worker.number}
            )
        ]
        slot = self.slots[worker.slot]
        if slot.successor is worker:
            predecessor, slot.serving, slot.successor = slot.serving, worker, None
            if predecessor is not None:
                out += self._drain(predecessor, self.drain_seconds, now)
        if worker.number != self.number:
            out.append(act.OfferSnapshot(id, self.number))
        if not self.committed and self.all_ready:
            self.committed = True
            out.append(act.Committed(self.number))
        if self.rolling is not None:
            out += self._roll_on(now)
        return out

    def loaded(self, id: int, number: int, now: float) -> list[act.Action]:
        """A worker runs on the snapshot that it was offered."""
        worker = self.workers.get(id)
        if worker is None:
            return []
        worker.number = number
        offer = self._offer
        if offer is not None and offer.number == number:
            offer.waiting.discard(id)
            return self._settle()
        # It took an offer that has been withdrawn since, or came up on an older snapshot.
        wanted = self.number
        return [act.OfferSnapshot(id, wanted)] if number != wanted and worker.phase is Phase.READY else []

    def rejected(self, id: int, number: int, reason: str, now: float) -> list[act.Action]:
        """A worker cannot take a snapshot. A worker that cannot even begin with one is ended."""
        worker = self.workers.get(id)
        if worker is None:
            return []
        if worker.phase is Phase.STARTING:
            if not self.committed:
                return [act.Fatal(f"a worker cannot serve this configuration: {reason}")]
            note = act.Note("error", "worker cannot start", {"slot": worker.slot, "reason": reason})
            return [note, act.KillChild(id)]
        offer = self._offer
        if offer is not None and offer.number == number:
            offer.waiting.discard(id)
            offer.reasons.append(reason)
            return self._settle()
        return [
            act.Note("error", "worker refuses the snapshot in force", {"slot": worker.slot, "reason": reason})
        ]

    def exited(self, id: int, how: str, now: float) -> list[act.Action]:
        """A worker has ended: replace it, unless that was the wish."""
        worker = self.workers.pop(id, None)
        if worker is None:
            return []
        where: dict[str, str | int | float] = {"slot": worker.slot, "generation": id, "how": how}
        if worker.phase is Phase.DRAINING:
            return [act.Note("info", "worker drained", where), *self._withdraw(id)]
        slot = self.slots[worker.slot]
        if self._offer is not None and id in self._offer.waiting:
            self._offer.deaths += 1
        out: list[act.Action] = [act.Note("error", "worker died", where), *self._withdraw(id)]
        if slot.successor is worker:
            slot.successor = None
        else:
            slot.serving, slot.successor = slot.successor, None
        if slot.serving is not None:
            if slot.serving.phase is Phase.READY and self.rolling is not None:
                out.append(
                    act.Note("error", "rolling restart given up: the new worker died before it was ready")
                )
                self.rolling = None
            return out
        if self.stopping:
            return out
        return out + self._replace_later(slot, worker, now)

    # What the operator asks for.

    def offer(self, number: int, now: float) -> list[act.Action]:
        """Swap every worker to a new snapshot. Answered by `Committed` or `RolledBack`; not while `offering`."""
        serving = [w.id for w in self.workers.values() if w.phase is Phase.READY]
        self._offer = Offer(number, now + LOAD_TIMEOUT, set(serving))
        return [act.OfferSnapshot(id, number) for id in serving] + self._settle()

    def roll(self, now: float) -> list[act.Action]:
        """Replace every worker by a fresh process, one slot after another."""
        if self.stopping or self.rolling is not None or not self.committed:
            return [act.Note("warning", "rolling restart not begun: busy with another change")]
        self.rolling = deque(range(len(self.slots)))
        return [act.Note("info", "rolling restart begins", {"workers": len(self.slots)}), *self._roll_on(now)]

    def stop(self, seconds: float, now: float) -> list[act.Action]:
        """Drain every worker. Done when `workers` is empty."""
        self.stopping, self.rolling, self._offer = True, None, None
        out: list[act.Action] = []
        for slot in self.slots:
            slot.due = None
        for worker in self.workers.values():
            if worker.phase is Phase.BLANK:
                out.append(act.KillChild(worker.id))
                worker.phase = Phase.DRAINING
            elif worker.phase is not Phase.DRAINING:
                out += self._drain(worker, seconds, now)
        return out

    # Time.

    def due(self) -> float | None:
        """When `tick` has something to do next."""
        times = [slot.due for slot in self.slots] + [worker.deadline for worker in self.workers.values()]
        times.append(self._offer.deadline if self._offer is not None else None)
        return min((t for t in times if t is not None), default=None)

    def tick(self, now: float) -> list[act.Action]:
        """Do what is due."""
        out: list[act.Action] = []
        for index, slot in enumerate(self.slots):
            if slot.due is not None and slot.due <= now:
                slot.due = None
                out += self._spawn(index, now)
        for worker in self.workers.values():
            if worker.deadline is not None and worker.deadline <= now:
                late = f"worker is late ({worker.phase.value}): killed"
                out.append(act.Note("error", late, {"slot": worker.slot, "generation": worker.id}))
                out.append(act.KillChild(worker.id))
                worker.deadline = None
        if self._offer is not None and self._offer.deadline <= now:
            self._offer.reasons.append(
                f"{len(self._offer.waiting)} workers did not answer in {LOAD_TIMEOUT:g} s"
            )
            self._offer.waiting.clear()
            out += self._settle()
        return out

    # Parts of the above.

    def _add_slot(self) -> int:
        self.slots.append(Slot(Backoff(base=0.1, cap=5.0, healthy=5.0)))
        return len(self.slots) - 1

    def _spawn(self, index: int, now: float) -> list[act.Action]:
        worker = Worker(next(self.ids), index, Phase.BLANK, 0, now)
        self.workers[worker.id] = worker
        slot = self.slots[index]
        if slot.serving is None:
            slot.serving = worker
        else:
            slot.successor = worker
        begin = self._begin(worker, now) if self.number else []
        return [act.SpawnWorker(worker.id, index), *begin]

    def _begin(self, worker: Worker, now: float) -> list[act.Action]:
        worker.phase, worker.since, worker.deadline = Phase.STARTING, now, now + START_TIMEOUT
        worker.number = self.number
        return [act.BeginWorker(worker.id, worker.slot, self.number)]

    def _drain(self, worker: Worker, seconds: float, now: float) -> list[act.Action]:
        worker.phase, worker.since, worker.deadline = Phase.DRAINING, now, now + seconds + GRACE
        return [act.DrainChild(worker.id, seconds), *self._withdraw(worker.id)]

    def _replace_later(self, slot: Slot, worker: Worker, now: float) -> list[act.Action]:
        worked = now - worker.since if worker.phase is Phase.READY else 0.0
        delay = slot.backoff.failed(worked)
        if not self.committed and slot.backoff.failures >= ATTEMPTS:
            return [act.Fatal(f"worker {worker.slot} died {ATTEMPTS} times before it was ready")]
        slot.due = now + delay
        if not delay:
            return []
        return [act.Note("warning", "worker restart delayed", {"slot": worker.slot, "seconds": delay})]

    def _withdraw(self, id: int) -> list[act.Action]:
        """A worker that dies or drains owes no answer to an offer."""
        if self._offer is None or id not in self._offer.waiting:
            return []
        self._offer.waiting.discard(id)
        return self._settle()

    def _settle(self) -> list[act.Action]:
        offer = self._offer
        if offer is None or offer.waiting:
            return []
        self._offer = None
        serving = [w for w in self.workers.values() if w.phase is Phase.READY]
        if offer.deaths and not any(w.number == offer.number for w in serving):
            # Nobody has shown that the snapshot can be served, and somebody may have died of it.
            offer.reasons.append("workers died while they were loading it")
        if offer.reasons:
            back = [act.OfferSnapshot(w.id, self.number) for w in serving if w.number != self.number]
            return [act.RolledBack(offer.number, tuple(dict.fromkeys(offer.reasons))), *back]
        self.number = offer.number
        late = [act.OfferSnapshot(w.id, self.number) for w in serving if w.number != self.number]
        return [act.Committed(offer.number), *late]

    def _roll_on(self, now: float) -> list[act.Action]:
        """Go to the next slot once the present one's successor serves."""
        if self.rolling is None or any(slot.successor is not None for slot in self.slots):
            return []
        while self.rolling:
            index = self.rolling.popleft()
            serving = self.slots[index].serving
            # A slot whose worker has just died gets, or has got, a fresh one anyway.
            if serving is not None and serving.phase is Phase.READY:
                return self._spawn(index, now)
        self.rolling = None
        return [act.Note("info", "rolling restart done", {"workers": len(self.slots)})]
