"""What each stage costs: the governed configuration's own stages, in this process, under the traffic of `governed`.

    python -m bench.stages            the table
    python -m bench.stages --write    the table into docs/reference/benchmark.md

Requests are taken in turns of sixteen, as a busy worker takes them: a stage works on the requests of a turn, then the
next stage does. The time is the thread's CPU time, and a figure is the median over rounds. In a worker the kernel, the
parser and the relay stand between, so that less is in the processor's caches: there the sum is higher.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import gc
import os
import random
import re
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import population, rows
from bench.load import CONFIG, BenchError, note
from bench.systems import HOME, PATH, WORK, system
from bench.tls import make_certificates
from bench.traffic import KEYS, api_key, prompts, ranks
from seekgate.app import Application
from seekgate.compiler import compile_file
from seekgate.config.home import pattern_folder
from seekgate.config.snapshot import Snapshot
from seekgate.host.clock import SystemClock
from seekgate.host.messages import Start
from seekgate.pipeline.exchange import Attempt, Endpoint, Exchange
from seekgate.pipeline.pipeline import Pipeline
from seekgate.stages.guard.compile import warm
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from seekgate.wire import usage
from seekgate.wire.message import Request

TURN = 16
PAGE = Path(__file__).parent.parent / "docs" / "reference" / "benchmark.md"
BEGIN, END = "<!-- stages: begin -->", "<!-- stages: end -->"
KEPT = ("rows", "secrets", "patterns", "detectors")
_ENDPOINT = Endpoint("chat", "/chat/completions")
_NAMES = {
    "Identity": "identity",
    "Decode": "decode",
    "Privacy": "privacy",
    "Guard": "guard",
    "Route": "route",
    "Access": "access",
    "Quota": "quota",
    "AuditOpen": "audit: open record",
    "AuditClose": "audit: close record",
    "Metering": "metering",
    "AccessLog": "access log: record and encoding",
}
JOURNAL = "journal: framing and writing"
LOG = "access log: writing"
REST = "sockets, HTTP, relay and the loop"

Hook = Callable[..., object]
Hooks = list[tuple[str, Hook]]


@dataclasses.dataclass
class Cost:
    """Nanoseconds of one stage in a round, on the way in, on the answer, and at settlement."""

    request: int = 0
    answer: int = 0
    end: int = 0


class Round:
    """Costs by stage, in the order in which they were first met."""

    def __init__(self) -> None:
        self.costs: dict[str, Cost] = {}

    def of(self, name: str) -> Cost:
        """The cost of a stage, to be added to."""
        return self.costs.setdefault(name, Cost())


class Bed:
    """A worker's application with nothing around it. ``answer`` is what the upstream says to each request."""

    def __init__(self, application: Application, snapshot: Snapshot, pipeline: Pipeline, log: int) -> None:
        self._application = application
        self._log = log
        self._answer = instant_answer()
        self._known = usage.from_body(self._answer)
        self._pipeline = pipeline
        # The hooks as the pipeline has them; nobody else needs to see them one by one.
        self._request: Hooks = [(named(hook), hook) for _, hook in pipeline._request]
        self._chunk: Hooks = [(named(hook), hook) for hook in pipeline._chunk]
        ends: Hooks = [(named(hook), hook) for hook in pipeline._ends[-1]]
        self._ends = [(name, hook) for name, hook in ends if name != "Batch"]
        batches = [hook.__self__ for name, hook in ends if name == "Batch"]  # type: ignore[attr-defined]
        self._observers = [(named(one.on_end), one.on_end) for batch in batches for one in batch._observers]
        self._commit = application.committing()

    def run(self, requests: Sequence[Request]) -> Round:
        """One round. Raise `BenchError` when a request is not let through."""
        found = Round()
        for at in range(0, len(requests), TURN):
            self._turn(found, requests[at : at + TURN], at)
        # What is left for the worker's tick, which writes the log.
        lines = b"".join(self._application._lines)
        self._application._lines.clear()
        began = time.thread_time_ns()
        os.write(self._log, lines)
        found.of(LOG).end += time.thread_time_ns() - began
        self._application.tick()
        return found

    def _turn(self, found: Round, requests: Sequence[Request], at: int) -> None:
        now, wall = time.monotonic(), time.time()
        turn = [
            Exchange(one, _ENDPOINT, f"req_bench{at + n:x}", "127.0.0.1", now, wall, -1, len(one.body))
            for n, one in enumerate(requests)
        ]
        for name, hook in self._request:
            found.of(name).request += timed(hook, turn, refused)
        found.of(JOURNAL).request += self._committed()
        for x in turn:
            self._answered(x, now)
        inspected = [x for x in turn if x.inspected]
        for name, hook in self._chunk:
            found.of(name).answer += timed(hook, inspected, None, self._answer)
        for x in turn:
            x.tree, x.request.body = None, b""
        for name, hook in (*self._ends, *self._observers):
            found.of(name).end += timed(hook, turn)
        found.of(JOURNAL).end += self._committed()

    def _committed(self) -> int:
        if self._commit is None:
            return 0
        began = time.thread_time_ns()
        self._commit()
        return time.thread_time_ns() - began

    def _answered(self, x: Exchange, now: float) -> None:
        """What the gateway notes of an answer (`seekgate.gateway.usual.take_whole`)."""
        deployment = x.deployment = x.candidates[0]
        x.attempts.append(Attempt(deployment.id, now, "answered", 200))
        x.outcome, x.status, x.first_event_at = "answered", 200, now
        x.bytes_out = len(self._answer)
        x.usage, x.served_model, x.fingerprint, x.finish_reason = self._known
        x.ended_at = now + 0.001


