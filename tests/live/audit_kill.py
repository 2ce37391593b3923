"""Kill workers under load and hold the ledger against what clients saw: ``python -m tests.live.audit_kill``.

A node of two workers serves two loads, of answers at once and of answers that take a second, while its workers are
killed with SIGKILL, one after another. Then it is stopped, what is left open is closed, and everything is compared:
each request that was answered has its record of the beginning and of the end, each that was left open was never
answered, and the journal verifies.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seekgate.config.compiled.audit import Audit
from seekgate.host.clock import SystemClock
from seekgate.store.journal import names, records
from seekgate.store.journal.keeping import keep
from seekgate.store.journal.searching import Ledger
from seekgate.store.journal.verifying import Report, verify
from tests.support.live import Gateway, settings
from tests.support.live_emulators import emulator_process
from tests.support.live_load import Load, Results, prompts
from tests.support.processes import alive
from tests.support.until import until

FAST, SLOW = "deepseek-flash", "slow"


@dataclass
class Seen:
    """What the ledger says of requests, by their ids: how often each was opened, closed, recorded alone, abandoned."""

    opened: Counter[str]
    closed: Counter[str]
    single: Counter[str]
    abandoned: Counter[str]
    unclosed: set[tuple[str, int]]


@dataclass
class Outcome:
    """What was found. ``problems`` is what was not as demanded."""

    kills: int
    answered: int
    abandoned: int
    records: int
    problems: list[str]


def ledger(home: Path) -> Seen:
    """Read the ledger of a home whose writers have ended."""
    counts: dict[int, Counter[str]] = {kind: Counter() for kind in records.REQUESTS}
    opened: set[tuple[str, int]] = set()
    ended: set[tuple[str, int]] = set()
    for hit in Ledger(names.folder(home)).everything():
        kind = hit.record[0]
        if kind not in counts:
            continue
        key = (hit.segment.writer, hit.record[records.NUMBER])
        if kind == records.OPEN:
            if key in opened:
                continue  # carried over into the next segment
            opened.add(key)
        elif kind == records.CLOSE:
            ended.add(key)
        elif kind == records.ABANDONED:
            ended.add((hit.record[5], hit.record[records.NUMBER]))
        counts[kind][hit.record[records.REQUEST]] += 1
    return Seen(
        counts[records.OPEN],
        counts[records.CLOSE],
        counts[records.SINGLE],
        counts[records.ABANDONED],
        opened - ended,
    )


def compare(seen: Seen, loads: list[tuple[str, Results]], report: Report) -> list[str]:
    """What is not as it has to be."""
    problems = [str(finding) for finding in report.findings]
    unanswered = {each.id for _, results in loads for each in results.unanswered}
    for name, results in loads:
        for number in range(results.sent):
            id = f"{name}-{number}"
            if id in unanswered:
                continue
            if not seen.opened[id] or not seen.closed[id]:
                problems.append(f"{id} was answered, and its records are {seen.opened[id]}+{seen.closed[id]}")
            if seen.abandoned[id]:
                problems.append(f"{id} was answered and is recorded as abandoned")
    strangers = seen.abandoned.keys() - unanswered
    problems += [f"{id} is recorded as abandoned and was not in flight" for id in sorted(strangers)]
    problems += [f"{id} is recorded as abandoned twice" for id, n in seen.abandoned.items() if n > 1]
    problems += [f"request {number} of {writer} has no end" for writer, number in sorted(seen.unclosed)]
    return problems


def configuration(fast: str, slow: str, **audit: Any) -> dict[str, Any]:
    """Two workers, an instant upstream and a slow one, and an audit with small segments."""
    config = settings(fast, workers=2, audit={"segment_size": "1MiB", **audit})
    config["providers"]["slow"] = {**config["providers"]["deepseek"], "base_url": slow}
    config["models"][SLOW] = {"deployments": [{"provider": "slow", "model": FAST}]}
    return config


def run(folder: Path, kills: int, rate: float, audit: dict[str, Any] | None = None) -> Outcome:
    """Start, load, kill, stop, compare."""
    with ExitStack() as stack:
        fast = stack.enter_context(emulator_process("--instant"))
        slow = stack.enter_context(emulator_process("--always", "latency=600ms"))
        gateway = Gateway(folder / "node", configuration(fast, slow, **(audit or {})))
        stack.callback(gateway.end)
        gateway.start()
        loads = [
            Load(gateway.url, prompts(gateway.url, FAST), rate=rate),
            Load(gateway.url, prompts(gateway.url, SLOW, 4), rate=40, connections=16),
        ]
        for load in loads:
            load.start()
            stack.callback(load.stop)
        for number in range(kills):
            _kill_one(gateway, loads, number)
        results = [(load.name, load.stop()) for load in loads]
        gateway.stop()
    home = gateway.home
    keep(home, Audit(), SystemClock())
    seen = ledger(home)
    problems = compare(seen, results, verify(names.folder(home)))
    wrong = results[0][1].wrong  # the slow upstream does not repeat itself
    answered = sum(each.sent - len(each.unanswered) for _, each in results)
    recorded = sum(map(sum, (c.values() for c in (seen.opened, seen.closed, seen.single, seen.abandoned))))
    return Outcome(kills, answered, sum(seen.abandoned.values()), recorded, problems + wrong)


def _kill_one(gateway: Gateway, loads: list[Load], number: int) -> None:
    """Kill a worker while requests are in its hands, and wait until there is another that serves."""
    marks = [load.results.answered for load in loads]
    until(
        lambda: (
            len(gateway.workers) == 2
            and loads[0].results.answered > marks[0] + 200
            and loads[1].results.answered > marks[1]
            and loads[1].in_flight
        ),
        "the load to run",
    )
    ready = len(gateway.said("worker ready"))
    victim = gateway.workers[number % 2]
    victim.send_signal(signal.SIGKILL)
    until(lambda: not alive(victim), "the worker's end")
    until(lambda: len(gateway.said("worker ready")) > ready, "its successor")


def main(arguments: list[str] | None = None) -> int:
    """Run; 0 when everything is as demanded."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.live.audit_kill", description=__doc__.partition(":")[0]
    )
    parser.add_argument("--kills", type=int, default=50, help="workers killed (50)")
    parser.add_argument(
        "--rate", type=float, default=1500, help="requests a second with answers at once (1500)"
    )
    parser.add_argument("--fsync", choices=("always", "interval", "never"), default="interval")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="seekgate-audit-") as folder:
        outcome = run(Path(folder), chosen.kills, chosen.rate, {"fsync": chosen.fsync})
    print(
        f"{outcome.kills} workers killed, {outcome.answered} requests answered, {outcome.records} records,"
        f" {outcome.abandoned} requests closed as abandoned, {len(outcome.problems)} problems"
    )
    for problem in outcome.problems[:50]:
        print(f"PROBLEM: {problem}")
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
