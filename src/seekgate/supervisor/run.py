"""The supervisor at work: it acts on what `workers` and `engines` decide, and never handles traffic.

The order of a start: lock, compiler and first workers at once (they import while the configuration is compiled),
sockets, workers, engines, greeting. The order of an end: our copies of the sockets are closed, workers accept what
waits, answer and exit, engines follow, and the record of our children is removed last.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import msgspec

from seekgate.config.snapshot import Snapshot
from seekgate.host.notify import Notifier
from seekgate.host.processes import forgo_core_dumps
from seekgate.supervisor import greeting, sockets
from seekgate.supervisor.companions import EARLY, commands_for
from seekgate.supervisor.compiling import Compilation
from seekgate.supervisor.engines import Engines
from seekgate.supervisor.home import Home, LockedError
from seekgate.supervisor.inputs import Inputs, same
from seekgate.supervisor.log import Logger
from seekgate.supervisor.loop import Loop
from seekgate.supervisor.perform import Modules, Performer
from seekgate.supervisor.predecessor import Predecessor
from seekgate.supervisor.watch import INTERVAL, FileWatch, files_of
from seekgate.supervisor.workers import Workers

ENGINE_DRAIN = 5.0
"""Seconds for the engines to end once no worker is left that could ask them anything."""


class Options(msgspec.Struct, frozen=True):
    """What the command line says. ``config`` None is the built-in configuration; ``workers`` 0 what it says.

    The modules are what runs as a worker and as an engine: others can stand in that speak `seekgate.host.messages`.
    """

    home: str
    config: str | None = None
    workers: int = 0
    json: bool = False
    engines: bool = True
    worker_module: str = "seekgate.app"
    engine_module: str = "seekgate.engine"


class Supervisor:
    """One node. `run` returns the process's exit code: 0 after an end in order."""

    def __init__(self, options: Options, home: Home, log: Logger) -> None:
        self._options = options
        self._home = home
        self._log = log
        self._ids = count(1)
        self._loop = Loop()
        self._workers = Workers(self._ids)
        self._engines = Engines(self._ids)
        modules = Modules(options.worker_module, options.engine_module)
        self._performer = Performer(self._loop, home, log, self._workers, self._engines, modules)
        self._performer.outcomes = self
        self._children = self._performer.children
        self._children.after_exit = self._finish
        self._sockets = self._performer.sockets
        self._do = self._performer.do
        self._notifier = Notifier.from_environment(os.environ, os.getpid())
        self._predecessor = Predecessor(home, log)
        self._watch = FileWatch(files_of(options.config, None))
        self._snapshot: Snapshot | None = None
        self._bound: Snapshot | None = None
        self._inputs = Inputs(home, options.config, os.environ)
        self._fingerprint = ""
        self._unverified: Snapshot | None = None
        self._compiler = 0
        self._compiling = False
        self._reload_again = False
        self._announced = False
        self._waiting_said = False
        self._stopping = False
        self._stopped = False
        self._exit_code = 0

    # The start.

    def run(self) -> int:
        """Serve until told to stop. Call it with the home's lock held."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            self._loop.on_signal(signum, self._stop)
        had_terminal, ignored = _has_terminal(), signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        self._loop.on_signal(signal.SIGHUP, lambda: self._hung_up(had_terminal and not ignored))
        self._loop.on_signal(signal.SIGUSR2, lambda: self._do(self._workers.roll(self._loop.now())))
        self._predecessor.meet()
        self._home.tidy()
        if self._options.config is None:
            self._home.make_demo_key()
        self._loop.later(INTERVAL, self._look_at_files)
        if self._notifier.watchdog is not None:
            self._feed_watchdog(self._notifier.watchdog / 2)
        self._notifier.status("starting")
        if not self._begin_with_last_good():
            self._compile()
            self._speculate()
        self._loop.run()
        return self._exit_code

    def _begin_with_last_good(self) -> bool:
        last = self._inputs.snapshot()
        if last is None:
            return False
        try:
            self._home.restore(last.number)
        except OSError:
            return False
        self._unverified = last
        self._performer.snapshots[last.number] = last
        self._bind(last)
        return True

    def _speculate(self) -> None:
        """Start workers as the last good snapshot had them; most starts are like the one before."""
        last = self._home.read_last_good()
        try:
            families = [sockets.family(each) for each in last.listeners] if last else [socket.AF_INET]
            admin = (sockets.family(last.admin) if last.admin else None) if last else socket.AF_INET
        except sockets.BindError:
            return
        workers = self._options.workers or (last.workers if last else 1)
        self._sockets.open(families, admin, workers)
        self._do(self._workers.speculate(workers, self._loop.now()))

    def _compile(self) -> None:
        self._compiling = True
        self._fingerprint = self._inputs.fingerprint()
        self._compiler = next(self._ids)
        try:
            Compilation(
                self._compiler, self._children, self._loop, self._home, self._options.config, self._compiled
            )
        except OSError as error:
            self._compiled(None, [f"the compiler cannot be started: {error.strerror}"])

    def _compiled(self, snapshot: Snapshot | None, said: list[str]) -> None:
        self._compiling = False
        verified, self._unverified = self._unverified, None
        if self._stopping:
            return
        if snapshot is None and self._bound is None:
            self._fail("the configuration cannot be used", said)
        elif snapshot is None:
            self._log.error("the new configuration cannot be used: nothing changes", detail=said)
            self._reloaded()
        elif verified is not None and same(verified, snapshot):
            self._home.discard(snapshot.number)
            self._reload_if_asked()
        else:
            for line in said:
                self._log.warning(line)
            self._performer.snapshots[snapshot.number] = snapshot
            if self._bound is None:
                self._bind(snapshot)
            else:
                self._do(self._workers.offer(snapshot.number, self._loop.now()))

    def _bind(self, snapshot: Snapshot) -> None:
        """Take the addresses, and begin. A killed predecessor's workers may still hold them for a moment."""
        if self._stopping:
            return
        workers = self._options.workers or snapshot.workers
        try:
            if not self._sockets.fits(snapshot):
                self._do(self._workers.abandon())
                self._sockets.close()
                families = [sockets.family(each) for each in snapshot.listeners]
                self._sockets.open(
                    families, sockets.family(snapshot.admin) if snapshot.admin else None, workers
                )
            self._sockets.bind(snapshot, workers)
        except sockets.BindError as error:
            if error.busy and self._predecessor.may_go(self._loop.now()):
                self._loop.later(0.05, lambda: self._bind(snapshot))
            else:
                self._fail(str(error))
            return
        self._bound = snapshot
        self._use(snapshot)
        now = self._loop.now()
        self._do(self._workers.begin(snapshot.number, workers, now))
        self._do(self._engines.want(snapshot.engines if self._options.engines else {}, now))

    def _use(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._workers.drain_seconds = self._engines.drain_seconds = snapshot.limits.drain_timeout
        self._watch.again(files_of(self._options.config, snapshot))

    def _greet(self) -> None:
        """Say once that the node is ready, when it is, or which engine it waits for."""
        if self._announced or self._stopping or self._snapshot is None or not self._workers.all_ready:
            return
        if not self._engines.settled:
            if not self._waiting_said:
                self._waiting_said = True
                waiting = [n for n, u in self._engines.units.items() if not (u.serving or u.trouble)]
                self._log.info("gateway ready, waiting for engines", engines=", ".join(waiting))
            return
        self._announced = True
        engines = {name: "" if unit.serving else unit.trouble for name, unit in self._engines.units.items()}
        urls = greeting.base_urls(self._bound or self._snapshot, self._sockets.addresses)
        admin = self._sockets.admin_address
        if self._options.json:
            text = greeting.for_scripts(urls, admin, os.getpid(), len(self._workers.slots), engines)
        else:
            text = greeting.for_people(self._snapshot, urls, admin, self._home.demo_key, engines)
        try:
            print(text, flush=True)
        except OSError:
            self._log.warning("nobody reads standard output")
        self._ready()
        if self._unverified is not None and not self._compiling:
            self._compile()

    def _accompany(self) -> None:
        """Run what there is to run beside the workers, most of it once these are ready: they need the processor."""
        companions, ready = self._performer.companions, self._workers.all_ready
        if self._snapshot is not None and not self._stopping and (ready or companions.none_yet):
            wanted = commands_for(self._snapshot, self._home.path, len(self._workers.slots))
            wanted = wanted if ready else {name: wanted[name] for name in EARLY & wanted.keys()}
            if actions := companions.want(wanted, self._loop.now()):
                self._do(actions)

    def _ready(self) -> None:
        number = self._snapshot.number if self._snapshot is not None else 0
        text = f"serving on snapshot {number} with {len(self._workers.slots)} workers"
        self._notifier.ready(text, os.getpid())

    # Changes.

    def _reload(self) -> None:
        if self._stopping:
            return
        if self._compiling or self._workers.offering or not self._workers.committed:
            self._reload_again = True
            return
        # What is compiled now is loaded even if it is the same: certificates and secrets may have changed.
        self._unverified = None
        self._notifier.reloading("reloading the configuration")
        self._compile()

    def _reloaded(self) -> None:
        """A reload has ended, well or not."""
        if self._announced:
            self._ready()
        self._reload_if_asked()

    def _reload_if_asked(self) -> None:
        if self._reload_again:
            self._reload_again = False
            self._reload()

    def committed(self, number: int) -> None:
        """Every worker runs on this snapshot: it is the one that later workers begin with."""
        before, after = self._snapshot, self._performer.snapshots[number]
        try:
            if self._unverified is None:
                self._home.keep_good(number, self._workers.awaited)
                self._inputs.keep(number, self._fingerprint)
        except OSError as error:
            self._log.warning("cannot keep the last good snapshot", reason=error.strerror)
        self._performer.snapshots = {number: after}
        self._use(after)
        if before is None or before.number == number:
            self._reload_if_asked()
            return
        for what in self._needs_restart(self._bound or before, after):
            self._log.warning("this change needs a restart of the supervisor", what=what)
        self._log.info("configuration in force", snapshot=number, digest=after.digest)
        self._do(self._engines.want(after.engines if self._options.engines else {}, self._loop.now()))
        self._reloaded()

    def rolled_back(self, number: int, reasons: tuple[str, ...]) -> None:
        """A worker refused this snapshot: nothing changes."""
        del self._performer.snapshots[number]
        self._home.discard(number)
        self._log.error("the new configuration cannot be served: nothing changes", detail=reasons)
        self._reloaded()

    def _needs_restart(self, before: Snapshot, after: Snapshot) -> list[str]:
        workers = "number of workers"
        different = not self._options.workers and before.workers != after.workers
        return sockets.moved(before, after) + ([workers] if different else [])

    def _look_at_files(self) -> None:
        if self._watch.changed():
            self._log.info("a configuration file has changed: reloading")
            self._reload()
        self._accompany()
        self._loop.later(INTERVAL, self._look_at_files)
        if not self._announced and not self._stopping:
            # A model may take minutes to fetch; the service manager should not give up meanwhile.
            self._notifier.extend(30.0)

    def _feed_watchdog(self, every: float) -> None:
        self._notifier.alive()
        self._loop.later(every, lambda: self._feed_watchdog(every))

    # The end.

    def _hung_up(self, from_terminal: bool) -> None:
        """SIGHUP asks for a reload, unless it says that the terminal that we were started from is gone."""
        if from_terminal and not _has_terminal():
            self._stop()
            return
        self._log.info("SIGHUP: reloading")
        self._reload()

    def _stop(self) -> None:
        if self._stopping:
            self._log.warning("second signal: ending everything at once")
            self._exit_code = 1
            self._children.kill_all()
            return
        self._stopping = True
        seconds = self._workers.drain_seconds
        self._log.info("draining", deadline=seconds)
        self._notifier.stopping("draining")
        self._performer.locator.stop()
        self._children.kill(self._compiler)
        # First our copies: a connection must not enter a backlog that no worker will look at again.
        self._sockets.close()
        self._do(self._workers.stop(seconds, self._loop.now()))
        self._finish()

    def _finish(self) -> None:
        """Go on with the end, as far as it can go now."""
        if not self._stopping or self._workers.workers or self._stopped:
            return
        if not self._engines.stopping:
            # Comes back here when it has been done.
            now = self._loop.now()
            self._do([*self._engines.stop(ENGINE_DRAIN, now), *self._performer.companions.stop(now)])
        elif len(self._children) == 0:
            self._stopped = True
            self._home.forget_children()
            self._log.info("stopped", exit_code=self._exit_code)
            self._loop.stop()

    def fatal(self, reason: str) -> None:
        """Starting has failed for good."""
        self._fail(reason)

    def _fail(self, reason: str, detail: Sequence[str] = ()) -> None:
        self._log.error(reason, detail=detail)
        self._exit_code, self._stopping = 1, True
        self._notifier.stopping(reason)
        self._performer.locator.stop()
        self._children.kill_all()
        self._sockets.close()
        self._do(self._workers.stop(0.0, self._loop.now()))
        self._finish()

    def progressed(self) -> None:
        """Something has been done: see whether the node is ready, or gone."""
        self._greet()
        self._accompany()
        self._finish()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def serve(options: Options) -> int:
    """Run a node; the process's exit code. Everything that goes wrong is told on stderr."""
    log = Logger(sys.stderr, json=not sys.stderr.isatty())
    home = Home(Path(options.home))
    forgo_core_dumps()
    try:
        home.prepare()
        lock = home.lock()
    except LockedError as error:
        log.error(str(error))
        return 1
    except OSError as error:
        log.error(f"cannot use {home.path}: {error.strerror}")
        return 1
    try:
        return Supervisor(options, home, log).run()
    finally:
        os.close(lock)
