"""Beside Presidio's recognisers on the same labelled set: ``python -m tests.privacy.presidio --seed 1001``.

Presidio is installed from PyPI into a virtual environment of its own (`.cache/presidio`), without a language model: its
pattern recognisers and its recogniser of telephone numbers need none. Each type of ours that one of them knows is
scored with that recogniser alone, at whichever of its score thresholds does best, so what is compared is the best that
they can do here; the words around a finding, which Presidio weighs with a language model, are not.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from time import process_time
from typing import Any

from tests.privacy.labelled import HELD_OUT, Case, negatives, positives
from tests.privacy.score import Score, Tally

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".cache/presidio"
THRESHOLDS = (0.0, 0.3, 0.5)
REGIONS = ("US", "GB", "DE", "FR", "IT", "ES", "CN")
# Our type, Presidio's entity, its recogniser.
PAIRS = (
    ("CN_MOBILE", "PHONE_NUMBER", "PhoneRecognizer"),
    ("CN_LANDLINE", "PHONE_NUMBER", "PhoneRecognizer"),
    ("PHONE", "PHONE_NUMBER", "PhoneRecognizer"),
    ("BANK_CARD", "CREDIT_CARD", "CreditCardRecognizer"),
    ("EMAIL", "EMAIL_ADDRESS", "EmailRecognizer"),
    ("IP", "IP_ADDRESS", "IpRecognizer"),
    ("IBAN", "IBAN_CODE", "IbanRecognizer"),
    ("US_SSN", "US_SSN", "UsSsnRecognizer"),
)
Scan = Callable[[str], Iterable[tuple[int, int, str]]]


def installed() -> None:
    """Go on in the environment that has Presidio; make it first if it is not there."""
    if importlib.util.find_spec("presidio_analyzer") is not None:
        return
    python = HOME / "bin/python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "presidio-analyzer", "hyperscan"]
        subprocess.run(install, check=True)
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    os.execve(python, [str(python), "-m", "tests.privacy.presidio", *sys.argv[1:]], environ)


def recognisers() -> dict[str, Any]:
    """Presidio's recognisers by name; none of them asks the network for anything."""
    import tldextract.tldextract as domains  # type: ignore[import-not-found, unused-ignore]
    from presidio_analyzer import predefined_recognizers as known  # type: ignore[import-not-found, unused-ignore]

    domains.TLD_EXTRACTOR = domains.TLDExtract(suffix_list_urls=())
    made = {name: getattr(known, name)() for _, _, name in PAIRS if name != "PhoneRecognizer"}
    return {**made, "PhoneRecognizer": known.PhoneRecognizer(supported_regions=REGIONS)}


class Presidio:
    """A recogniser asked for one entity. What it answered is kept, so that each text is scanned once."""

    def __init__(self, recogniser: Any, entity: str) -> None:
        self._recogniser, self._entity = recogniser, entity
        self._known: dict[str, list[Any]] = {}

    def results(self, text: str) -> list[Any]:
        """What the recogniser finds, without duplicates, as Presidio's analyser does it."""
        found = self._recogniser.analyze(text, [self._entity], None) or []
        return list(self._recogniser.remove_duplicates(found))

    def scan(self, kind: str, threshold: float) -> Scan:
        """A scan that reports the entity as ``kind`` where its score is high enough."""

        def scan(text: str) -> list[tuple[int, int, str]]:
            if text not in self._known:
                self._known[text] = self.results(text)
            return [(one.start, one.end, kind) for one in self._known[text] if one.score >= threshold]

        return scan


def only(scan: Scan, kind: str) -> Scan:
    """``scan`` without what is of other types."""
    return lambda text: [span for span in scan(text) if span[2] == kind]


def scored(scan: Scan, kind: str, cases: list[tuple[Case, bool]]) -> Score:
    """How a scan for one type does on its positives and negatives; labels of other types do not count."""
    counts = Tally()
    for case, negative in cases:
        counts.case(
            Case(case.text, [label for label in case.labels if label[2] == kind]), scan, kind, negative
        )
    return counts.score(kind)


def megabytes_a_second(scan: Scan, texts: list[str]) -> float:
    """Throughput over ``texts``, each scanned by itself, for a second of one core's time."""
    started = process_time()
    for text in texts:
        scan(text)
    return sum(len(text.encode()) for text in texts) / 1e6 / (process_time() - started)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=HELD_OUT + 1)
    parser.add_argument("--positives", type=int, default=2_000)
    parser.add_argument("--negatives", type=int, default=10_000)
    arguments = parser.parse_args()
    installed()
    from seekgate.stages.privacy.detect import Detector

    theirs, ours = recognisers(), Detector()
    print("| type | ours: precision, recall, F1 | Presidio: precision, recall, F1 |\n|---|---|---|")
    for kind, entity, name in PAIRS:
        cases = [(case, False) for case in positives(kind, arguments.positives, arguments.seed)]
        cases += [(case, True) for case in negatives(kind, arguments.negatives, arguments.seed)]
        own = scored(only(ours.scan, kind), kind, cases)
        other = Presidio(theirs[name], entity)
        scores = [scored(other.scan(kind, least), kind, cases) for least in THRESHOLDS]
        best = max(scores, key=lambda score: score.f1)
        print(f"| `{kind}` | {_line(own)} | {_line(best)} |", flush=True)
    _throughput(ours.scan, theirs, arguments.seed)


def _throughput(ours: Scan, theirs: dict[str, Any], seed: int) -> None:
    """Throughput with everything that each side has: all our types, and the six recognisers one after another."""
    others = [Presidio(theirs[name], entity) for entity, name in dict.fromkeys((e, n) for _, e, n in PAIRS)]

    def all_theirs(text: str) -> list[tuple[int, int, str]]:
        return [(one.start, one.end, "") for other in others for one in other.results(text)]

    kinds = [kind for kind, _, _ in PAIRS]
    sets = {
        "texts with findings": [case.text for kind in kinds for case in positives(kind, 200, seed)],
        "hard negatives": [case.text for kind in kinds for case in negatives(kind, 200, seed)],
        "prompts of 1.5 kB, nothing inside": [_plain_prompt()] * 300,
    }
    print("\n| texts | ours, MB/s | Presidio, MB/s |\n|---|---|---|")
    for name, texts in sets.items():
        print(
            f"| {name} | {megabytes_a_second(ours, texts):.2f} | {megabytes_a_second(all_theirs, texts):.3f} |"
        )


def _plain_prompt() -> str:
    return ("请根据以下会议记录写一份总结，重点说明第一季度的销售情况、存在的问题和下一步的计划。" * 13)[:500]


def _line(score: Score) -> str:
    return f"{score.precision.value:.4f}, {score.recall.value:.4f}, {score.f1:.4f}"


if __name__ == "__main__":
    main()
