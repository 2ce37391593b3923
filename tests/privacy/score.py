"""Score the detectors on the labelled set: ``python -m tests.privacy.score --seed 1001``.

For each type: recall over the labelled values, and precision over everything that was reported of that type in any
text of the set, positive or negative, of every type. A finding counts if it is of the labelled type and has exactly the
labelled place; of names and addresses, if the two share more than half of what they cover together. Intervals are
Wilson's at 95%.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from time import process_time
from typing import NamedTuple

from tests.privacy.labelled import CHECKED, HELD_OUT, MAKERS, MEASURED, Case, Label, negatives, positives

Scan = Callable[[str], Iterable[tuple[int, int, str]]]
POSITIVES, NEGATIVES, SEED = 2_000, 10_000, HELD_OUT + 1


class Rate(NamedTuple):
    """``hits`` of ``total``, with Wilson's interval (E. B. Wilson, 1927)."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        return self.hits / self.total if self.total else 0.0

    def interval(self, z: float = 1.96) -> tuple[float, float]:
        """Lower and upper bound at 95%."""
        if not self.total:
            return 0.0, 1.0
        n, p = self.total, self.value
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(centre - half, 0.0), min(centre + half, 1.0)

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{self.value:.4f} ({low:.4f}–{high:.4f})"


class Score(NamedTuple):
    """What a type reached. ``alarms``: texts without the type in which it was reported, of the type's negatives."""

    precision: Rate
    recall: Rate
    alarms: Rate

    @property
    def f1(self) -> float:
        p, r = self.precision.value, self.recall.value
        return 2 * p * r / (p + r) if p + r else 0.0


class Tally:
    """Counts findings against labels, over any number of texts."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.labelled: Counter[str] = Counter()
        self.reported: Counter[str] = Counter()
        self.alarms: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.wrong: list[tuple[str, str, str]] = []
        self.bytes = 0
        self.seconds = 0.0

    def case(self, case: Case, scan: Scan, kind: str, negative: bool) -> None:
        """Scan a text and count."""
        started = process_time()
        found = [(start, end, name) for start, end, name in scan(case.text)]
        self.seconds += process_time() - started
        self.bytes += len(case.text.encode())
        left = list(found)
        for label in case.labels:
            self.labelled[label[2]] += 1
            match = next((span for span in left if _same(span, label)), None)
            if match is None:
                self.wrong.append(("missed", label[2], case.text))
            else:
                self.right[label[2]] += 1
                left.remove(match)
        self.reported.update(name for _, _, name in found)
        self.wrong += [("false", name, case.text) for _, _, name in left]
        if negative:
            self.asked[kind] += 1
            self.alarms[kind] += any(name == kind for _, _, name in found)

    def score(self, kind: str) -> Score:
        right = self.right[kind]
        return Score(
            Rate(right, self.reported[kind]),
            Rate(right, self.labelled[kind]),
            Rate(self.alarms[kind], self.asked[kind]),
        )


def _same(span: Label, label: Label) -> bool:
    if span[2] != label[2]:
        return False
    if label[2] not in MEASURED:
        return span == label
    both = min(span[1], label[1]) - max(span[0], label[0])
    return both * 2 > max(span[1], label[1]) - min(span[0], label[0])


def tally(
    scan: Scan, seed: int, few: int = POSITIVES, many: int = NEGATIVES, kinds: Sequence[str] = tuple(MAKERS)
) -> Tally:
    """Scan ``few`` positives and ``many`` hard negatives of each of ``kinds``."""
    counts = Tally()
    for kind in kinds:
        for case in positives(kind, few, seed):
            counts.case(case, scan, kind, negative=False)
        for case in negatives(kind, many, seed):
            counts.case(case, scan, kind, negative=True)
    return counts


def bound(kind: str) -> float | None:
    """What precision and recall of a type must reach; None where they are only measured."""
    return 0.99 if kind in CHECKED else None if kind in MEASURED else 0.95


def table(counts: Tally) -> str:
    """The result as a Markdown table."""
    lines = [
        "| type | precision (95% interval) | recall (95% interval) | F1 | false alarms on its negatives | bound |",
        "|---|---|---|---|---|---|",
    ]
    for kind in MAKERS:
        score, least = counts.score(kind), bound(kind)
        alarms = f"{score.alarms.hits} of {score.alarms.total}"
        goal = "measured" if least is None else f"{least}"
        lines.append(
            f"| `{kind}` | {score.precision} | {score.recall} | {score.f1:.4f} | {alarms} | {goal} |"
        )
    return "\n".join(lines)


def failures(counts: Tally, slack: float = 0.0) -> list[str]:
    """The types that miss their bound by more than ``slack``."""
    missed = []
    for kind in MAKERS:
        score, least = counts.score(kind), bound(kind)
        if least is not None and min(score.precision.value, score.recall.value) < least - slack:
            missed.append(f"{kind}: precision {score.precision}, recall {score.recall}, wanted {least}")
    return missed


def main() -> int:
    """Print the table; exit with 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help=f"held-out from {HELD_OUT} on")
    parser.add_argument("--positives", type=int, default=POSITIVES, help="texts of each type")
    parser.add_argument("--negatives", type=int, default=NEGATIVES, help="texts of each type")
    parser.add_argument("--show", metavar="TYPE", help="also print texts in which TYPE was missed or wrong")
    arguments = parser.parse_args()
    from seekgate.stages.privacy.detect import Detector

    counts = tally(Detector().scan, arguments.seed, arguments.positives, arguments.negatives)
    print(table(counts))
    megabytes = counts.bytes / 1e6
    print(
        f"\n{megabytes:.1f} MB in {counts.seconds:.1f} s of one core: {megabytes / counts.seconds:.2f} MB/s"
    )
    if arguments.show:
        for how, kind, text in [entry for entry in counts.wrong if entry[1] == arguments.show][:60]:
            print(how, kind, ascii(text) if "\u200b" in text else repr(text))
    missed = failures(counts)
    print("\n".join(missed))
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
