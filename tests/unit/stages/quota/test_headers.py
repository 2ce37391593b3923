"""What an answer says about the limits."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.stages.quota.headers import duration, lines, render
from tests.support.limits import NOW, plan, row, tables


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, b"0s"), (0.2, b"1s"), (59.0, b"59s"), (60.0, b"1m0s"), (359.5, b"6m0s"), (3600.0, b"1h0m0s")],
)
def test_durations_are_written_as_openai_writes_them(seconds: float, text: bytes) -> None:
    assert duration(seconds) == text


def test_requests_and_tokens_are_shown() -> None:
    found = plan(tables(row(requests={60: 10}, tokens={60: 1000})))
    assert found.take(NOW, 100, 50, {})
    assert render(found, NOW) == (
        b"\r\nx-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 9\r\nx-ratelimit-reset-requests: 40s"
        b"\r\nx-ratelimit-limit-tokens: 1000\r\nx-ratelimit-remaining-tokens: 850\r\nx-ratelimit-reset-tokens: 40s"
    )


@pytest.mark.parametrize("unit", ["requests", "tokens"])
def test_one_of_them_is_shown_alone(unit: str) -> None:
    windows: dict[str, Any] = {unit: {60: 10}}
    found = plan(tables(row(**windows)))
    assert render(found, NOW).count(b"\r\n") == 3
    assert b"x-ratelimit-remaining-%b: 10" % unit.encode() in render(found, NOW)


def test_nothing_to_show_is_nothing() -> None:
    found = plan(tables(row(concurrency=5)))
    assert render(found, NOW) == b""
    assert lines(found, NOW) == ()


def test_the_nearest_window_is_shown_and_chosen_again_each_second() -> None:
    found = plan(tables(row(requests={1: 5, 60: 100})))
    for counter in found.counters:
        counter.left = 4
    assert b"limit-requests: 100\r\nx-ratelimit-remaining-requests: 4" in render(found, NOW)
    found.counters[0].left, found.counters[1].left = 0, 100
    assert b"limit-requests: 5\r\n" in render(found, NOW + 1)


def test_what_others_have_left_counts_and_a_debt_is_shown_as_nothing() -> None:
    found = plan(tables(row(tokens={60: 100}), shared=True))
    assert b"remaining-tokens: 100" in render(found, NOW)
    found.counters[0].left, found.counters[0].room = -5, 0
    assert b"remaining-tokens: 0" in render(found, NOW)


def test_a_clock_that_was_set_back_does_not_freeze_the_template() -> None:
    found = plan(tables(row(requests={60: 10})))
    render(found, NOW)
    assert b"reset-requests: 1m40s" in render(found, NOW - 60)


def test_lines_are_the_same_as_pairs() -> None:
    found = plan(tables(row(requests={60: 10})))
    assert lines(found, NOW) == (
        (b"x-ratelimit-limit-requests", b"10"),
        (b"x-ratelimit-remaining-requests", b"10"),
        (b"x-ratelimit-reset-requests", b"40s"),
    )
