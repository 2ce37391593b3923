"""Results: one row for each case and system, medians over rounds, and the files they are written to."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FIGURES = ("cpu_us", "rps", "p50_ms", "p99_ms", "rss_mb", "start_s")
_DIGITS = {"cpu_us": 2, "rps": 1, "p50_ms": 3, "p99_ms": 3, "rss_mb": 1, "start_s": 3}
_HEADINGS = {
    "cpu_us": "CPU µs",
    "rps": "per second",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "rss_mb": "memory MB",
    "start_s": "start s",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """One case of one system. ``cpu_us`` and ``rps`` count requests, or events where the case streams.

    ``extra`` holds figures that only some cases have: `idle_rss_mb`, `kb_per_stream`, `wrong_streams`, ….
    """

    case: str
    system: str
    cpu_us: float
    rps: float
    p50_ms: float
    p99_ms: float
    rss_mb: float
    start_s: float
    extra: dict[str, float] = dataclasses.field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The row as it stands in ``latest.json``."""
        fixed = {name: round(getattr(self, name), _DIGITS[name]) for name in FIGURES}
        return {"case": self.case, "system": self.system} | fixed | self.extra


def from_json(fields: dict[str, Any]) -> Row:
    """The inverse of `Row.as_json`."""
    known = {"case", "system", *FIGURES}
    extra = {name: value for name, value in fields.items() if name not in known}
    return Row(**{name: fields[name] for name in known}, extra=extra)


def median(rows: Sequence[Row]) -> Row:
    """One row from the rounds of one case of one system: the median of each figure by itself.

    ``wrong_streams`` and ``failed_streams`` are summed, because a single one matters. ``rounds`` and the spread of
    ``cpu_us`` (lowest and highest round) are added.
    """
    if len({(row.case, row.system) for row in rows}) != 1:
        raise ValueError("rows of one case and one system are wanted")
    extra: dict[str, float] = {}
    for name in rows[0].extra:
        values = [row.extra[name] for row in rows]
        extra[name] = (
            sum(values)
            if name in ("wrong_streams", "failed_streams")
            else round(statistics.median(values), 2)
        )
    extra["rounds"] = len(rows)
    extra["cpu_us_low"] = round(min(row.cpu_us for row in rows), 2)
    extra["cpu_us_high"] = round(max(row.cpu_us for row in rows), 2)
    figures = {name: statistics.median(getattr(row, name) for row in rows) for name in FIGURES}
    return Row(case=rows[0].case, system=rows[0].system, extra=extra, **figures)


def medians(rows: Sequence[Row]) -> list[Row]:
    """The median row of each case and system, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.case, row.system), []).append(row)
    return [median(group) for _, group in sorted(groups.items(), key=lambda item: rows.index(item[1][0]))]


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, cases together."""
    lines = [
        "| case | system | " + " | ".join(_HEADINGS[name] for name in FIGURES) + " |",
        "|---|---|" + "---:|" * len(FIGURES),
    ]
    order = list(dict.fromkeys(row.case for row in rows))
    for row in sorted(rows, key=lambda row: order.index(row.case)):
        figures = (row.cpu_us, row.rps, row.p50_ms, row.p99_ms, row.rss_mb, row.start_s)
        shown = (f"{figures[0]:.1f}", f"{figures[1]:,.0f}", *(f"{value:.2f}" for value in figures[2:4]))
        lines.append(
            f"| {row.case} | {row.system} | {' | '.join(shown)} | {row.rss_mb:.0f} | {row.start_s:.2f} |"
        )
    return "\n".join(lines) + "\n"


def write(rows: Sequence[Row], machine: dict[str, Any], folder: Path) -> None:
    """Write ``latest.json``, ``latest.md`` and ``machine.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = ",\n".join("  " + json.dumps(row.as_json()) for row in rows)
    (folder / "latest.json").write_text(f"[\n{listed}\n]\n")
    (folder / "latest.md").write_text(markdown(rows))
    (folder / "machine.json").write_text(json.dumps(machine, indent=2) + "\n")


def read(folder: Path) -> list[Row]:
    """The rows of ``latest.json``."""
    return [from_json(fields) for fields in json.loads((folder / "latest.json").read_text())]
