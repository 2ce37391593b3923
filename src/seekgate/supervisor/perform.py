"""Do what the deciding parts ask for, and tell them what came of it."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from seekgate.config.snapshot import Engine, Snapshot
from seekgate.host import messages as msg
from seekgate.host.processes import describe_exit, python
from seekgate.supervisor import actions as act
from seekgate.supervisor.children import Children
from seekgate.supervisor.companions import Companions
from seekgate.supervisor.engines import Engines
from seekgate.supervisor.home import Home
from seekgate.supervisor.log import Logger
from seekgate.supervisor.loop import Loop, Timer
from seekgate.supervisor.models import Locator
from seekgate.supervisor.rotating import RotatingFile
from seekgate.supervisor.sockets import Sockets
from seekgate.supervisor.workers import Phase, Workers


class Outcomes(Protocol):
    """Who hears of what concerns the node as a whole."""

    def committed(self, number: int) -> None:
        """Every worker runs on this snapshot."""

    def rolled_back(self, number: int, reasons: tuple[str, ...]) -> None:
        """This snapshot was refused."""

    def fatal(self, reason: str) -> None:
        """Starting has failed."""

    def progressed(self) -> None:
        """Something has been done; see whether the node is ready, or gone."""


class Modules(NamedTuple):
    """What to run as a worker and as an engine."""

    worker: str
    engine: str


class Performer:
    """Acts. ``snapshots`` holds every snapshot that a worker may be told of, by number."""

    def __init__(
        self, loop: Loop, home: Home, log: Logger, workers: Workers, engines: Engines, modules: Modules
    ) -> None:
        self.children = Children(loop, home, log)
        self.sockets = Sockets()
        self.snapshots: dict[int, Snapshot] = {}
        self.outcomes: Outcomes | None = None
        self._loop = loop
        self._home = home
        self._log = log
        self._workers = workers
        self._engines = engines
        self._modules = modules
        self._todo: deque[act.Action] = deque()
        self._acting = False
        self._timer: Timer | None = None
        self._logs: dict[str, RotatingFile] = {}
        self.companions = Companions(workers.ids)
        self.locator = Locator(workers.ids, self.children)

    def do(self, actions: Iterable[act.Action]) -> None:
        """Do all of it, in order, with what follows from it."""
        self._todo.extend(actions)
        if self._acting:
            return
        self._acting = True
        try:
            while self._todo:
                self._act(self._todo.popleft())
        finally:
            self._acting = False
        self._set_timer()
        if self.outcomes is not None:
            self.outcomes.progressed()

    def _act(self, action: act.Action) -> None:
        match action:
            case act.SpawnWorker():
                self._spawn_worker(action)
            case act.BeginWorker():
                self._begin_worker(action)
            case act.OfferSnapshot(id, number):
                self.children.send(id, msg.Load(str(self._home.snapshot(number))))
            case act.DrainChild(id, seconds):
                self.children.send(id, msg.Drain(seconds))
            case act.KillChild(id):
                self.children.kill(id)
            case act.LocateModel(name, model):
                self._locate(name, model)
            case act.SpawnEngine():
                self._spawn_engine(action)
            case act.SpawnCompanion(id, name, command):
                self._spawn_companion(id, name, command)
            case act.TellEngine(name):
                self._tell_engine(name)
            case act.Note(level, text, fields):
                self._log.write(level, text, fields)
            case _:
                self._outcome(action)

    def _outcome(self, action: act.Committed | act.RolledBack | act.Fatal) -> None:
        if self.outcomes is None:
            return
        match action:
            case act.Committed(number):
                self.outcomes.committed(number)
            case act.RolledBack(number, reasons):
                self.outcomes.rolled_back(number, reasons)
            case act.Fatal(reason):
                self.outcomes.fatal(reason)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        times = [
            t for t in (self._workers.due(), self._engines.due(), self.companions.due()) if t is not None
        ]
        if times:
            self._timer = self._loop.later(min(times) - self._loop.now(), self._tick)

    def _tick(self) -> None:
        now = self._loop.now()
        self.do([*self._workers.tick(now), *self._engines.tick(now), *self.companions.tick(now)])

    # Workers.

    def _spawn_worker(self, action: act.SpawnWorker) -> None:
        id = action.id
        try:
            self.children.start(
                id,
                f"worker {action.slot}",
                python(self._modules.worker),
                fds=self.sockets.inherited(action.slot),
                on_message=lambda message: self._worker_says(id, message),
                on_exit=lambda code: self._worker_exited(id, describe_exit(code)),
            )
        except OSError as error:
            self._worker_exited(id, f"cannot be started: {error.strerror}")

    def _begin_worker(self, action: act.BeginWorker) -> None:
        snapshot = self.snapshots[action.number]
        listeners = self.sockets.listen_fds(action.slot, snapshot)
        path = str(self._home.snapshot(action.number))
        home = str(self._home.path)
        workers = len(self._workers.slots)
        start = msg.Start(action.slot, action.id, listeners, self.sockets.admin_fd(), path, home, workers)
        self.children.send(action.id, start)
        for state in self._engines.states():
            self.children.send(action.id, state)

    def _worker_says(self, id: int, message: msg.ToSupervisor) -> None:
        now = self._loop.now()
        match message:
            case msg.Ready():
                self.do(self._workers.ready(id, now))
            case msg.Loaded(number):
                self.do(self._workers.loaded(id, number, now))
            case msg.Rejected(number, reason):
                self.do(self._workers.rejected(id, number, reason, now))

    def _worker_exited(self, id: int, how: str) -> None:
        self.do(self._workers.exited(id, how, self._loop.now()))

    # Companions.

    def _spawn_companion(self, id: int, name: str, command: tuple[str, ...]) -> None:
        try:
            self.children.start(
                id,
                name,
                python(*command),
                on_message=lambda _: None,
                on_exit=lambda code: self._companion_exited(id, describe_exit(code)),
            )
        except OSError as error:
            self._companion_exited(id, f"cannot be started: {error.strerror}")

    def _companion_exited(self, id: int, how: str) -> None:
        self.do(self.companions.exited(id, how, self._loop.now()))

    # Engines.

    def _locate(self, name: str, model: str) -> None:
        self.locator.locate(
            model,
            lambda path: self.do(self._engines.located(name, model, path, self._loop.now())),
            lambda reason: self.do(self._engines.missing(name, model, reason, self._loop.now())),
        )

    def _spawn_engine(self, action: act.SpawnEngine) -> None:
        id, name = action.id, action.engine.name
        output = self._logs.setdefault(name, RotatingFile(self._home.log / f"engine-{name}.log"))
        try:
            self.children.start(
                id,
                f"engine {name}",
                engine_command(self._modules.engine, action.engine, action.path),
                on_message=lambda message: self._engine_says(id, message),
                on_exit=lambda code: self._engine_exited(id, code, describe_exit(code)),
                on_output=output.write,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            self._engine_exited(id, 1, f"cannot be started: {error.strerror}")

    def _engine_says(self, id: int, message: msg.ToSupervisor) -> None:
        if isinstance(message, msg.Ready):
            self.do(self._engines.ready(id, message, self._loop.now()))

    def _engine_exited(self, id: int, code: int, how: str) -> None:
        name = self._engines.name_of(id)
        if code and name in self._logs and self._logs[name].last:
            how = f"{how}; last words: {self._logs[name].last}"
        self.do(self._engines.exited(id, code, how, self._loop.now()))

    def _tell_engine(self, name: str) -> None:
        state = self._engines.state(name)
        for worker in self._workers.workers.values():
            if worker.phase is not Phase.BLANK:
                self.children.send(worker.id, state)


def engine_command(module: str, engine: Engine, path: str) -> list[str]:
    """The command line of an engine process."""
    arguments = ["--name", engine.name, "--model", path, "--context", str(engine.context)]
    arguments += ["--slots", str(engine.slots), "--threads", str(engine.threads)]
    return python(module, *arguments, *(["--embeddings"] if engine.embeddings else []))
