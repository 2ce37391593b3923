from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.metering.money import format_micro, per_million


@given(st.integers(0, 10**24))
def test_per_million_rounds_half_up_once(product: int) -> None:
    exact = Fraction(product, 1_000_000)
    rounded = per_million(product)
    assert -Fraction(1, 2) < rounded - exact <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("product", "cost"),
    [(0, 0), (499_999, 0), (500_000, 1), (1_499_999, 1), (1_500_000, 2), (3_000_000, 3)],
)
def test_per_million_at_the_halves(product: int, cost: int) -> None:
    assert per_million(product) == cost


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.000000 USD"), (1_500, "0.001500 USD"), (-1, "-0.000001 USD"), (12_000_000, "12.000000 USD")],
)
def test_format_micro(amount: int, text: str) -> None:
    assert format_micro(amount, "USD") == text
