"""Tests of seekgate.store.limits."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.config.rows import Budget, Window
from seekgate.store.database import Database
from seekgate.store.errors import NotFound, Refused
from seekgate.store.keys import Order, create_key
from seekgate.store.limits import (
    list_limits,
    remove_budget,
    remove_limits,
    set_budget,
    set_limits,
    show_limit,
)
from seekgate.store.owners import create_owner
from seekgate.store.rows import last_number

SECRET = b"0123456789abcdef0123456789abcdef"
MONTH = Budget("month", "CNY", hard=1000, soft=800, timezone="Asia/Shanghai")
DAY = Budget("day", "CNY", hard=50)


def test_windows_of_a_unit_are_replaced_and_others_stay(
    database: Database, noted: list[dict[str, Any]]
) -> None:
    create_owner(database, "team", "sales")
    set_limits(database, "team:sales", {"requests": {3600: 5000, 1: 100}, "tokens": {60: 7}}, 20)
    limit = set_limits(database, "team:sales", {"requests": {60: 9}})
    assert limit.windows == (Window("requests", 60, 9), Window("tokens", 60, 7))
    assert limit.concurrency == 20
    assert noted[-1]["before"]["windows"][0] == {"unit": "requests", "seconds": 1, "limit": 100}
    limit = set_limits(database, "team:sales", {"tokens": {}}, None)
    assert (limit.windows, limit.concurrency) == ((Window("requests", 60, 9),), None)
    assert show_limit(database, "team:sales") == limit


def test_budgets_are_one_for_each_period(database: Database) -> None:
    create_key(database, SECRET, Order("k"))
    set_budget(database, "key:k", MONTH)
    set_budget(database, "key:k", DAY)
    more = Budget("day", "USD", hard=60)
    assert set_budget(database, "key:k", more).budgets == (more, MONTH)
    set_limits(database, "key:k", {}, 3)
    assert remove_budget(database, "key:k", "day").budgets == (MONTH,)
    with pytest.raises(NotFound, match="no budget for a day"):
        remove_budget(database, "key:k", "day")
    assert remove_budget(database, "key:k").concurrency == 3
    with pytest.raises(NotFound, match="key:k has no budget"):
        remove_budget(database, "key:k")


def test_limits_and_budgets_of_a_subject_end_separately(database: Database) -> None:
    set_limits(database, "team:*", {"requests": {60: 1}})
    set_budget(database, "team:*", DAY)
    assert remove_limits(database, "team:*").budgets == (DAY,)
    with pytest.raises(NotFound, match="has no limits"):
        remove_limits(database, "team:*")
    remove_budget(database, "team:*")
    assert list_limits(database) == []


def test_subjects_are_rows_names_of_the_configuration_or_every_one(database: Database) -> None:
    create_key(database, SECRET, Order("k"))
    for subject in ("key:k", "team:*", "model:flash", "provider:deepseek", "organisation:default"):
        set_limits(database, subject, {"requests": {60: 1}})
    set_limits(database, "key:my_file_key", {"requests": {60: 1}}, file_keys={"my_file_key"})
    assert [each.subject for each in list_limits(database)] == [
        "key:k",
        "key:my_file_key",
        "model:flash",
        "organisation:default",
        "provider:deepseek",
        "team:*",
    ]
    with pytest.raises(NotFound, match="no key is called 'kk'"):
        set_limits(database, "key:kk", {"requests": {60: 1}})
    with pytest.raises(Refused, match="no scope"):
        set_budget(database, "model:flash", DAY)


def test_what_is_set_already_is_no_change(database: Database) -> None:
    set_limits(database, "team:*", {"requests": {60: 1}})
    number = last_number(database)
    set_limits(database, "team:*", {"requests": {60: 1}})
    assert last_number(database) == number


@pytest.mark.parametrize(
    ("windows", "concurrency"),
    [
        ({"requests": {0: 5}}, None),
        ({"requests": {60: -1}}, None),
        ({"requests": {60: 10**16}}, None),
        ({"prompts": {60: 1}}, None),
        ({}, 0),
        ({}, 10_000_000),
    ],
)
def test_limits_out_of_bounds_are_refused(windows: Any, concurrency: int | None, database: Database) -> None:
    with pytest.raises(Refused):
        set_limits(database, "team:*", windows, concurrency)


@pytest.mark.parametrize(
    "budget",
    [
        Budget("day", "CNY"),
        Budget("day", "CNY", hard=-1),
        Budget("day", "CNY", hard=5, soft=6),
        Budget("day", "yuan", hard=5),
        Budget("day", "CNY", hard=5, timezone="Asia/Atlantis"),
        Budget("day", "CNY", hard=10**16),
    ],
)
def test_budgets_that_make_no_sense_are_refused(budget: Budget, database: Database) -> None:
    with pytest.raises(Refused):
        set_budget(database, "team:*", budget)
