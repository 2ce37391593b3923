"""Which embedded engines should run: the deciding part, without processes, files or a clock.

An engine whose settings change is replaced: the new one is started, the workers are told of it when it answers, and
only then does the old one drain. One that dies is restarted at once, then after growing delays. One that says that
it cannot work on this machine (exit code 78) is left alone until its settings change.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from seekgate.config.snapshot import Engine
from seekgate.host.messages import EngineState, Ready
from seekgate.supervisor import actions as act
from seekgate.supervisor.backoff import Backoff

START_TIMEOUT = 600.0
"""Seconds for an engine to become healthy: large models are read from slow disks."""

GRACE = 2.0
"""Seconds past its deadline until a draining engine is killed."""

REFUSED = os.EX_CONFIG
"""The exit code of an engine that no restart can help."""


@dataclass(slots=True)
class Process:
    """An engine process; ``deadline`` is when it is killed if it is not healthy, or not gone, by then."""

    id: int
    since: float
    deadline: float | None
    ready: Ready | None = None


@dataclass(slots=True)
class Unit:
    """One engine of the configuration. ``trouble`` says why it does not serve, "" while nothing has gone wrong.

    ``due`` is when the next attempt is made; ``locating`` says that its model file is being found or fetched.
    """

    engine: Engine
    backoff: Backoff = field(default_factory=lambda: Backoff(base=0.5, cap=30.0, healthy=30.0))
    serving: Process | None = None
    starting: Process | None = None
    locating: bool = False
    due: float | None = None
    trouble: str = ""


class Engines:
    """All engines. ``ids`` is shared with the workers, so that an id names one child only."""

    def __init__(self, ids: Iterator[int]) -> None:
        self._ids = ids
        self.units: dict[str, Unit] = {}
        self.draining: dict[int, Process] = {}
        self.stopping = False
        self.drain_seconds = 30.0

    @property
    def settled(self) -> bool:
        """Every engine serves, or has been found not to."""
        return all(unit.serving or unit.trouble for unit in self.units.values())

    @property
    def empty(self) -> bool:
        """No engine process is left."""
        return not self.draining and not any(u.serving or u.starting for u in self.units.values())

    def states(self) -> list[EngineState]:
        """What a worker should know of every engine."""
        return [self.state(name) for name in self.units]

    def state(self, name: str) -> EngineState:
        """What a worker should know of one engine; one that is gone from the configuration is not ready."""
        unit = self.units.get(name)
        if unit is None or unit.serving is None or unit.serving.ready is None:
            return EngineState(name, "", 0, False)
        where = unit.serving.ready
        return EngineState(name, where.host, where.port, True, where.key)

    def name_of(self, id: int) -> str:
        """Whose process this is; "" for one that drains or is unknown."""
        for name, unit in self.units.items():
            if any(process is not None and process.id == id for process in (unit.serving, unit.starting)):
                return name
        return ""

    def want(self, engines: Mapping[str, Engine], now: float) -> list[act.Action]:
        """Run exactly these engines from now on."""
        out: list[act.Action] = []
        for name in [n for n in self.units if n not in engines]:
            unit = self.units.pop(name)
            out.append(act.TellEngine(name))
            out.append(act.Note("info", "engine no longer configured", {"engine": name}))
            for process in (unit.serving, unit.starting):
                out += self._drain(process, self.drain_seconds, now) if process is not None else []
        for name, engine in engines.items():
            present = self.units.get(name)
            if present is None:
                self.units[name] = Unit(engine)
                out += self._locate(self.units[name])
            elif present.engine != engine:
                out += self._replace(present, engine)
        return out

    def located(self, name: str, model: str, path: str, now: float) -> list[act.Action]:
        """The model file of an engine is at ``path``: start it."""
        unit = self.units.get(name)
        if unit is None or not unit.locating or unit.engine.model != model or self.stopping:
            return []
        unit.locating = False
        unit.starting = Process(next(self._ids), now, now + START_TIMEOUT)
        return [act.SpawnEngine(unit.starting.id, unit.engine, path)]

    def missing(self, name: str, model: str, reason: str, now: float) -> list[act.Action]:
        """The model file of an engine could not be found or fetched."""
        unit = self.units.get(name)
        if unit is None or not unit.locating or unit.engine.model != model or self.stopping:
            return []
        unit.locating = False
        unit.trouble = f"no model: {reason}"
        # The fetcher has its own retries; here the network or the disk needs time.
        delay = max(5.0, unit.backoff.failed(0.0))
        unit.due = now + delay
        text = "engine has no model file"
        return [act.Note("error", text, {"engine": name, "reason": reason, "retry_in": delay})]

    def ready(self, id: int, where: Ready, now: float) -> list[act.Action]:
        """An engine answers: tell the workers, drain the one that it replaces."""
        for name, unit in self.units.items():
            process = unit.starting
            if process is not None and process.id == id:
                old, unit.serving, unit.starting = unit.serving, process, None
                process.since, process.deadline, process.ready = now, None, where
                unit.trouble = ""
                out: list[act.Action] = [
                    act.Note("info", "engine ready", {"engine": name}),
                    act.TellEngine(name),
                ]
                return out + (self._drain(old, self.drain_seconds, now) if old is not None else [])
        return []

    def exited(self, id: int, code: int, how: str, now: float) -> list[act.Action]:
        """An engine process has ended: restart it, unless that was the wish."""
        if self.draining.pop(id, None) is not None:
            return [act.Note("info", "engine drained", {"id": id, "how": how})]
        for name, unit in self.units.items():
            if unit.serving is not None and unit.serving.id == id:
                worked = now - unit.serving.since
                unit.serving = None
                replacement = unit.starting is not None or unit.locating
                out: list[act.Action] = [act.TellEngine(name)]
                return out + self._failed(name, unit, code, how, worked, replacement, now)
            if unit.starting is not None and unit.starting.id == id:
                unit.starting = None
                return self._failed(name, unit, code, how, 0.0, False, now)
        return []

    def stop(self, seconds: float, now: float) -> list[act.Action]:
        """Drain every engine. Done when `empty`."""
        self.stopping = True
        out: list[act.Action] = []
        for unit in self.units.values():
            unit.due, unit.locating = None, False
            for process in (unit.serving, unit.starting):
                out += self._drain(process, seconds, now) if process is not None else []
            unit.serving = unit.starting = None
        return out

    def due(self) -> float | None:
        """When `tick` has something to do next."""
        times = [unit.due for unit in self.units.values()]
        times += [process.deadline for process in self._processes()]
        return min((t for t in times if t is not None), default=None)

    def tick(self, now: float) -> list[act.Action]:
        """Do what is due."""
        out: list[act.Action] = []
        for process in self._processes():
            if process.deadline is not None and process.deadline <= now:
                process.deadline = None
                out.append(act.Note("error", "engine is late: killed", {"id": process.id}))
                out.append(act.KillChild(process.id))
        for unit in self.units.values():
            if unit.due is not None and unit.due <= now:
                out += self._locate(unit)
        return out

    def _processes(self) -> list[Process]:
        present = [p for u in self.units.values() for p in (u.serving, u.starting) if p is not None]
        return present + list(self.draining.values())

    def _locate(self, unit: Unit) -> list[act.Action]:
        unit.due, unit.locating = None, True
        return [act.LocateModel(unit.engine.name, unit.engine.model)]

    def _replace(self, unit: Unit, engine: Engine) -> list[act.Action]:
        unit.engine = engine
        unit.backoff.reset()
        out: list[act.Action] = []
        if unit.starting is not None:
            # It has served nobody yet. Its exit is awaited as that of a drained one.
            self.draining[unit.starting.id] = unit.starting
            out.append(act.KillChild(unit.starting.id))
            unit.starting = None
        return out + self._locate(unit)

    def _drain(self, process: Process, seconds: float, now: float) -> list[act.Action]:
        process.deadline = now + seconds + GRACE
        self.draining[process.id] = process
        return [act.DrainChild(process.id, seconds)]

    def _failed(
        self, name: str, unit: Unit, code: int, how: str, worked: float, replacement: bool, now: float
    ) -> list[act.Action]:
        unit.trouble = f"died: {how}"
        fields: dict[str, str | int | float] = {"engine": name, "how": how}
        if replacement:
            return [act.Note("error", "engine died; its replacement is starting", fields)]
        if code == REFUSED:
            unit.trouble = "cannot work on this machine with these settings (see its log)"
            return [
                act.Note("error", "engine cannot work here: not restarted until its settings change", fields)
            ]
        delay = unit.backoff.failed(worked)
        unit.due = now + delay
        return [act.Note("error", "engine died", {**fields, "restart_in": delay})]
