"""How often the injection heuristics find the published attacks, and how often they are wrong on ordinary prompts.

``python -m tests.guard.rates [--part tuning|held-out] [--threshold 0.7] [--misses]``
"""

from __future__ import annotations

import argparse
from collections import defaultdict

from seekgate.stages.guard.injection import Injection
from seekgate.stages.guard.matcher import linear
from seekgate.stages.guard.signs import builtin
from tests.guard.prompts import Part, Prompt, attacks, ordinary
from tests.support.patterns import make

FAMILIES = ("override", "jailbreak", "extraction", "delimiter", "encoded", "indirect")


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if not count:
        return 0.0, 1.0
    z, p = 1.96, hits / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    reach = z * (p * (1 - p) / count + z * z / (4 * count * count)) ** 0.5 / (1 + z * z / count)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def score(injection: Injection, prompt: Prompt) -> float:
    """The score of one prompt, where it would come in."""
    found = injection.judge([prompt.text], prompt.role == "tool", 0.0)
    return found.score if found is not None else 0.0


def rates(part: Part, threshold: float) -> dict[str, tuple[int, int]]:
    """Found and all, by family and language; ``ordinary`` counts false alarms."""
    injection = Injection(builtin(), make)
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for prompt in (*attacks(part), *ordinary(part)):
        name = f"{prompt.family or 'ordinary'} {prompt.language}"
        for key in (name, prompt.family or "ordinary", "attacks" if prompt.family else ""):
            if key:
                counts[key][0] += score(injection, prompt) >= threshold
                counts[key][1] += 1
    return {name: (hits, count) for name, (hits, count) in sorted(counts.items())}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.guard.rates")
    parser.add_argument("--part", choices=("tuning", "held-out"), default="held-out")
    parser.add_argument("--threshold", type=float, default=0.7)
    parser.add_argument(
        "--misses", action="store_true", help="print what is judged wrongly (tuning part only)"
    )
    options = parser.parse_args()
    if options.misses and options.part == "tuning":
        injection = Injection(builtin(), make)
        for prompt in (*attacks("tuning"), *ordinary("tuning")):
            found = score(injection, prompt)
            if (found >= options.threshold) != bool(prompt.family):
                print(f"{prompt.family or 'ordinary':10} {found:.2f} {prompt.text[:150]!r}")
    print(f"{options.part}, threshold {options.threshold:g}, {'Hyperscan' if linear() else 're'}")
    for name, (hits, count) in rates(options.part, options.threshold).items():
        low, high = wilson(hits, count)
        print(f"{name:16} {hits:4} of {count:4}  {hits / count:6.1%}  ({low:.1%} to {high:.1%})")


if __name__ == "__main__":
    main()
