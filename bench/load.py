"""Run wrk and read what it measured."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar, Protocol

CONFIG = Path(__file__).parent / "config"
_MARK = "bench-result: "


class BenchError(Exception):
    """The run cannot give honest figures: a part is missing, did not start, or answered with errors."""


@dataclasses.dataclass(frozen=True)
class Load:
    """What one run of wrk saw. Times in seconds except the latencies, which are in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: dict[str, int]

    @property
    def rps(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def failed(self) -> int:
        """Requests that were refused, cut, late or answered with another status than 2xx or 3xx."""
        return sum(self.errors.values())


def parse(output: str) -> Load:
    """Read the line that ``config/result.lua`` prints; raises `BenchError` when there is none."""
    for line in output.splitlines():
        if line.startswith(_MARK):
            try:
                fields = json.loads(line[len(_MARK) :])
            except ValueError as error:
                raise BenchError(f"wrk printed a result that is not JSON: {line!r}") from error
            break
    else:
        raise BenchError(f"wrk printed no result:\n{output}")
    return Load(
        requests=int(fields["requests"]),
        seconds=fields["duration_us"] / 1e6,
        p50_ms=fields["p50_us"] / 1e3,
        p99_ms=fields["p99_us"] / 1e3,
        errors={name: int(fields[name]) for name in ("connect", "read", "write", "status", "timeout")},
    )


class Requests(Protocol):
    """What wrk sends, by which of the scripts in ``config/``."""

    script: ClassVar[str]

    @property
    def url(self) -> str:
        """Where to."""
        ...

    def environment(self) -> dict[str, str]:
        """The variables that the script reads."""
        ...


@dataclasses.dataclass(frozen=True)
class Request:
    """One fixed request, and where it is sent."""

    url: str
    body: bytes
    headers: dict[str, str]

    script: ClassVar[str] = "load.lua"

    def environment(self) -> dict[str, str]:
        """Body and headers."""
        return {
            "BENCH_BODY": self.body.decode(),
            "BENCH_HEADERS": "\n".join(f"{name}: {value}" for name, value in self.headers.items()),
        }


class Wrk:
    """One run of wrk with one thread, from construction on; `result` waits for its end."""

    def __init__(self, request: Requests, connections: int, seconds: float, timeout: float = 10.0) -> None:
        environment = os.environ | {"BENCH_SCRIPTS": str(CONFIG)} | request.environment()
        self._seconds = seconds
        # wrk takes whole seconds only.
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            f"--timeout={round(timeout)}s",
        ]
        command += ["-s", str(CONFIG / request.script), request.url]
        try:
            self._process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        except FileNotFoundError as error:
            raise BenchError("wrk is not installed (Debian: apt-get install wrk)") from error

    def result(self) -> Load:
        """Wait for the end; raises `BenchError` when wrk failed, got nothing, or any request failed."""
        try:
            output, _ = self._process.communicate(timeout=self._seconds + 60)
        except subprocess.TimeoutExpired as error:
            self.stop()
            raise BenchError("wrk did not end in time") from error
        if self._process.returncode != 0:
            raise BenchError(f"wrk ended with status {self._process.returncode}:\n{output}")
        load = parse(output)
        if load.requests == 0 or load.failed:
            raise BenchError(f"{load.requests} requests answered, failures: {load.errors}\n{output}")
        return load

    def stop(self) -> None:
        """End wrk now, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def drive(request: Requests, connections: int, seconds: float) -> Load:
    """Run wrk to its end."""
    wrk = Wrk(request, connections, seconds)
    try:
        return wrk.result()
    finally:
        wrk.stop()


def note(text: str) -> None:
    """Tell the person who waits what is going on."""
    print(text, file=sys.stderr, flush=True)
