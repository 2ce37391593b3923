"""The calendar against a naive reading of the rule with zoneinfo, and on its edges."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.metering.calendar import DAY, PeakCalendar, Span, day_number

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOLIDAYS = frozenset(date(2026, 10, 1) + timedelta(days=n) for n in range(7)) | {
    date(2026, 1, 1),
    date(2026, 1, 2),
    date(2027, 1, 1),
}
VALID_UNTIL = date(2026, 12, 31)
START = int(datetime(2025, 12, 20, tzinfo=UTC).timestamp())
STOP = int(datetime(2027, 2, 1, tzinfo=UTC).timestamp())


def make(valid_until: date | None = VALID_UNTIL) -> PeakCalendar:
    return PeakCalendar(
        8 * 3600,
        frozenset(range(5)),
        ((9 * 3600, 12 * 3600), (14 * 3600, 18 * 3600)),
        frozenset(day_number(day) for day in HOLIDAYS),
        None if valid_until is None else day_number(valid_until),
    )


def naive(instant: float) -> tuple[bool, bool]:
    local = datetime.fromtimestamp(instant, SHANGHAI)
    expired = local.date() > VALID_UNTIL
    working = local.weekday() < 5 and (expired or local.date() not in HOLIDAYS)
    return working and (9 <= local.hour < 12 or 14 <= local.hour < 18), expired


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp())


@given(st.integers(START, STOP) | st.floats(START, STOP))
def test_equals_the_naive_rule(instant: float) -> None:
    span = make().span(instant)
    assert (span.peak, span.expired) == naive(instant)


@given(st.integers(START, STOP), st.data())
def test_nothing_changes_inside_a_span(instant: int, data: st.DataObject) -> None:
    span = make().span(instant)
    assert span.start <= instant < span.end
    assert span.end - span.start <= DAY
    for other in (span.start, span.end - 1, data.draw(st.integers(span.start, span.end - 1))):
        assert make().span(other) == span
        assert (span.peak, span.expired) == naive(other)


@given(st.integers(START, STOP))
def test_neighbouring_spans_touch(instant: int) -> None:
    span = make().span(instant)
    assert make().span(span.end).start == span.end


@pytest.mark.parametrize(
    ("local", "peak"),
    [
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 09:00:00", True),
        ("2026-11-23 11:59:59", True),
        ("2026-11-23 12:00:00", False),
        ("2026-11-23 13:59:59", False),
        ("2026-11-23 14:00:00", True),
        ("2026-11-23 17:59:59", True),
        ("2026-11-23 18:00:00", False),
        ("2026-11-27 17:59:59", True),  # Friday's last second
        ("2026-11-28 10:00:00", False),  # Saturday
        ("2026-11-29 10:00:00", False),  # Sunday
        ("2026-10-01 10:00:00", False),  # a holiday on a Thursday
        ("2026-10-10 10:00:00", False),  # a Saturday worked to make up for it
        ("2026-10-08 09:00:00", True),  # the first day after
    ],
)
def test_edges_of_a_peak(local: str, peak: bool) -> None:
    assert make().span(at(local)).peak is peak


def test_a_fraction_before_a_boundary_is_before_it() -> None:
    assert not make().span(at("2026-11-23 09:00:00") - 1e-3).peak
    assert make().span(at("2026-11-23 12:00:00") - 1e-3).peak


def test_after_valid_until_a_holiday_is_charged_as_peak() -> None:
    calendar = make()
    assert calendar.span(at("2026-12-31 23:59:59")) == Span(
        at("2026-12-31 18:00:00"), at("2027-01-01 00:00:00"), False, False
    )
    assert calendar.span(at("2027-01-01 00:00:00")).expired
    assert not calendar.span(at("2027-01-01 08:59:59")).peak
    assert calendar.span(at("2027-01-01 09:00:00")) == Span(
        at("2027-01-01 09:00:00"), at("2027-01-01 12:00:00"), True, True
    )


def test_without_holidays_nothing_expires() -> None:
    assert not make(None).span(at("2030-01-01 10:00:00")).expired


def test_a_window_may_fill_the_whole_day_and_windows_may_touch() -> None:
    whole = PeakCalendar(0, frozenset(range(7)), ((0, DAY),), frozenset(), None)
    assert whole.span(DAY - 1) == Span(0, DAY, True, False)
    touching = PeakCalendar(0, frozenset(range(7)), ((0, 10), (10, 20)), frozenset(), None)
    assert [touching.span(second).peak for second in (0, 9, 10, 19, 20)] == [True, True, True, True, False]


def test_before_1970() -> None:
    assert make(None).span(-1.5).start <= -1.5 < make(None).span(-1.5).end
