"""Hold limits over two nodes against what is promised: ``python -m tests.live.quota``.

Two nodes of two workers each share a Valkey. Each scene asks far more than a limit allows, or breaks something, and
counts what was granted; it ends with a table and exits 1 when a demand was not met.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.live.chaos import verdict
from tests.live.quota_scenes import SCENES, Plan


def main(arguments: list[str] | None = None) -> int:
    """Run the scenes; 0 when every demand was met."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.quota", description=__doc__.partition(":")[0])
    parser.add_argument("--limit", type=int, default=10_000, help="requests granted in a window (10000)")
    parser.add_argument("--window", choices=["minute", "day"], default="minute", help="its length (minute)")
    parser.add_argument("--scenes", nargs="+", choices=[*SCENES], default=[*SCENES], help="all without it")
    parser.add_argument("--no-times", action="store_true", help="report durations without judging them")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="seekgate-quota-") as folder:
        plan = Plan(chosen.limit, chosen.window, not chosen.no_times, Path(folder))
        for name in chosen.scenes:
            began = time.monotonic()
            SCENES[name](plan)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return verdict(plan.rows)


if __name__ == "__main__":
    sys.exit(main())
