"""Peak hours: weekly windows at a fixed offset from UTC, with holidays that are known up to a date.

Everything is arithmetic on Unix seconds, in which a day has 86,400 of them (POSIX: leap seconds do not count).
The offset is fixed because the one zone that has such prices, China Standard Time, has had no daylight saving
since 1991; a zone that has it cannot be written down here, and is not guessed at.

A window is half open: a request admitted at 09:00:00 is in [09:00:00, 12:00:00), one at 12:00:00 is not.

A holiday takes a weekday out of the peak. A weekend day on which China works to make up for a holiday does not
come in: the rule says Monday to Friday. Holidays are only known up to and including ``valid_until``; after it, no day
is a holiday, so that the doubt costs a price that is too high in the books and never one that is too low, and the
answer says `Span.expired`, which raises an alarm.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date

import msgspec

DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()
_THURSDAY = 3  # 1970-01-01 was one, and Monday is 0


class Span(msgspec.Struct, frozen=True, gc=False):
    """What holds for every instant from ``start`` up to, not including, ``end`` (Unix seconds)."""

    start: int
    end: int
    peak: bool
    expired: bool


def day_number(day: date) -> int:
    """Days since 1970-01-01, the form in which the calendar keeps its days."""
    return day.toordinal() - _EPOCH


class PeakCalendar:
    """When a peak is. Days are day numbers in local time (`day_number`); windows are local seconds of the day.

    ``windows`` must be sorted, not empty each, and must not overlap; an end of 86,400 is midnight. ``valid_until``
    None says that there is no holiday calendar, which then cannot expire.
    """

    __slots__ = ("_edges", "_holidays", "_offset", "_valid_until", "_weekdays")

    def __init__(
        self,
        offset: int,
        weekdays: frozenset[int],
        windows: tuple[tuple[int, int], ...],
        holidays: frozenset[int],
        valid_until: int | None,
    ) -> None:
        self._offset = offset
        self._weekdays = weekdays
        self._holidays = holidays
        self._valid_until = valid_until
        self._edges = tuple(second for window in windows for second in window)

    def span(self, instant: float) -> Span:
        """The longest stretch inside one local day around ``instant`` in which nothing changes."""
        day, second = divmod(int(instant // 1) + self._offset, DAY)
        expired = self._valid_until is not None and day > self._valid_until
        midnight = day * DAY - self._offset
        holiday = not expired and day in self._holidays
        if holiday or (day + _THURSDAY) % 7 not in self._weekdays:
            return Span(midnight, midnight + DAY, False, expired)
        position = bisect_right(self._edges, second)
        start = self._edges[position - 1] if position else 0
        end = self._edges[position] if position < len(self._edges) else DAY
        return Span(midnight + start, midnight + end, position % 2 == 1, expired)
