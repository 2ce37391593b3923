"""Which companions should run beside the workers: processes of which there is one each, and which no request needs.

One that dies is started again at once, then after growing delays; one whose command line changes is drained, and its
successor started when it has ended, because two of them must not do the same work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seekgate.config.snapshot import Snapshot
from seekgate.supervisor import actions as act
from seekgate.supervisor.backoff import Backoff

DRAIN = 5.0
"""Seconds for a companion to end."""

DATABASE = "seekgate.db"
"""The file of the default database in the home: once somebody has made it, it is followed."""

Command = tuple[str, ...]
"""The module, and the arguments."""


EARLY = frozenset({"valkey"})
"""Those that requests ask for something: they start with the workers, the others when these are ready."""


def commands_for(snapshot: Snapshot, home: Path, workers: int = 1) -> dict[str, Command]:
    """The companions that an installation needs now: who follows the database, and a Valkey by which ``workers`` share
    limits, where there may be limits and the configuration names no other."""
    commands: dict[str, Command] = {}
    if snapshot.database is not None or (home / DATABASE).exists():
        url = snapshot.database.url if snapshot.database is not None else "sqlite"
        commands["control"] = ("seekgate.control.run", "--home", str(home), "--database", url)
    if workers > 1 and snapshot.valkey is None and (snapshot.quota.limits or "control" in commands):
        commands["valkey"] = ("seekgate.supervisor.valkey", "--home", str(home))
    return commands


@dataclass(slots=True)
class Companion:
    """One companion. ``wanted`` None: it shall end. ``deadline`` is when it is killed if it is not gone by then."""

    wanted: Command | None
    backoff: Backoff = field(default_factory=lambda: Backoff(base=0.5, cap=30.0, healthy=30.0))
    id: int = 0
    since: float = 0.0
    due: float | None = None
    deadline: float | None = None


class Companions:
    """All companions, by name. ``ids`` is shared with the workers and engines."""

    def __init__(self, ids: Iterator[int]) -> None:
        self._ids = ids
        self._units: dict[str, Companion] = {}
        self.stopping = False

    @property
    def empty(self) -> bool:
        """No companion's process is left."""
        return not any(unit.id for unit in self._units.values())

    @property
    def none_yet(self) -> bool:
        """Nothing has been wanted so far."""
        return not self._units

    def want(self, commands: Mapping[str, Command], now: float) -> list[act.Action]:
        """Run exactly these from now on."""
        out: list[act.Action] = []
        if self.stopping:
            return out
        for name in [*commands, *(n for n in self._units if n not in commands)]:
            unit = self._units.setdefault(name, Companion(None))
            wanted = commands.get(name)
            if unit.wanted == wanted:
                continue
            unit.wanted, unit.due = wanted, None
            unit.backoff.reset()
            if unit.id:
                out += self._drain(unit, now)
            elif wanted is not None:
                out += self._start(name, unit, now)
        return out

    def exited(self, id: int, how: str, now: float) -> list[act.Action]:
        """A companion has ended: start it, or its successor, unless that was the wish."""
        for name, unit in self._units.items():
            if unit.id != id:
                continue
            told, worked = unit.deadline is not None, now - unit.since
            unit.id, unit.deadline = 0, None
            if unit.wanted is None or self.stopping:
                return []
            if told:
                return self._start(name, unit, now)
            delay = unit.backoff.failed(worked)
            unit.due = now + delay
            fields: dict[str, str | int | float] = {"process": name, "how": how, "restart_in": delay}
            return [act.Note("error", "a process died", fields)]
        return []

    def stop(self, now: float) -> list[act.Action]:
        """End them all. Done when `empty`."""
        self.stopping = True
        out: list[act.Action] = []
        for unit in self._units.values():
            unit.due = None
            out += self._drain(unit, now) if unit.id else []
        return out

    def due(self) -> float | None:
        """When `tick` has something to do next."""
        times = [time for unit in self._units.values() for time in (unit.due, unit.deadline)]
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> list[act.Action]:
        """Do what is due."""
        out: list[act.Action] = []
        for name, unit in self._units.items():
            if unit.due is not None and unit.due <= now:
                out += self._start(name, unit, now)
            if unit.deadline is not None and unit.deadline <= now:
                unit.deadline = now + DRAIN
                out.append(act.KillChild(unit.id))
        return out

    def _start(self, name: str, unit: Companion, now: float) -> list[act.Action]:
        assert unit.wanted is not None
        unit.id, unit.since, unit.due = next(self._ids), now, None
        return [act.SpawnCompanion(unit.id, name, unit.wanted)]

    def _drain(self, unit: Companion, now: float) -> list[act.Action]:
        if unit.deadline is not None:
            return []
        unit.deadline = now + DRAIN
        return [act.DrainChild(unit.id, DRAIN)]
