"""The detectors on a small labelled set: what `tests.privacy.score` measures on the large one, with its bounds.

The set is small, so a type may be a little below its bound by chance; how much is the slack.
"""

from __future__ import annotations

from seekgate.stages.privacy.detect import Detector
from tests.privacy.labelled import HELD_OUT, MAKERS, negatives, positives
from tests.privacy.score import Rate, failures, table, tally


def test_every_type_reaches_its_bound() -> None:
    counts = tally(Detector().scan, HELD_OUT + 7, few=150, many=300)
    assert failures(counts, slack=0.01) == [], table(counts)
    for kind, recall in (("NAME", 0.75), ("ADDRESS", 0.9)):
        score = counts.score(kind)
        assert score.precision.value > 0.9, (kind, score)
        assert score.recall.value > recall, (kind, score)


def test_the_set_is_the_same_for_a_seed_and_another_for_another() -> None:
    assert list(positives("CN_ID", 20, 5)) == list(positives("CN_ID", 20, 5))
    assert list(positives("CN_ID", 20, 5)) != list(positives("CN_ID", 20, 6))
    assert list(negatives("IP", 20, 5)) == list(negatives("IP", 20, 5))


def test_labels_stand_where_they_say() -> None:
    for kind in MAKERS:
        for case in positives(kind, 40, 9):
            assert any(name == kind for _, _, name in case.labels)
            assert all(0 <= start < end <= len(case.text) for start, end, _ in case.labels)


def test_wilsons_interval() -> None:
    low, high = Rate(90, 100).interval()
    assert (round(low, 4), round(high, 4)) == (0.8256, 0.9448)  # Newcombe (1998) gives these digits
    assert Rate(0, 0).interval() == (0.0, 1.0)
    assert Rate(10, 10).interval()[1] == 1.0
