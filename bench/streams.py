"""The `streams` case: thousands of concurrent streams of one event a second through one worker."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

from bench import proc
from bench.cases import MB, Effort, idle_worker_mb, window
from bench.load import BenchError, note
from bench.rows import Row
from bench.running import started, upstream
from bench.systems import MODELS, System

GAP = 1.0


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the client reports at its end."""

    streams: int
    correct: int
    failures: dict[str, int]
    p50_ms: float
    p99_ms: float


def parse_report(line: str) -> Seen:
    """Read the client's last line; raises `BenchError` when it is not its report."""
    try:
        return Seen(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise BenchError(f"the stream client gave no report: {line!r}") from error


class Client:
    """The client in a process of its own."""

    def __init__(self, target: System, case: str, effort: Effort) -> None:
        command = [sys.executable, "-m", "bench.stream_client"]
        command += [
            "--port",
            str(target.ports[case]),
            "--model",
            MODELS[case],
            "--streams",
            str(effort.streams),
        ]
        command += ["--ramp", str(effort.ramp), "--events", str(effort.stream_events), "--gap", str(GAP)]
        for name, value in target.request_headers(case).items():
            command += ["--header", f"{name}: {value}"]
        root = Path(__file__).parent.parent
        self._process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)

    def expect(self, word: str) -> None:
        """Wait for a line; raises `BenchError` when another one, or the end, comes instead."""
        line = self.line()
        if line != word:
            raise BenchError(f"the stream client said {line!r} where {word!r} was due")

    def line(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        """End it, if it still runs, and reap it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def streams(target: System, case: str, effort: Effort) -> Row:
    """Open the streams over a ramp, hold them all, let each end by itself; every byte of each is checked.

    Growth is resident memory of all processes at full load, less that after the first answer, for each stream.
    CPU time is per event while all streams are open.
    """
    hold = effort.stream_events * GAP - effort.ramp - 2
    if hold < 2:
        raise BenchError("streams must outlive the ramp: fewer seconds of ramp or more events are needed")
    with upstream(case, effort.stream_events, GAP), started(target, case) as (running, start_s):
        idle = idle_worker_mb(running.pid)
        before = sum(proc.tree_memory(running.pid).values())
        client = Client(target, case, effort)
        try:
            client.expect("full")
            spent, events, elapsed = window(running.pid, hold - 1)
            at_full = sum(proc.tree_memory(running.pid).values())
            client.expect("ended")
            seen = parse_report(client.line())
        finally:
            client.stop()
        running.must_live()
    if seen.failures:
        note(f"{target.name}: {seen.failures}")
    failed = sum(seen.failures.values())
    wrong = sum(count for reason, count in seen.failures.items() if reason.startswith("wrong bytes"))
    return Row(
        case=case,
        system=target.name,
        cpu_us=spent / max(1, events) * 1e6,
        rps=events / elapsed,
        p50_ms=seen.p50_ms,
        p99_ms=seen.p99_ms,
        rss_mb=at_full / MB,
        start_s=start_s,
        extra={
            "streams": seen.streams,
            "wrong_streams": wrong,
            "failed_streams": failed - wrong,
            "kb_per_stream": round((at_full - before) / effort.streams / 1e3, 2),
            "idle_rss_mb": round(idle, 1),
        },
    )
