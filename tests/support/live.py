"""A whole node for live tests: the command `seekgate serve`, started as an operator starts it.

It runs in a home of its own, on ports that the system chooses, with an environment that names nothing of this machine.
`Gateway.end` leaves no process behind, however far a test came.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import yaml

from tests.support import processes
from tests.support.model import small_model
from tests.support.processes import Process
from tests.support.until import until

COMMANDS = Path(sys.executable).parent
SEEKGATE = str(COMMANDS / "seekgate")

KEY = "sk-live-tests-0123456789abcdef"
"""What clients present."""

UPSTREAM_KEY = "sk-upstream-0123456789"
"""What the gateway presents to the emulator."""


def settings(upstream: str | None = None, *, engine: bool = False, **more: Any) -> dict[str, Any]:
    """A configuration: the emulator's models when ``upstream`` is its base URL, the small model with ``engine``."""
    found: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "limits": {"drain_timeout": "10s"},
        "keys": [{"name": "live", "secret": "env:LIVE_KEY"}],
        "providers": {},
        "models": {},
        "routes": [{"prefix": "/api/v1/deepseek"}],
    }
    if upstream is not None:
        add_emulator(found, upstream)
    if engine:
        add_engine(found)
    return {**found, **more}


def add_emulator(found: dict[str, Any], upstream: str) -> None:
    """DeepSeek's models and an embedding model, at ``upstream``."""
    found["providers"]["deepseek"] = {
        "type": "deepseek",
        "base_url": upstream,
        "key": "env:UPSTREAM_KEY",
        "timeouts": {"connect": "2s"},
    }
    found["models"] |= {
        "deepseek-flash": {"aliases": ["deepseek-v4-flash"], "deployments": [{"provider": "deepseek"}]},
        "deepseek-v4-pro": {"deployments": [{"provider": "deepseek"}]},
        "emulated-embedding": {
            "deployments": [{"provider": "deepseek", "capabilities": ["embeddings"]}],
        },
    }


def add_engine(found: dict[str, Any], **more: Any) -> None:
    """The small model on an engine of this node, with one compute thread: other tests run beside."""
    engine = {"model": str(small_model()), "context": 1024, "slots": 2, "threads": 1, **more}
    found["engines"] = {"small": engine}
    found["providers"]["local"] = {"type": "llamacpp", "engine": "small"}
    found["models"]["small"] = {"deployments": [{"provider": "local"}]}


