"""Break a node under load and hold what happens against what is promised: ``python -m tests.live.chaos``.

Each scene starts a node of two workers with an instant upstream, measures its capacity with the generator of
`tests.support.live_load`, and sends a share of it while something is killed, restarted or changed. It ends with a table
and exits 1 when a demand was not met. Requests that met a connection which the gateway had closed while it was idle are
counted apart from lost responses: a request that a worker has read is in its access log.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.live.chaos_scenes import SCENES, Plan, Row


def table(rows: list[Row]) -> str:
    """The rows as text, one line each, in columns."""
    marks = {True: "ok", False: "FAILED", None: ""}
    cells = [("scene", "figure", "value", "demanded", "")]
    cells += [(row.scene, row.what, row.value, row.demanded, marks[row.ok]) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    return "\n".join(
        "  ".join(
            [*(text.ljust(width) for text, width in zip(line[:4], widths, strict=True)), line[4]]
        ).rstrip()
        for line in cells
    )


def verdict(rows: list[Row]) -> int:
    """Print the table and what was not met; 0 when that is nothing."""
    print(table(rows))
    failed = [row for row in rows if row.ok is False]
    for row in failed:
        print(f"FAILED: {row.scene}: {row.what}: {row.value}, demanded {row.demanded}")
    return 1 if failed else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the scenes; 0 when every demand was met."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.chaos", description=__doc__.partition(":")[0])
    parser.add_argument("--requests", type=int, default=100_000, help="sent while reloading (100000)")
    parser.add_argument("--capacity-share", type=float, default=0.8, help="load as a share of capacity (0.8)")
    parser.add_argument("--scenes", nargs="+", choices=[*SCENES], default=[*SCENES], help="all without it")
    parser.add_argument("--no-times", action="store_true", help="report durations without judging them")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="seekgate-chaos-") as folder:
        plan = Plan(chosen.requests, chosen.capacity_share, not chosen.no_times, Path(folder))
        for name in chosen.scenes:
            began = time.monotonic()
            SCENES[name](plan)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return verdict(plan.rows)


if __name__ == "__main__":
    sys.exit(main())