def timed(
    hook: Hook, turn: Sequence[Exchange], judge: Callable[[object], None] | None = None, *more: object
) -> int:
    """Nanoseconds of CPU for a hook over the exchanges of a turn; ``judge`` sees what it returned, afterwards."""
    began = time.thread_time_ns()
    verdicts = [hook(x, *more) for x in turn]
    took = time.thread_time_ns() - began
    if judge is not None:
        for verdict in verdicts:
            judge(verdict)
    return took


def refused(verdict: object) -> None:
    """Raise `BenchError` for a verdict that does not let the request pass."""
    if verdict is not None:
        raise BenchError(f"a request was not let through: {verdict}")


def named(hook: Hook) -> str:
    """The name of the stage that a hook is of."""
    return type(getattr(hook, "__self__", hook)).__name__


def instant_answer() -> bytes:
    """What the instant upstream answers, by its configuration."""
    found = re.search(r"return 200 '(.*)';", (CONFIG / "upstream.conf").read_text())
    if found is None:
        raise BenchError("upstream.conf has no answer")
    return found[1].encode()


def sample(seed: int, count: int, keys: int = KEYS) -> list[Request]:
    """Requests as the parser gives them, of so many keys."""
    draw = random.Random(seed)
    bodies = prompts()
    target = PATH.encode()
    return [
        Request(
            b"POST",
            target,
            {
                b"host": b"127.0.0.1:18035",
                b"content-type": b"application/json",
                b"authorization": b"Bearer " + api_key(key).encode(),
            },
            draw.choice(bodies).body,
            True,
            False,
        )
        for key in ranks(draw, count, keys)
    ]


async def measure(
    home: Path, rounds: int, count: int, config: Path = CONFIG / "governed.yaml", keys: int = KEYS
) -> list[Round]:
    """Build the application as a worker does, warm it up, and run the rounds of ``count`` requests."""
    setup = system("seekgate").setup_for("governed")
    os.environ.update({name: value for name, value in setup.environment.items() if name.startswith("BENCH_")})
    snapshot = compile_file(config, 1, home=home)
    warm(snapshot.guard, pattern_folder(home))
    application = Application(Metrics(Registry()), SystemClock())
    await application.begin(Start(0, 0, (), None, "", str(home)))

    def report(stage: str, x: Exchange, error: Exception) -> None:
        raise BenchError(f"{stage} failed") from error

    pipeline = application.pipeline(snapshot, report)
    application.prepare(snapshot)
    application.adopt()
    thresholds = gc.get_threshold()
    log = os.open(home / "access.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        bed = Bed(application, snapshot, pipeline, log)
        bed.run(sample(0, 5 * count, keys))
        # As a worker does once it has started.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        return [bed.run(sample(1 + number, count, keys)) for number in range(rounds)]
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        os.close(log)
        application.close()


def scratch_home() -> Path:
    """A home with the population's rows and secrets, and a journal of its own."""
    population.prepare(HOME)
    home = WORK / "stages"
    if home.exists():
        shutil.rmtree(home)
    (home / "run").mkdir(mode=0o700, parents=True)
    for name in KEPT:
        (HOME / name).mkdir(mode=0o700, exist_ok=True)
        (home / name).symlink_to(HOME / name)
    return home


def medians(found: Sequence[Round], count: int) -> dict[str, tuple[float, float, float]]:
    """Stage → microseconds a request: on the way in, on the answer, at settlement."""
    names = list(dict.fromkeys(name for one in found for name in one.costs))
    return {
        name: (
            statistics.median(one.of(name).request for one in found) / count / 1e3,
            statistics.median(one.of(name).answer for one in found) / count / 1e3,
            statistics.median(one.of(name).end for one in found) / count / 1e3,
        )
        for name in names
    }


def table(costs: dict[str, tuple[float, float, float]], whole: float | None = None) -> str:
    """A Markdown table. With ``whole``, what a request costs in all (µs), the rest is shown too."""
    lines = [
        "| stage | request µs | answer µs | settlement µs | together µs |",
        "|---|---:|---:|---:|---:|",
    ]
    total = 0.0
    for name, parts in costs.items():
        total += sum(parts)
        shown = " | ".join(f"{part:.2f}" if part else "" for part in parts)
        lines.append(f"| {_NAMES.get(name, name)} | {shown} | {sum(parts):.2f} |")
    lines.append(f"| **all of these** | | | | **{total:.2f}** |")
    if whole is not None:
        lines.append(f"| {REST} | | | | {whole - total:.2f} |")
        lines.append(f"| **the case `governed`** | | | | **{whole:.2f}** |")
    return "\n".join(lines) + "\n"


def whole_cost(folder: Path) -> float | None:
    """What the newest results say of the case `governed`; None when it is not among them."""
    if not (folder / "latest.json").exists():
        return None
    found = [row for row in rows.read(folder) if (row.case, row.system) == ("governed", "seekgate")]
    return found[0].cpu_us if found else None


def put(text: str, page: str) -> str:
    """The page with the table between the marks. Raise `BenchError` when it has none."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"{PAGE.name} has no {BEGIN} … {END}")
    return f"{head}{BEGIN}\n\n{text}\n{END}{tail}"


def main(arguments: list[str] | None = None) -> int:
    """0 when the table was made, 2 when it could not be."""
    parser = argparse.ArgumentParser(prog="python -m bench.stages", description="What each stage costs.")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--requests", type=int, default=4000, help="of each round")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    options = parser.parse_args(arguments)
    WORK.mkdir(exist_ok=True)
    make_certificates(WORK)
    try:
        found = asyncio.run(measure(scratch_home(), options.rounds, options.requests))
        text = table(medians(found, options.requests), whole_cost(options.results))
        if options.write:
            PAGE.write_text(put(text, PAGE.read_text()))
    except BenchError as error:
        note(f"stages: {error}")
        return 2
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
