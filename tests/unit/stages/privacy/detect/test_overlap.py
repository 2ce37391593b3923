"""Which of overlapping findings stay."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.privacy.detect.kinds import KINDS, Span
from seekgate.stages.privacy.detect.overlap import resolve

RANKS = {name: kind.rank for name, kind in KINDS.items()}


def test_the_stronger_then_the_longer_then_the_earlier_type() -> None:
    assert resolve([Span(0, 30, "ADDRESS"), Span(10, 21, "CN_MOBILE")], RANKS) == [Span(10, 21, "CN_MOBILE")]
    assert resolve([Span(0, 15, "BANK_CARD"), Span(0, 15, "CN_ID")], RANKS) == [Span(0, 15, "CN_ID")]
    assert resolve([Span(4, 15, "CN_MOBILE"), Span(0, 15, "CN_MOBILE")], RANKS) == [Span(0, 15, "CN_MOBILE")]
    three = [Span(0, 4, "EMAIL"), Span(3, 9, "IP"), Span(8, 12, "EMAIL")]
    assert resolve(three, RANKS) == [Span(3, 9, "IP")]
    assert resolve([Span(3, 6, "IP"), Span(0, 3, "IP"), Span(0, 3, "IP")], RANKS) == [
        Span(0, 3, "IP"),
        Span(3, 6, "IP"),
    ]


SPANS = st.builds(
    lambda start, size, kind: Span(start, start + size, kind),
    st.integers(0, 60),
    st.integers(1, 20),
    st.sampled_from(list(KINDS)),
)


@given(st.lists(SPANS, max_size=20))
def test_what_stays_overlaps_nothing_and_what_went_overlapped_something_that_stayed(
    spans: list[Span],
) -> None:
    kept = resolve(spans, RANKS)
    assert all(left.end <= right.start for left, right in pairwise(kept))
    for span in spans:
        assert span in kept or any(span.start < other.end and other.start < span.end for other in kept)
