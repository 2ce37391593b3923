"""Words for and against."""

from __future__ import annotations

import re

import pytest

from seekgate.stages.privacy.detect import cues


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("订单号", cues.AGAINST),
        ("我的电话是", cues.FOR),
        ("订单的联系电话:", cues.FOR),
        ("电话订单", cues.AGAINST),
        ("订单已发,", cues.NOTHING),
        ("订单已发。打", cues.NOTHING),
        ("order no. ", cues.AGAINST),
        ("reorder ", cues.NOTHING),
        ("the phone: ", cues.FOR),
        ("订单" + "很长的一段话" * 5, cues.NOTHING),
        ("", cues.NOTHING),
    ],
)
def test_the_nearest_word_of_the_clause_counts(text: str, said: int) -> None:
    assert cues.before(text + "13812345678", len(text)) == said


def test_near_looks_to_both_sides() -> None:
    word = re.compile("护照")
    assert cues.near("护照E12345678", 2, 11, word)
    assert cues.near("E12345678是我的护照", 0, 9, word)
    assert not cues.near("E12345678" + "远" * 20 + "护照", 0, 9, word)
