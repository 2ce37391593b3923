"""What a request will take, learned from the answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.quota.estimate import (
    FIRST_RATE,
    HIGHEST,
    LOWEST,
    MOST_EVENT,
    Shape,
    output_bound,
)


def test_the_rate_comes_close_to_what_answers_report() -> None:
    shape = Shape()
    for _ in range(200):
        shape.learn(1000, 120)
    assert shape.rate == pytest.approx(0.12, rel=0.01)
    assert shape.worst_input(1000) >= 120


def test_the_worst_case_remembers_the_worst_and_sinks_slowly() -> None:
    shape = Shape()
    shape.learn(1000, 800)
    assert shape.worst_input(1000) == 801
    for _ in range(2000):
        shape.learn(1000, 100)
    assert 100 < shape.worst_input(1000) < 200


def test_output_is_estimated_from_events_or_bytes() -> None:
    shape = Shape()
    for _ in range(300):
        shape.learn_output(500, 250, 90_000)
        shape.learn_output(500, 0, 2_000)
    assert shape.output(100, 0) in (199, 200)
    assert shape.output(0, 1_000) in (249, 250)


@given(st.lists(st.tuples(st.integers(-5, 10**9), st.integers(-5, 10**9)), max_size=50))
def test_no_report_makes_an_estimate_absurd(reports: list[tuple[int, int]]) -> None:
    shape = Shape()
    for body, tokens in reports:
        shape.learn(body, tokens)
        shape.learn_output(tokens, body, body)
    assert LOWEST <= shape.rate <= HIGHEST
    assert 0 < shape.peak <= HIGHEST
    assert 0 < shape.event <= MOST_EVENT
    assert LOWEST <= shape.out <= HIGHEST


def test_nothing_is_learned_from_nothing() -> None:
    shape = Shape()
    shape.learn(0, 10)
    shape.learn(10, 0)
    shape.learn_output(0, 5, 5)
    assert shape == Shape()
    assert shape.rate == FIRST_RATE


@pytest.mark.parametrize(
    ("tree", "bound"),
    [
        ({}, 1000),
        ({"max_tokens": 50}, 50),
        ({"max_completion_tokens": 60}, 60),
        ({"max_tokens": 50, "max_completion_tokens": 60}, 50),
        ({"max_tokens": 5000}, 1000),
        ({"max_tokens": 0}, 1000),
        ({"max_tokens": -1}, 1000),
        ({"max_tokens": True}, 1000),
        ({"max_tokens": "50"}, 1000),
        ({"max_tokens": 50, "n": 3}, 150),
        ({"n": 2}, 2000),
        ({"max_tokens": 50, "n": 100_000}, 50),
        (None, 1000),
        ([], 1000),
    ],
)
def test_what_an_answer_may_take(tree: Any, bound: int) -> None:
    assert output_bound(tree, 1000) == bound
