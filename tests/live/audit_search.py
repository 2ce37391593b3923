"""Search a large ledger by request id and by key, as the command does: ``python -m tests.live.audit_search``.

The ledger is written by the real writer with the stage's own records, of as many callers as asked for, and sealed by
the keeper, which builds the indexes. Then ids are searched at its beginning, in its middle and at its end, and a caller
who calls seldom and one who calls often, each by a fresh process.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from seekgate.config.compiled.audit import Audit
from seekgate.config.snapshot import Deployment
from seekgate.host.clock import SystemClock
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.principal import Principal
from seekgate.stages.audit.stage import AuditClose, AuditOpen, Ledger
from seekgate.store.journal import Journal, names
from seekgate.store.journal.keeping import keep
from seekgate.store.journal.verifying import verify
from seekgate.wire.usage import Usage
from tests.support.live import SEEKGATE
from tests.support.scene_exchange import exchange

TURN = 16
BODY = b'{"model":"deepseek-flash","messages":[{"role":"user","content":"hello"}]}'


@dataclass
class Figures:
    """Seconds that each step took, and what searching found."""

    bytes: int = 0
    requests: int = 0
    written: float = 0.0
    sealed: float = 0.0
    index_bytes: int = 0
    searches: list[tuple[str, int, float]] = field(default_factory=list)


def request(number: int, callers: int) -> tuple[Exchange, str]:
    """A request that was answered, and who sent it. One caller in a hundred requests is the same, the others vary."""
    caller = "key_often" if number % 100 == 0 else f"key_{random.randrange(callers):06d}"
    x = exchange(
        BODY,
        principal=Principal("crm-backend", caller, "key", "acme", "sales", "crm", "core"),
        model="deepseek-flash",
        candidates=(Deployment("deepseek-flash@deepseek", "deepseek", "deepseek-flash"),),
        bytes_in=len(BODY),
        decisions=("access:allow:user#1", "quota:granted"),
    )
    x.id = f"req_{number:010x}"
    return x, caller


def write(home: Path, size: int, callers: int) -> Figures:
    """Fill a ledger with ``size`` bytes."""
    figures, began = Figures(), time.monotonic()
    policy = Audit(fsync="never")
    journal = Journal(names.folder(home), "w0", policy, SystemClock(), soon=lambda call: call())
    journal.open()
    ledger = Ledger()
    opening, closing = AuditOpen(journal, ledger), AuditClose(journal, ledger)
    usage = Usage(20, 30, 50, 0, 20, 0)
    folder = names.folder(home)
    while figures.bytes < size:
        for _ in range(2000 // TURN):
            turn = [request(figures.requests + n, callers)[0] for n in range(TURN)]
            for x in turn:
                opening.on_request(x)
                x.status, x.outcome, x.ended_at, x.usage = 200, "answered", 100.25, usage
                x.deployment, x.served_model, x.finish_reason = x.candidates[0], "deepseek-flash", "stop"
                x.cost_micro, x.currency, x.price_version = 120, "CNY", "2026-11"
                closing.on_end(x)
            journal.commit()
            figures.requests += TURN
        journal.tick()
        figures.bytes = sum(path.stat().st_size for path in folder.glob("*.journal"))
    journal.close()
    figures.written = time.monotonic() - began
    began = time.monotonic()
    keep(home, policy, SystemClock())
    figures.sealed = time.monotonic() - began
    figures.index_bytes = sum(path.stat().st_size for path in folder.glob("*.index"))
    return figures


def search(home: Path, *arguments: str) -> tuple[int, float]:
    """Run the command; the records that it found, and the seconds until it ended."""
    began = time.monotonic()
    environment = {**os.environ, "SEEKGATE_HOME": str(home)}
    done = subprocess.run(
        [SEEKGATE, "audit", "search", "--json", *arguments], env=environment, capture_output=True, check=False
    )
    return done.stdout.count(b"\n"), time.monotonic() - began


def run(home: Path, size: int, callers: int) -> Figures:
    """Write, seal, search."""
    figures = write(home, size, callers)
    last = figures.requests - 1
    seldom = next(caller for n in range(1, 99) for _, caller in [request(n, callers)])
    for what, arguments in (
        ("request, the first", ("--request", f"req_{1:010x}")),
        ("request, the middle", ("--request", f"req_{last // 2:010x}")),
        ("request, the last", ("--request", f"req_{last:010x}")),
        ("request, not there", ("--request", "req_nothing")),
        ("key, seldom", ("--key", seldom, "--limit", "100000")),
        ("key, often, the newest 100", ("--key", "key_often")),
        ("key, often, 10000", ("--key", "key_often", "--limit", "10000")),
    ):
        figures.searches.append((what, *search(home, *arguments)))
    return figures


def main(arguments: list[str] | None = None) -> int:
    """Run and print the figures; 0 when each search took two seconds at most."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.live.audit_search", description=__doc__.partition(":")[0]
    )
    parser.add_argument("--bytes", type=int, default=2_000_000_000, help="the ledger's size (2000000000)")
    parser.add_argument("--callers", type=int, default=100_000, help="different callers (100000)")
    parser.add_argument("--verify", action="store_true", help="verify it, too")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="seekgate-search-") as folder:
        figures = run(Path(folder), chosen.bytes, chosen.callers)
        print(f"{figures.bytes} bytes of {figures.requests} requests, written in {figures.written:.1f} s")
        print(f"sealed and indexed ({figures.index_bytes} bytes) in {figures.sealed:.1f} s")
        for what, count, seconds in figures.searches:
            print(f"{what}: {count} records in {seconds:.2f} s")
        if chosen.verify:
            began = time.monotonic()
            report = verify(names.folder(Path(folder)))
            print(f"verified in {time.monotonic() - began:.1f} s: {len(report.findings)} faults")
    return int(max(seconds for _, _, seconds in figures.searches) > 2.0)


if __name__ == "__main__":
    sys.exit(main())
