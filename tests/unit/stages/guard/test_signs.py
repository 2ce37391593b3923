"""The file of signs."""

from __future__ import annotations

from collections import Counter

import pytest

from seekgate.stages.guard.matcher import PlainMatcher
from seekgate.stages.guard.signs import builtin, load


def test_each_family_has_signs_of_both_languages() -> None:
    signs = builtin()
    for family in ("override", "jailbreak", "extraction", "delimiter", "indirect", "encoded"):
        own = [sign for sign in signs if sign.family == family]
        assert any(sign.pattern.isascii() for sign in own)
        assert any(not sign.pattern.isascii() for sign in own)
    assert min(Counter(sign.family for sign in signs).values()) >= 3


def test_no_sign_means_everything() -> None:
    PlainMatcher([sign.pattern for sign in builtin()])  # would refuse a pattern of the empty text
    for sign in builtin():
        assert 0 < sign.weight < 1
        assert sign.weight <= sign.tool <= 0.95
        assert "@" not in sign.pattern.replace("[$@]", "")


def test_fragments() -> None:
    one, other = load("# words\nA = (?:x|y)\nB = @A@z\n\noverride 0.5 @B@+\nindirect 0.9 q")
    assert (one.family, one.pattern, one.weight, one.tool) == ("override", "(?:x|y)z+", 0.5, 0.65)
    assert other.tool == 0.95


@pytest.mark.parametrize("line", ["override 1.5 x", "unknown 0.5 x", "override 0.5 @NONE@", "just words"])
def test_a_line_that_cannot_be_read(line: str) -> None:
    with pytest.raises(ValueError, match="line 2: "):
        load(f"\n{line}")
