"""One gateway worker: it is told what to serve over its control connection, serves, and goes when told to.

Everything that happens at intervals happens on one tick: deadlines, the access log's batch, the metrics file, names
looked up again.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from seekgate.config.snapshot import Snapshot
from seekgate.config.snapshot_file import SnapshotError, read_snapshot
from seekgate.gateway.admin import AdminFront
from seekgate.gateway.control import Control
from seekgate.gateway.downstream import Downstream
from seekgate.gateway.front import PublicFront
from seekgate.gateway.handshake import Handshakes, SecureServer
from seekgate.gateway.resolver import Resolver
from seekgate.gateway.sweep import TICK, Sweep
from seekgate.gateway.tls import Doors
from seekgate.gateway.turn import Ticket, Turn
from seekgate.gateway.world import Builder, World
from seekgate.host.clock import Clock
from seekgate.host.complaints import complain, described
from seekgate.host.messages import Drain, EngineState, ListenFd, Load, Loaded, Ready, Rejected, Start
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.pipeline import Pipeline
from seekgate.telemetry.dump import DumpError
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.process import WorkerMetrics
from seekgate.wire.errors import ErrorKind

# Connections that wait in a backlog when draining begins are still accepted, for this long.
LAST_CALL = 0.1
# An idle connection may have a request on its way: it gets this long before it is closed by a draining worker.
IDLE_GRACE = 1.0
# What was cut off at the deadline gets this long to be settled.
SETTLE = 1.0
SECOND = round(1 / TICK)
BACKLOG = 4096
# What the kernel may hold for a client beyond what is on its way to it.
UNSENT_BYTES = 262_144


class Composition(Protocol):
    """What the application plugs into a worker (`seekgate.app`)."""

    async def begin(self, start: Start) -> None:
        """Take up what outlives snapshots (``start.home`` says where it is kept), before anything else is called."""
        ...

    def pipeline(self, snapshot: Snapshot, report: Callable[[str, Exchange, Exception], None]) -> Pipeline:
        """Build the stages for a snapshot; raise `OSError` or `ValueError` when something cannot be read."""
        ...

    def secret(self, reference: str) -> str:
        """Resolve a secret reference; raise `ValueError`."""
        ...

    def refused(self, client: str, kind: ErrorKind) -> None:
        """Log bytes that never became a request."""
        ...

    def prepare(self, snapshot: Snapshot) -> None:
        """Open what the snapshot needs, without using it yet; raise `OSError`."""
        ...

    def adopt(self) -> None:
        """The snapshot that was built and prepared last is in force."""
        ...

    def committing(self) -> Callable[[], Ticket | None] | None:
        """What `Turn.commit` is to be from now on."""
        ...

    def flush(self) -> None:
        """Bring the counts up to date."""
        ...

    def tick(self) -> None:
        """Write out what has been collected."""
        ...

    def close(self) -> None:
        """Write out everything and stop."""
        ...


class Worker:
    """The process. ``run`` returns the exit status."""

    def __init__(self, composition: Composition, metrics: Metrics, clock: Clock, resolver: Resolver) -> None:
        self._composition = composition
        self._metrics = metrics
        self._clock = clock
        self._sweep = Sweep(_broken)
        self._turn = Turn(asyncio.get_running_loop().call_soon, _broken)
        self._builder = Builder(resolver, clock, self._sweep, self._turn, self._count_upstreams)
        self._front: PublicFront | None = None
        self._admin: AdminFront | None = None
        self._handshakes: Handshakes | None = None
        self._servers: list[asyncio.AbstractServer | SecureServer] = []
        self._doors = Doors()
        self._engines: dict[str, EngineState] = {}
        self._control: Control | None = None
        self._done = asyncio.Event()
        self._drain: asyncio.Task[None] | None = None
        self._figures: WorkerMetrics | None = None
        self._metrics_file: Path | None = None
        self._ticks = 0
        self._due = 0.0

    async def run(self, control_fd: int) -> int:
        """Serve until drained. 0: gone as told."""
        asyncio.get_running_loop().set_exception_handler(_handle)
        self._control = await Control.open(control_fd, self._told, self._orphaned, _broken)
        await self._done.wait()
        for server in self._servers:
            server.close()
        # Settled, then written, then closed, which may wait for the log's reader: should that take too long for the
        # supervisor, the counts are safe. What the log lost is known only afterwards.
        for step in (
            self._composition.flush,
            self._write_metrics,
            self._composition.close,
            self._write_metrics,
        ):
            _guarded(step)
        return 0

    # -- what the supervisor says ---------------------------------------------------------------------------------

    def _told(self, message: object) -> None:
        if isinstance(message, Start):
            task = asyncio.get_running_loop().create_task(self._start(message))
            task.add_done_callback(_fail_loudly)
        elif isinstance(message, Load):
            self._load(message.path)
        elif isinstance(message, EngineState):
            self._engines[message.name] = message
            if self._front is not None:
                self._front.world.engine(message)
        elif isinstance(message, Drain):
            self._begin_drain(message.deadline)

    def _orphaned(self) -> None:
        """The supervisor is gone: finish what is in hand, and make room for the next one."""
        front = self._front
        self._begin_drain(front.limits.drain_timeout if front is not None else 0.0)

    async def _start(self, start: Start) -> None:
        await self._composition.begin(start)
        snapshot = read_snapshot(start.snapshot)
        world = self._build(snapshot)
        self._composition.prepare(snapshot)
        worker = f"{start.slot}"
        self._figures = WorkerMetrics(self._metrics, worker, self._clock.wall())
        folder = Path(start.home) / "run" / "metrics"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._metrics_file = folder / f"{start.slot}.json"
        self._restore_metrics()
        prefix = f"req_{os.urandom(6).hex()}"
        self._front = PublicFront(
            world, self._clock, self._sweep, self._turn, self._metrics, prefix, self._composition.refused
        )
        self._handshakes = Handshakes(self._front, self._metrics, self._clock, self._composition.refused)
        self._adopt(world)
        for listener in start.listeners:
            await self._listen(listener, self._front)
        self._note_expiries()
        if start.admin_fd is not None:
            self._admin = AdminFront(
                snapshot.limits, self._clock, self._sweep, self._turn, self._dumps, self._why_not_ready
            )
            await self._listen(ListenFd(start.admin_fd), self._admin)
        # What lives now lives as long as the process: later collections need not look at it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        self._due = self._clock.monotonic() + TICK
        asyncio.get_running_loop().call_later(TICK, self._tick)
        self._say(Ready())

    def _load(self, path: str) -> None:
        front = self._front
        assert front is not None
        number = front.world.snapshot.number
        try:
            snapshot = read_snapshot(path)
            number = snapshot.number
            world = self._build(snapshot)
            doors = self._doors.read(snapshot)
            self._composition.prepare(snapshot)
        except Exception as error:  # noqa: BLE001 - whatever it is, the snapshot in force stays
            if not isinstance(error, (SnapshotError, OSError, ValueError)):
                _broken(error)
            self._metrics.snapshot_loads.labels("rejected").value += 1
            self._say(Rejected(number, str(error)))
            return
        trusted = {door: door.parts.trust for door in self._doors}
        self._doors.use(doors)
        front.use(world)
        front.callers.reconsider(front.connections, trusted)
        self._adopt(world)
        self._metrics.snapshot_loads.labels("loaded").value += 1
        self._say(Loaded(snapshot.number))

    def _build(self, snapshot: Snapshot) -> World:
        pipeline = self._composition.pipeline(snapshot, self._report)
        return self._builder.build(snapshot, pipeline, self._composition.secret)

    def _adopt(self, world: World) -> None:
        """The world is in force. Nothing of this may fail: everything that can was done before."""
        self._builder.retire([world])
        self._count_upstreams()
        self._composition.adopt()
        self._turn.commit = self._composition.committing()
        for state in self._engines.values():
            world.engine(state)
        if self._figures is not None:
            self._figures.snapshot_number.value = world.snapshot.number
        self._note_expiries()

    def _note_expiries(self) -> None:
        for door in self._doors:
            for file, end in door.parts.expiries:
                self._metrics.tls_expiry.labels(door.name, file).value = end

    async def _listen(self, listener: ListenFd, front: PublicFront | AdminFront) -> None:
        accepting = socket.socket(fileno=listener.fd)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            # Accepted connections inherit it. Without it the kernel takes megabytes for a client that reads slowly, and
            # for minutes nothing shows that it reads at all.
            accepting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        door = self._doors.open(listener) if front is self._front else None
        if door is not None and door.parts.context is not None:
            assert self._handshakes is not None
            self._servers.append(SecureServer(self._handshakes, door, accepting))
            return
        server = await asyncio.get_running_loop().create_server(
            lambda: Downstream(front, door), sock=accepting, backlog=BACKLOG
        )
        self._servers.append(server)

    # -- leaving --------------------------------------------------------------------------------------------------

    def _begin_drain(self, deadline: float) -> None:
        if self._front is None:
            self._done.set()
        elif self._drain is None:
            self._drain = asyncio.get_running_loop().create_task(self._leave(deadline))
            self._drain.add_done_callback(_fail_loudly)

    async def _leave(self, deadline: float) -> None:
        """Answer what was read and what waits in the backlog, with ``Connection: close``; then go."""
        front = self._front
        assert front is not None
        started = self._clock.monotonic()
        front.draining = True
        await asyncio.sleep(LAST_CALL)
        for server in self._servers:
            server.close()
        while (waited := self._clock.monotonic() - started) < deadline and (
            front.connections or front.nobodies or (self._handshakes and waited < IDLE_GRACE)
        ):
            if waited >= IDLE_GRACE:
                for down in [c for c in front.connections if c.idle]:
                    down.close()
            await asyncio.sleep(TICK / 2)
        for down in list(front.connections):
            down.abort()
        # A connection learns of its end one or more turns of the loop later, and may then leave its upstream to nobody.
        ending = self._clock.monotonic() + SETTLE
        while self._metrics.in_flight.value and self._clock.monotonic() < ending:
            for nobody in list(front.nobodies):
                nobody.give_up()
            await asyncio.sleep(0.01)
        self._done.set()

    # -- intervals ------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = self._clock.monotonic()
        lag = now - self._due
        try:
            self._work(now, lag)
        finally:
            self._due = now + TICK
            loop.call_later(TICK, self._tick)

    def _work(self, now: float, lag: float) -> None:
        """What is done at each tick; a part that fails takes no other with it."""
        figures = self._figures
        assert figures is not None
        if lag > figures.loop_lag.value:
            figures.loop_lag.value = round(lag, 6)
        _guarded(self._turn.adapt)
        _guarded(lambda: self._sweep.tick(now))
        _guarded(self._composition.tick)
        self._ticks += 1
        if self._ticks % SECOND == 0:
            _guarded(lambda: self._builder.tick(now))
            _guarded(self._write_metrics)
            figures.loop_lag.value = 0.0

    def _write_metrics(self) -> None:
        if self._metrics_file is None or self._figures is None:
            return
        self._figures.sample()
        scratch = self._metrics_file.with_suffix(".tmp")
        # A full disk costs the other workers' view of this one, never its traffic.
        with contextlib.suppress(OSError):
            scratch.write_bytes(self._metrics.registry.dump(self._clock.wall()))
            scratch.replace(self._metrics_file)

    def _restore_metrics(self) -> None:
        assert self._metrics_file is not None
        try:
            self._metrics.registry.restore(self._metrics_file.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, DumpError) as error:
            complain("the metrics of the worker before this one cannot be read", error=str(error))

    def _dumps(self) -> Iterator[bytes]:
        """Every worker's metrics: our own as they are now, the others' as they last wrote them."""
        self._composition.flush()
        yield self._metrics.registry.dump(self._clock.wall())
        own = self._metrics_file
        if own is None:
            return
        for path in sorted(own.parent.glob("*.json")):
            if path != own:
                with contextlib.suppress(FileNotFoundError):
                    yield path.read_bytes()

    def _count_upstreams(self) -> None:
        gauge = self._metrics.upstream_connections
        for child in gauge.children.values():
            child.value = 0  # a provider that is gone has none
        for name, (idle, busy) in self._builder.connections().items():
            gauge.labels(name, "idle").value = idle
            gauge.labels(name, "busy").value = busy

    # -- saying ---------------------------------------------------------------------------------------------------

    def _why_not_ready(self) -> str:
        front = self._front
        if front is None:
            return "starting"
        return "draining" if front.draining else ""

    def _report(self, stage: str, x: Exchange, error: Exception) -> None:
        complain("a stage failed", stage=stage, request=x.id, error=described(error))

    def _say(self, message: Ready | Loaded | Rejected) -> None:
        if self._control is not None:
            self._control.send(message)


def _guarded(step: Callable[[], None]) -> None:
    try:
        step()
    except Exception as error:  # noqa: BLE001 - reported; the rest of the tick, and later ticks, go on
        _broken(error)


def _broken(error: Exception) -> None:
    complain("an error that must not happen, please report it", error=described(error))


def _handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody caught: asyncio has closed the connection that it came from."""
    error = context.get("exception")
    if isinstance(error, Exception):
        _broken(error)
    else:
        complain(str(context.get("message", "an error in the event loop")))


def _fail_loudly(task: asyncio.Task[None]) -> None:
    """A worker that cannot start or leave must not linger: the supervisor sees its end and its reason."""
    if not task.cancelled() and (error := task.exception()) is not None:
        complain("the worker has to stop", error=f"{type(error).__name__}: {error}")
        os._exit(1)
