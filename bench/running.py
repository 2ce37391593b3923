"""Starting and ending: systems under test, the upstreams behind them, what stands in front of them.

Every process is started in a session of its own, so that none of its children can be missed, and in ``bench/.work``.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import proc
from bench.load import CONFIG, BenchError
from bench.stream import request_body
from bench.systems import (
    EVENTS_PORT,
    FRONTS,
    GOVERNED,
    MODELS,
    PATH,
    STREAMED,
    UPSTREAM_PORT,
    WORK,
    System,
)

QUIET_SECONDS = 0.3
QUIET_SHARE = 0.05
"""A system is quiet when it uses less than this share of a core for so many seconds."""


class Running:
    """A started process with all its children, in a session of its own, so that none of them can be missed."""

    def __init__(
        self, name: str, command: tuple[str, ...], environment: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self._log_path = WORK / f"{name}.log"
        root = str(Path(__file__).parent.parent)
        variables = os.environ | {"PYTHONPATH": root} | (environment or {})
        with self._log_path.open("wb") as log:
            try:
                self._process = subprocess.Popen(
                    command,
                    cwd=WORK,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except FileNotFoundError as error:
                raise BenchError(f"{name}: {command[0]} is not installed") from error
        self.pid = self._process.pid

    def must_live(self) -> None:
        """Raise `BenchError` with the end of its log when the process has ended."""
        if self._process.poll() is not None:
            tail = self._log_path.read_text(errors="replace")[-2000:]
            raise BenchError(f"{self.name} ended with status {self._process.returncode}:\n{tail}")

    def log_tail(self) -> str:
        """The end of what it has printed."""
        return self._log_path.read_text(errors="replace")[-2000:]

    def stop(self, grace: float = 10.0) -> None:
        """SIGTERM, then SIGKILL to whatever is left of the tree after ``grace`` seconds."""
        members = [process.pid for process in proc.tree(self.pid, proc.processes())]
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        for pid in members:
            # The session still tells ours from a stranger that was given the same pid.
            process = proc.processes().get(pid)
            if process is not None and process.session == self.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._process.wait()


def must_be_free(port: int) -> None:
    """Raise `BenchError` when something listens on the port already: its answers would be measured."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise BenchError(f"port {port} is in use; the benchmark needs 18010-18099") from error


@contextlib.contextmanager
def upstream(case: str, events: int = 100, gap: float = 0.02) -> Iterator[Running]:
    """The upstream of a case: instant answers from nginx, or streams of ``events`` events, ``gap`` seconds apart."""
    if case in STREAMED:
        port = EVENTS_PORT
        options = ["--port", str(port), "--events", str(events), "--gap", str(gap)]
        if case == "sse_restore":
            options.append("--echo")
        command: tuple[str, ...] = (sys.executable, "-m", "bench.upstream_sse", *options)
    else:
        port = UPSTREAM_PORT
        command = ("nginx", "-p", str(WORK), "-c", str(CONFIG / "upstream.conf"))
    with _listening("upstream", command, (port,)) as running:
        yield running


@contextlib.contextmanager
def front() -> Iterator[Running]:
    """What brings wrk's plain requests to the systems with a client certificate (see `FRONTS`)."""
    command = ("nginx", "-p", str(WORK), "-c", str(CONFIG / "front.conf"))
    with _listening("front", command, tuple(FRONTS.values())) as running:
        yield running


@contextlib.contextmanager
def _listening(name: str, command: tuple[str, ...], ports: tuple[int, ...]) -> Iterator[Running]:
    """A process from when it listens on its ports until the end of the block."""
    for port in ports:
        must_be_free(port)
    running = Running(name, command)
    try:
        deadline = time.monotonic() + 10
        while not all(_listens(port) for port in ports):
            running.must_live()
            if time.monotonic() > deadline:
                raise BenchError(f"the {name} does not listen on {', '.join(map(str, ports))}")
            time.sleep(0.01)
        yield running
    finally:
        running.stop()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def events_written() -> int:
    """How many events the streaming upstream has written since it started."""
    connection = http.client.HTTPConnection("127.0.0.1", EVENTS_PORT, timeout=10)
    try:
        connection.request("GET", "/count")
        return int(connection.getresponse().read())
    finally:
        connection.close()


@contextlib.contextmanager
def started(target: System, case: str) -> Iterator[tuple[Running, float]]:
    """A fresh start of a system, and the seconds from its birth to its first answer with status 200."""
    for port in set(target.ports.values()):
        must_be_free(port)
    setup = target.setup_for(case)
    for name in setup.leftovers:
        _remove(WORK / name)
    began = time.perf_counter()
    running = Running(target.name, setup.command, setup.environment)
    try:
        refusal = ""
        while True:
            status = _ask(target, case)
            if status == 200:
                break
            refusal = f"status {status}" if status else "no answer"
            running.must_live()
            if time.perf_counter() - began > target.start_timeout:
                raise BenchError(
                    f"{target.name} gave {refusal} for {target.start_timeout} s:\n{running.log_tail()}"
                )
            time.sleep(0.005)
        took = time.perf_counter() - began
        if case in GOVERNED:
            await_quiet(running)
        yield running, took
    finally:
        running.stop()


def await_quiet(running: Running, patience: float = 60.0) -> None:
    """Return when the system does next to nothing any more: what it does once after its start, such as reading its
    database, belongs to the start. Raise `BenchError` when it does not come to rest."""
    deadline = time.monotonic() + patience
    before = proc.cpu_seconds(running.pid)
    while True:
        time.sleep(QUIET_SECONDS)
        running.must_live()
        now = proc.cpu_seconds(running.pid)
        if now - before < QUIET_SHARE * QUIET_SECONDS:
            return
        if time.monotonic() > deadline:
            raise BenchError(f"{running.name} does not come to rest after its start")
        before = now


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _ask(target: System, case: str) -> int:
    """The status of one request of the case, 0 when nobody answers. A stream is left after its head."""
    connection: http.client.HTTPConnection
    if case in ("unary_tls", "mtls"):
        # The certificate is the run's own and signed by nobody; what is measured is the cost of TLS, not trust.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if case == "mtls":
            context.load_cert_chain(WORK / "client.pem", WORK / "client-key.pem")
        connection = http.client.HTTPSConnection("127.0.0.1", target.ports[case], timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", target.ports[case], timeout=10)
    body = request_body(MODELS[case], stream=case in STREAMED)
    try:
        connection.request("POST", PATH, body, target.request_headers(case))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
