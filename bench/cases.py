"""The cases: one round of one system each, ending in a `Row`."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from bench import proc
from bench.load import Load, Request, Requests, Wrk, drive
from bench.rows import Row
from bench.running import events_written, started, upstream
from bench.stream import personal_body, request_body
from bench.systems import MODELS, System

MB = 1_000_000


@dataclasses.dataclass(frozen=True)
class Effort:
    """How long and how hard a case is driven. Times in seconds."""

    warm_up: float
    seconds: float
    connections: int
    events: int
    gap: float
    streams: int
    ramp: float
    stream_events: int


FULL = Effort(
    warm_up=2, seconds=5, connections=32, events=100, gap=0.02, streams=9_000, ramp=12, stream_events=32
)
QUICK = Effort(
    warm_up=1, seconds=2, connections=32, events=50, gap=0.02, streams=2_000, ramp=3, stream_events=9
)


Report = Callable[[Load, Load], None]


def _ignored(_warmed: Load, _load: Load) -> None:
    return None


def idle_worker_mb(root: int) -> float:
    """Resident set of the largest process of the tree: a worker, or the only process there is."""
    return max(proc.tree_memory(root).values()) / MB


def unary(target: System, case: str, effort: Effort) -> Row:
    """Requests and short answers at full speed, over plain connections or TLS 1.3 ones, kept alive."""
    request = Request(target.url(case), request_body(MODELS[case]), target.request_headers(case))
    return full_speed(target, case, effort, request, request)


def full_speed(
    target: System, case: str, effort: Effort, first: Requests, then: Requests, report: Report = _ignored
) -> Row:
    """Warm up with the ``first`` requests, measure with those ``then``; ``report`` is told what both runs saw."""
    with upstream(case), started(target, case) as (running, start_s):
        idle = idle_worker_mb(running.pid)
        warmed = drive(first, effort.connections, effort.warm_up)
        before = proc.cpu_seconds(running.pid)
        load = drive(then, effort.connections, effort.seconds)
        spent = proc.cpu_seconds(running.pid) - before
        memory = sum(proc.tree_memory(running.pid).values())
        running.must_live()
    report(warmed, load)
    return Row(
        case=case,
        system=target.name,
        cpu_us=spent / load.requests * 1e6,
        rps=load.rps,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        rss_mb=memory / MB,
        start_s=start_s,
        extra={"idle_rss_mb": round(idle, 1)},
    )


def sse(target: System, case: str, effort: Effort) -> Row:
    """100 streams at once, events 20 ms apart. Figures are per event; latencies are what a whole stream came late.

    CPU time and events are read in the middle of the run, when every stream is under way, so that neither the
    opening nor the cutting of streams is charged to the events.
    """
    model = MODELS[case]
    body = personal_body(model) if case == "sse_restore" else request_body(model, stream=True)
    request = Request(target.url(case), body, target.request_headers(case))
    length = effort.events * effort.gap
    seconds = max(effort.seconds, length + 2) + length
    with upstream(case, effort.events, effort.gap), started(target, case) as (running, start_s):
        idle = idle_worker_mb(running.pid)
        wrk = Wrk(request, connections=100, seconds=seconds, timeout=30)
        try:
            time.sleep(1)
            spent, events, elapsed = window(running.pid, seconds - 1.5)
            memory = sum(proc.tree_memory(running.pid).values())
            load: Load = wrk.result()
        finally:
            wrk.stop()
        running.must_live()
    return Row(
        case=case,
        system=target.name,
        cpu_us=spent / events * 1e6,
        rps=events / elapsed,
        p50_ms=max(0.0, load.p50_ms - length * 1e3),
        p99_ms=max(0.0, load.p99_ms - length * 1e3),
        rss_mb=memory / MB,
        start_s=start_s,
        extra={"idle_rss_mb": round(idle, 1)},
    )


def window(root: int, seconds: float) -> tuple[float, int, float]:
    """CPU seconds of the tree, events written by the upstream, and seconds passed, over about ``seconds``."""
    began, events, spent = time.monotonic(), events_written(), proc.cpu_seconds(root)
    time.sleep(seconds)
    spent = proc.cpu_seconds(root) - spent
    events = events_written() - events
    return spent, events, time.monotonic() - began
