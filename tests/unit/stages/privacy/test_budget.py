"""A budget is spent to its last place, and not beyond."""

from __future__ import annotations

import pytest

from seekgate.stages.privacy.budget import MAX_PLACES, Budget, TooMuch


def test_what_is_there_can_be_spent() -> None:
    budget = Budget(3)
    budget.spend(2)
    budget.spend(1)
    with pytest.raises(TooMuch):
        budget.spend(1)


def test_a_budget_is_that_of_one_request() -> None:
    assert Budget().left == MAX_PLACES
