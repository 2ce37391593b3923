"""Judging a soak."""

from __future__ import annotations

import pytest

from bench.load import BenchError
from bench.soak import Sample, growth_percent


def test_growth_counts_from_the_end_of_the_warm_up() -> None:
    samples = [Sample(50, 10), Sample(100, 100), Sample(150, 90), Sample(200, 101)]
    assert growth_percent(samples, warm_up=100) == pytest.approx(1.0)
    assert growth_percent(samples, warm_up=0) == pytest.approx(910.0)


def test_a_soak_that_ends_in_its_warm_up_proves_nothing() -> None:
    with pytest.raises(BenchError, match="warm-up"):
        growth_percent([Sample(50, 10), Sample(100, 10)], warm_up=100)
