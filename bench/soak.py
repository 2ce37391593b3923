"""The soak: a million requests through SeekGate, and whether its memory stayed where it was after the warm-up.

    python -m bench.soak [--requests 1000000] [--warm-up 100000] [--limit 2]

wrk sends batches until the requests are reached; the resident memory of every process is read after each batch. The
exit status is 1 when the node grew by more than ``--limit`` percent between the end of the warm-up and the end.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence

from bench import proc
from bench.load import BenchError, Request, drive, note
from bench.running import started, upstream
from bench.stream import request_body
from bench.systems import MODELS, WORK, system
from bench.tls import make_certificates


@dataclasses.dataclass(frozen=True)
class Sample:
    """Resident memory of the whole node, in bytes, after so many requests."""

    requests: int
    memory: int


def growth_percent(samples: Sequence[Sample], warm_up: int) -> float:
    """Growth between the first sample after ``warm_up`` requests and the last; raises `BenchError` without both."""
    settled = [sample for sample in samples if sample.requests >= warm_up]
    if len(settled) < 2:
        raise BenchError("the soak ended before its warm-up did")
    return (settled[-1].memory / settled[0].memory - 1) * 100


def soak(requests: int, name: str, batch_seconds: float) -> list[Sample]:
    """Send at least ``requests`` and sample after each batch; raises `BenchError` when any request fails."""
    target = system(name)
    case = "unary"
    request = Request(target.url(case), request_body(MODELS[case]), target.request_headers(case))
    samples: list[Sample] = []
    sent = 0
    with upstream(case), started(target, case) as (running, _):
        while sent < requests:
            sent += drive(request, connections=32, seconds=batch_seconds).requests
            running.must_live()
            samples.append(Sample(sent, sum(proc.tree_memory(running.pid).values())))
            note(f"{sent:,} requests, {samples[-1].memory / 1e6:.1f} MB")
    return samples


def main(arguments: list[str] | None = None) -> int:
    """0 when memory stayed within the limit, 1 when it grew beyond, 2 when there is nothing to judge."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description="Does memory stay flat?")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument(
        "--warm-up", type=int, default=100_000, help="requests before memory is taken as settled"
    )
    parser.add_argument("--limit", type=float, default=2.0, help="percent of growth that is still flat (2)")
    parser.add_argument("--system", default="seekgate")
    parser.add_argument("--batch", type=float, default=4.0, help="seconds of each batch")
    options = parser.parse_args(arguments)
    WORK.mkdir(exist_ok=True)
    make_certificates(WORK)
    try:
        samples = soak(options.requests, options.system, options.batch)
        growth = growth_percent(samples, options.warm_up)
    except BenchError as error:
        note(f"soak: {error}")
        return 2
    flat = growth <= options.limit
    print(
        f"{samples[-1].requests:,} requests: {samples[-1].memory / 1e6:.1f} MB, {growth:+.2f}% since the warm-up,"
        f" {'flat' if flat else 'NOT FLAT'} (limit {options.limit}%)"
    )
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
