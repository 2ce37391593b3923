"""Tests of seekgate.cli.row_values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.cli import row_values as values
from seekgate.config.problems import Invalid


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600), ("0", 0), ("1h30m", 5400)],
)
def test_spans(text: str, seconds: float) -> None:
    assert values.parse_span(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "d", "1.5d", "-1d", "1y"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(Invalid):
        values.parse_span(text)


def test_instants() -> None:
    assert values.parse_instant("never", 5.0) is None
    assert values.parse_instant("none", 5.0) is None
    assert values.parse_instant("1d", 5.0) == 86_405.0
    assert values.parse_instant("10m", 5.0) == 605.0
    at = datetime(2027, 1, 31, tzinfo=UTC).timestamp()
    assert values.parse_instant("2027-01-31T08:00+08:00", 0.0) == at
    assert values.parse_instant("2027-01-31", 0.0) == datetime(2027, 1, 31).timestamp()
    for text in ("tomorrow", "2027-13-01", "5x", ""):
        with pytest.raises(Invalid):
            values.parse_instant(text, 0.0)


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("second=100,hour=5000", {1: 100, 3600: 5000}),
        ("minute=100k, day=2M", {60: 100_000, 86_400: 2_000_000}),
        ("30s=5,week=1_000", {30: 5, 604_800: 1000}),
        ("none", {}),
    ],
)
def test_windows(text: str, windows: dict[int, int]) -> None:
    assert values.parse_windows(text) == windows
    assert values.parse_windows(values.format_windows(windows) or "none") == windows


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("100", "not windows"),
        ("secnd=1", "no window is called"),
        ("500ms=1", "no window is called"),
        ("minute=1,60s=2", "twice"),
        ("minute=x", "not a count"),
        ("minute=-1", "not a count"),
        ("minute=1.5", "not a count"),
    ],
)
def test_what_is_no_window(text: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        values.parse_windows(text)


@pytest.mark.parametrize(
    ("text", "micro"), [("1000", 10**9), ("0.5", 500_000), ("0.000001", 1), ("1_000", 10**9), ("0", 0)]
)
def test_money(text: str, micro: int) -> None:
    assert values.parse_money(text) == micro


@pytest.mark.parametrize("text", ["", "x", "-1", "0.0000001", "nan", "inf", "1,5"])
def test_what_is_no_money(text: str) -> None:
    with pytest.raises(Invalid):
        values.parse_money(text)


@given(st.integers(0, 10**15))
def test_money_is_read_as_it_was_written(micro: int) -> None:
    assert values.parse_money(values.format_money(micro)) == micro


@given(st.dictionaries(st.integers(1, 10**7), st.integers(0, 10**15), min_size=1, max_size=5))
def test_windows_are_read_as_they_were_written(windows: dict[int, Any]) -> None:
    assert values.parse_windows(values.format_windows(windows)) == windows