class Gateway:
    """`start` it, and `end` it in every case.

    ``lines`` is what its log (stderr) has said, decoded; ``access`` (after `stop` at the latest) its access log.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any] | None,
        *,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """``folder`` takes home, configuration and logs. ``prefix`` is a command that executes the rest of its line.

        Without ``config`` the built-in configuration is served.
        """
        self.folder = folder
        self.home = folder / "home"
        self.file = folder / "seekgate.yaml"
        self.access_file = folder / "access.log"
        self.lines: list[dict[str, Any]] = []
        self.printed: list[str] = []
        self.ready: dict[str, Any] = {}
        self.process: subprocess.Popen[str] | None = None
        self._command = [*prefix, SEEKGATE, "serve", *arguments]
        self._environment = dict(environment or {})
        self._family: dict[int, Process] = {}
        self._readers: list[threading.Thread] = []
        folder.mkdir(parents=True, exist_ok=True)
        if config is not None:
            self.serve(config)

    def serve(self, config: Mapping[str, Any] | str) -> Gateway:
        """Serve this configuration, a mapping or YAML, and say so in JSON when ready."""
        self.write(config)
        self._command += ["--config", str(self.file), "--json"]
        return self

    def set(self, name: str, value: str) -> None:
        """Set a variable of the environment for the next start."""
        self._environment[name] = value

    def write(self, config: Mapping[str, Any] | str) -> None:
        """Replace the configuration file, whole at once; a running node notices it."""
        if not isinstance(config, str):
            config = yaml.safe_dump({"access_log": str(self.access_file), **config}, sort_keys=False)
        beside = self.file.with_suffix(".new")
        beside.write_text(config)
        beside.replace(self.file)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of this machine's own: a proxy or a key that is set here must not take part."""
        return {
            "PATH": f"{COMMANDS}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "SEEKGATE_HOME": str(self.home),
            "LIVE_KEY": KEY,
            "UPSTREAM_KEY": UPSTREAM_KEY,
            **self._environment,
        }

    def launch(self) -> subprocess.Popen[str]:
        """Start the process and do not wait for it to be ready."""
        self.ready = {}
        self.printed.clear()
        self.process = subprocess.Popen(
            self._command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self._printed), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self._said), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        return self.process

    def start(self, patience: float = 120.0) -> Gateway:
        """Start the process and wait until it says that it is ready, for ``patience`` seconds at most."""
        process = self.launch()
        until(lambda: self.ready or process.poll() is not None, "the node to be ready", patience)
        if not self.ready:
            raise AssertionError(f"ended with {process.wait()} before it was ready: {self.lines}")
        self.note_family()
        return self

    def _read(self, stream: IO[str], take: Any) -> None:
        for line in stream:
            take(line)

    def _printed(self, line: str) -> None:
        self.printed.append(line)
        if line.startswith('{"ready"'):
            self.ready = json.loads(line)
        elif line.startswith("curl"):
            self.ready = {"curl": line.rstrip("\n")}

    def _said(self, line: str) -> None:
        self.lines.append(json.loads(line) if line.startswith("{") else {"message": line})

    # Where it is.

    @property
    def url(self) -> str:
        """The first listener's base URL without a path."""
        return str(self.ready["listen"][0])

    @property
    def port(self) -> int:
        """The first listener's port."""
        return urlsplit(self.url).port or 0

    @property
    def admin(self) -> str:
        """The admin listener's base URL."""
        return str(self.ready["admin"])

    @property
    def pid(self) -> int:
        """The supervisor's pid."""
        assert self.process is not None
        return self.process.pid

    @property
    def workers(self) -> list[Process]:
        """The gateway workers that run now."""
        return processes.workers(self.pid)

    @property
    def engines(self) -> list[Process]:
        """The engines that run now."""
        return processes.engines(self.pid)

    # What it says.

    def said(self, text: str) -> list[dict[str, Any]]:
        """The log's events with this text in their message."""
        return [line for line in list(self.lines) if text in str(line.get("message"))]

    def hears(self, text: str, count: int = 1) -> dict[str, Any]:
        """Wait until the log has said this as often; the last event."""
        until(lambda: len(self.said(text)) >= count, f"the log to say {text!r}, not only {self.lines}")
        return self.said(text)[-1]

    @property
    def access(self) -> list[dict[str, Any]]:
        """The access log so far; its lines come within a second."""
        if not self.access_file.exists():
            return []
        whole = self.access_file.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in whole if line.endswith("\n")]

    def gauge(self, name: str) -> float:
        """The sum of a metric's values over all workers and labels, as `/metrics` has it now."""
        with urlopen(f"{self.admin}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        rows = (line.rpartition(" ") for line in lines if line.partition("{")[0].partition(" ")[0] == name)
        return sum(float(value) for _, _, value in rows)

    # Its end.

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        assert self.process is not None
        self.process.send_signal(signum)

    def note_family(self) -> None:
        """Remember the children of now, so that `end` finds them when they are orphans."""
        self._family |= {each.pid: each for each in processes.children(self.pid)}

    def wait(self) -> int:
        """Wait for the supervisor's end; the exit code."""
        assert self.process is not None
        code = self.process.wait(60)
        for reader in self._readers:
            reader.join(20)
        return code

    def stop(self) -> int:
        """SIGTERM and `wait`."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        """See that nothing of it is left."""
        process = self.process
        if process is None:
            return
        self.note_family()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        processes.end(self._family.values())
        for reader in self._readers:
            reader.join(20)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def gateway(folder: Path, config: Mapping[str, Any] | None, **more: Any) -> Iterator[Gateway]:
    """A started node for a block."""
    node = Gateway(folder, config, **more)
    try:
        yield node.start()
    finally:
        node.end()
