"""The command line: ``python -m bench``."""

from __future__ import annotations

import argparse
import os
import resource
import sys
from pathlib import Path

from bench import cases, check, governed, machine, peers, plot, population, rows, streams, systems
from bench.load import BenchError, note
from bench.tls import make_certificates

CASES = {
    "unary": cases.unary,
    "sse": cases.sse,
    "unary_tls": cases.unary,
    "mtls": governed.mtls,
    "governed": governed.governed,
    "sse_governed": cases.sse,
    "sse_restore": governed.sse_restore,
    "streams": streams.streams,
}
CHECKED = ("unary", "sse", "unary_tls", "streams")
"""What --quick runs, so that it takes minutes at most: one case of each kind that has bounds."""
RESULTS = Path(__file__).parent / "results"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What one hop costs, side by side.")
    parser.add_argument(
        "--rounds", type=int, help="interleaved rounds (5, or 1 with --quick); `streams` runs once"
    )
    parser.add_argument(
        "--cases", default="", help=f"of {','.join(CASES)} (all, or with --quick {','.join(CHECKED)})"
    )
    parser.add_argument(
        "--systems", default="", help=f"of {','.join(systems.NAMES)}; PEERS=all adds the peers"
    )
    parser.add_argument("--quick", action="store_true", help="short and small, results kept apart")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a promise is broken")
    parser.add_argument(
        "--slack", type=float, default=1.25, help="what --check multiplies every bound with (1.25)"
    )
    parser.add_argument("--out", type=Path, help="folder of the results")
    return parser.parse_args(arguments)


def _chosen(options: argparse.Namespace) -> tuple[list[str], list[systems.System]]:
    names = options.cases.split(",") if options.cases else list(CHECKED if options.quick else CASES)
    for name in names:
        if name not in CASES:
            raise BenchError(f"no case is called {name!r}; there are {', '.join(CASES)}")
    wanted = options.systems.split(",") if options.systems else list(systems.DEFAULT)
    if os.environ.get("PEERS") == "all":
        wanted += [name for name in systems.PEERS if name not in wanted]
    peers.install([name for name in wanted if name in systems.PEERS], systems.WORK)
    return names, [systems.system(name) for name in wanted]


def measure(options: argparse.Namespace) -> list[rows.Row]:
    """Run the rounds and return the median rows; raises `BenchError` when a figure would not be honest."""
    names, chosen = _chosen(options)
    effort = cases.QUICK if options.quick else cases.FULL
    rounds = options.rounds or (1 if options.quick else 5)
    if any(name in systems.GOVERNED for name in names) and any(one.name == "seekgate" for one in chosen):
        population.prepare(systems.HOME)
    measured: list[rows.Row] = []
    for name in names:
        # Thousands of streams take a minute and vary little; one pass over the systems says it all.
        for turn in range(1 if name == "streams" else rounds):
            for target in chosen:
                # A quick check runs what it judges, and nothing else.
                judged = not (options.quick and options.check) or target.name in check.needed(name)
                if name in target.ports and judged:
                    measured += _one(target, name, effort, turn + 1)
    return rows.medians(measured)


def _one(target: systems.System, name: str, effort: cases.Effort, turn: int) -> list[rows.Row]:
    """One row, or none when a peer failed: its failure is its own and must not cost the other figures."""
    try:
        row = CASES[name](target, name, effort)
    except BenchError as error:
        if target.name not in systems.PEERS:
            raise
        note(f"{name} round {turn}: {target.name} left out: {error}")
        return []
    note(f"{name} round {turn}: {target.name} {row.cpu_us:.1f} µs, {row.rps:,.0f}/s")
    return [row]


def _raise_file_limit() -> None:
    """Thousands of streams need two descriptors each in the proxy; children inherit the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (65_536, max(hard, 65_536)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(arguments: list[str] | None = None) -> int:
    """Run, print, write; 0 when all went well, 1 when a promise is broken, 2 when no honest figure came out."""
    options = _options(arguments)
    systems.WORK.mkdir(exist_ok=True)
    _raise_file_limit()
    make_certificates(systems.WORK)
    try:
        measured = measure(options)
    except BenchError as error:
        note(f"bench: {error}")
        return 2
    folder = options.out or (systems.WORK / "quick" if options.quick else RESULTS)
    rows.write(measured, machine.facts(), folder)
    plot.draw(measured, folder / "plot.svg")
    print(rows.markdown(measured))
    note(f"written to {folder}")
    if not options.check:
        return 0
    found = check.findings(measured, options.slack)
    print(check.report(found))
    return 0 if found and all(finding.holds for finding in found) else 1


if __name__ == "__main__":
    sys.exit(main())
