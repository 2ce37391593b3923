"""When windows begin and end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.quota.periods import calendar, fixed

HOUR = 3600


def _at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def test_fixed_windows_are_aligned_to_the_epoch() -> None:
    assert fixed(60, 119.9) == (60, 120)
    assert fixed(60, 120.0) == (120, 180)
    assert fixed(1, 7.5) == (7, 8)


@pytest.mark.parametrize(
    ("zone", "now", "first", "after"),
    [
        ("UTC", "2026-11-24T13:00", "2026-11-24T00:00", "2026-11-25T00:00"),
        ("Asia/Shanghai", "2026-11-24T00:00", "2026-11-24T00:00", "2026-11-25T00:00"),
        ("Europe/Berlin", "2026-10-25T12:00", "2026-10-25T00:00", "2026-10-26T00:00"),
    ],
)
def test_a_day_is_the_zones_own(zone: str, now: str, first: str, after: str) -> None:
    assert calendar("day", zone, _at(now, zone)) == (int(_at(first, zone)), int(_at(after, zone)))


def test_a_day_on_which_the_clocks_change_is_longer_or_shorter() -> None:
    start, end = calendar("day", "Europe/Berlin", _at("2026-10-25T12:00", "Europe/Berlin"))
    assert end - start == 25 * HOUR
    start, end = calendar("day", "Europe/Berlin", _at("2026-03-29T12:00", "Europe/Berlin"))
    assert end - start == 23 * HOUR


def test_a_month_ends_with_the_year() -> None:
    start, end = calendar("month", "Asia/Shanghai", _at("2026-12-31T23:59", "Asia/Shanghai"))
    assert datetime.fromtimestamp(start, UTC).isoformat() == "2026-11-30T16:00:00+00:00"
    assert datetime.fromtimestamp(end, UTC).isoformat() == "2026-12-31T16:00:00+00:00"


def test_an_unknown_zone_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        calendar("day", "Middle/Earth", 0.0)


@given(
    st.sampled_from(["day", "month"]),
    st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"]),
    st.integers(0, 4_000_000_000),
)
def test_every_instant_is_in_its_window_and_windows_meet(
    period: Literal["day", "month"], zone: str, now: int
) -> None:
    start, end = calendar(period, zone, float(now))
    assert start <= now < end
    assert calendar(period, zone, float(end))[0] == end
