"""Tests of seekgate.cli.limit_text."""

from __future__ import annotations

from seekgate.cli.limit_text import sentence, text_of_budget, text_of_windows
from seekgate.config.rows import Budget, Window
from seekgate.store.limits import Limit


def test_limits_and_budgets_are_a_sentence() -> None:
    budget = Budget("month", "CNY", hard=1_000_500_000, soft=800_000_000, timezone="Asia/Shanghai")
    limit = Limit("team:sales", (Window("input_tokens", 60, 5), Window("requests", 90, 1)), 3, (budget,))
    assert text_of_windows(limit, "requests") == "1m30s=1"
    assert text_of_budget(budget) == "soft 800, hard 1000.5 CNY a month (Asia/Shanghai)"
    assert text_of_budget(Budget("day", "USD", soft=0)) == "soft 0 USD a day (UTC)"
    assert sentence(limit) == (
        "team:sales: requests 1m30s=1; input tokens minute=5; 3 at a time; "
        "soft 800, hard 1000.5 CNY a month (Asia/Shanghai)"
    )
    assert sentence(Limit("team:x")) == "team:x: no limits"
