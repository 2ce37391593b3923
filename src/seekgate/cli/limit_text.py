"""Limits and budgets as text, in the form in which the commands take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seekgate.cli.row_values import format_money, format_windows

if TYPE_CHECKING:
    from seekgate.config.rows import Budget
    from seekgate.store.limits import Limit

UNITS = ("requests", "tokens", "input_tokens", "output_tokens")


def text_of_windows(limit: Limit, unit: str) -> str:
    """A subject's windows of a unit: ``second=100,hour=5000``."""
    return format_windows({each.seconds: each.limit for each in limit.windows if each.unit == unit})


def text_of_budget(budget: Budget) -> str:
    """A budget in a few words: ``soft 800, hard 1000 CNY a month (Asia/Shanghai)``."""
    marks = [
        f"{name} {format_money(at)}"
        for name, at in (("soft", budget.soft), ("hard", budget.hard))
        if at is not None
    ]
    return f"{', '.join(marks)} {budget.currency} a {budget.period} ({budget.timezone})"


def sentence(limit: Limit) -> str:
    """What holds for a subject, in a line."""
    parts = [f"{unit.replace('_', ' ')} {text}" for unit in UNITS if (text := text_of_windows(limit, unit))]
    if limit.concurrency is not None:
        parts.append(f"{limit.concurrency} at a time")
    parts += [text_of_budget(each) for each in limit.budgets]
    return f"{limit.subject}: {'; '.join(parts) or 'no limits'}"
