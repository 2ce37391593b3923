"""Whether a run holds what SeekGate promises of itself.

Costs are compared as ratios between systems of the same run, since a slower machine slows them all; memory is
compared with fixed bounds. ``slack`` widens every bound but the one on bytes: a short run on a shared machine is
noisy, a wrong byte is not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from bench.rows import Row
from bench.systems import GOVERNED


@dataclasses.dataclass(frozen=True)
class Ratio:
    """``cpu_us`` of SeekGate in a case must be at most ``bound`` times that of another system."""

    case: str
    against: str
    bound: float


RATIOS = (
    Ratio("unary", "envoy", 0.55),
    Ratio("unary", "nginx", 1.7),
    Ratio("sse", "envoy", 0.85),
    Ratio("sse", "nginx", 1.3),
    Ratio("unary_tls", "envoy", 0.8),
    Ratio("mtls", "envoy", 0.9),
    Ratio("governed", "envoy", 0.75),
    Ratio("governed", "nginx", 2.4),
    Ratio("sse_governed", "envoy", 0.85),
    Ratio("sse_governed", "nginx", 1.3),
    Ratio("sse_restore", "envoy", 1.2),
)
KB_PER_STREAM = 8.0
IDLE_RSS_MB = 50.0
"""Not of the governed cases, whose worker holds a hundred thousand keys."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One promise: what was measured, what was allowed, and whether it holds."""

    what: str
    measured: float
    allowed: float

    @property
    def holds(self) -> bool:
        """Whether the measured figure is within what is allowed."""
        return self.measured <= self.allowed


def needed(case: str) -> frozenset[str]:
    """The systems whose rows of this case are judged or compared with."""
    return frozenset(("seekgate", *(ratio.against for ratio in RATIOS if ratio.case == case)))


def findings(rows: Sequence[Row], slack: float) -> list[Finding]:
    """Judge every promise whose rows are there; a case that was not run is not judged."""
    table = {(row.case, row.system): row for row in rows}
    found: list[Finding] = []
    for ratio in RATIOS:
        ours, theirs = table.get((ratio.case, "seekgate")), table.get((ratio.case, ratio.against))
        if ours is not None and theirs is not None:
            what = f"{ratio.case}: CPU against {ratio.against}"
            found.append(Finding(what, ours.cpu_us / theirs.cpu_us, ratio.bound * slack))
    found += [
        Finding(f"{row.case}: idle worker, MB", row.extra["idle_rss_mb"], IDLE_RSS_MB * slack)
        for row in rows
        if row.system == "seekgate" and "idle_rss_mb" in row.extra and row.case not in GOVERNED
    ]
    streams = table.get(("streams", "seekgate"))
    if streams is not None:
        wrong = streams.extra["wrong_streams"] + streams.extra["failed_streams"]
        found.append(Finding("streams: wrong or failed streams", wrong, 0))
        found.append(Finding("streams: KB a stream", streams.extra["kb_per_stream"], KB_PER_STREAM * slack))
    return found


def report(found: Sequence[Finding]) -> str:
    """The findings as a Markdown table, broken promises marked."""
    lines = ["| promise | measured | allowed | |", "|---|---:|---:|---|"]
    for finding in found:
        mark = "holds" if finding.holds else "**BROKEN**"
        lines.append(f"| {finding.what} | {finding.measured:.2f} | {finding.allowed:.2f} | {mark} |")
    return "\n".join(lines) + "\n"
