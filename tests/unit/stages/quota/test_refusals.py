"""What a caller is told who may not use more."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.config.rows import Budget, LimitRow
from seekgate.stages.quota.refusals import not_served, refusal, unavailable
from seekgate.stages.quota.state import Refused
from seekgate.wire import errors
from tests.support.limits import NOW, plan, row, tables


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (
            row(requests={60: 3}),
            "The limit of 3 requests a minute of the key 'ann' is used up. Try again in 40s.",
        ),
        (
            row(requests={7: 3}),
            "The limit of 3 requests a 7 seconds of the key 'ann' is used up. Try again in 40s.",
        ),
        (
            row(input_tokens={3600: 3}),
            "The limit of 3 input tokens a hour of the key 'ann' does not cover what this request may take. Try again"
            " in 40s, or ask for fewer max_tokens.",
        ),
        (
            row(concurrency=3),
            "The limit of 3 requests at a time of the key 'ann' is reached. Try again when one has ended.",
        ),
        (
            row(budgets=(Budget("month", "CNY", 12_500_000, timezone="Asia/Shanghai"),)),
            "The budget of 12.5 CNY a month (Asia/Shanghai) of the key 'ann' does not cover what this request may cost:"
            " 12.500000 CNY are not spent or reserved.",
        ),
    ],
)
def test_a_refusal_says_which_limit_and_when_to_come_back(rule: LimitRow, says: str) -> None:
    found = plan(tables(rule))
    reply = refusal(found, Refused(found.counters[0], NOW + 39.5), NOW)
    assert reply.message == says.replace("a 7 seconds", "in 7 seconds").replace("a hour", "an hour")
    assert reply.headers[0] == (b"Retry-After", b"40")


def test_a_key_is_called_by_its_name_and_others_by_theirs() -> None:
    found = plan(tables(row(requests={60: 3})))
    assert "the key 'shop' is" in refusal(found, Refused(found.counters[0], NOW), NOW, "shop").message
    team = plan(tables(row(scope="team", name="*", requests={60: 3})))
    assert "shop" not in refusal(team, Refused(team.counters[0], NOW), NOW, "shop").message


def test_a_budget_is_another_kind_of_error() -> None:
    found = plan(tables(row(budgets=(Budget("day", "CNY", 5),), requests={60: 1})))
    by_unit = {counter.unit: counter for counter in found.counters}
    assert refusal(found, Refused(by_unit["money"], NOW), NOW).error is errors.BUDGET_EXCEEDED
    reply = refusal(found, Refused(by_unit["requests"], NOW), NOW)
    assert reply.error is errors.RATE_LIMITED
    assert reply.headers[0] == (b"Retry-After", b"1")
    assert (b"x-ratelimit-limit-requests", b"1") in reply.headers
    assert len(refusal(None, Refused(by_unit["requests"], NOW), NOW).headers) == 1


def test_limits_that_cannot_be_checked_are_our_fault() -> None:
    reply = unavailable()
    assert reply.error is errors.QUOTA_UNAVAILABLE
    assert reply.error.status == 503


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ("full", "is reached, and as many requests wait as may. Try again in 3s."),
        ("late", "is reached, and none has ended for this one in 30 seconds. Try again in 3s."),
    ],
)
def test_who_could_not_wait_or_not_long_enough_is_told_when_to_come_back(why: Any, says: str) -> None:
    found = plan(tables(row("provider", "p", concurrency=5), row(requests={60: 3})))
    (counter,) = found.account_slots
    reply = not_served(found, counter, why, 30.0, 2.4, NOW)
    assert reply.error is errors.RATE_LIMITED
    assert reply.message == f"The limit of 5 requests at a time of the provider 'p' {says}"
    assert reply.headers[0] == (b"Retry-After", b"3")
    assert reply.headers[1][0] == b"x-ratelimit-limit-requests"
    assert not_served(None, counter, why, 30.0, 0.0, NOW).headers == ((b"Retry-After", b"1"),)
