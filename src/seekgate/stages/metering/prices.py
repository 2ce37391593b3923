"""What a token costs, by the instant at which its request was admitted.

The instant of admission decides, not the end of the answer: a caller can know it, a stream that crosses noon has one
price, and a record that keeps the instant and the table's version can be computed again. There is no clock here: the
instant is passed in.

Looking up a price is on the path of every request, so each entry keeps the quote in force and the span of time for
which it holds; between two boundaries (at most a day) a quote is one dict look-up and two comparisons. That state is
a cache only: two calls with the same arguments give equal quotes in any order.
"""

from __future__ import annotations

import pkgutil

import msgspec

from seekgate.stages.metering.calendar import PeakCalendar, Span, day_number
from seekgate.stages.metering.money import per_million
from seekgate.stages.metering.price_file import (
    Calendar,
    Price,
    PriceFile,
    PriceFileError,
    Problem,
    Schedule,
    read,
)

__all__ = ["PriceFileError", "PriceTable", "Problem", "Quote", "builtin"]

BUILTIN = "built-in prices"


class Quote(msgspec.Struct, frozen=True, gc=False):
    """The price of one deployment at one instant. Rates are micro-units of ``currency`` for 1,000,000 tokens.

    ``version`` is the price table's, for the record. ``calendar_expired`` says that holidays are no longer known for
    this day, so that a holiday is charged as peak.
    """

    key: str
    version: str
    currency: str
    hit: int
    miss: int
    output: int
    peak: bool
    calendar_expired: bool

    def cost(self, hit_tokens: int, miss_tokens: int, output_tokens: int) -> int:
        """Micro-units for these tokens: the exact sum, rounded half up once. Reasoning tokens are output tokens.

        Token counts must not be negative; what an upstream reports is checked where it is read.
        """
        return per_million(hit_tokens * self.hit + miss_tokens * self.miss + output_tokens * self.output)


class PriceTable:
    """All prices of one version. Immutable but for its cache; build a new one to change a price."""

    __slots__ = ("_entries", "version")

    def __init__(self, file: PriceFile) -> None:
        self.version = file.version
        calendars = {name: _holidays(calendar) for name, calendar in file.calendars.items()}
        peaks = {name: _peak(schedule, file, calendars) for name, schedule in file.schedules.items()}
        self._entries = {key: _Entry(key, price, file, peaks) for key, price in file.prices.items()}

    @classmethod
    def load(cls, data: bytes, override: bytes | None = None, name: str = "prices") -> PriceTable:
        """Read the built-in file, and an operator's file (``name`` in messages) that replaces entries of it.

        Raises `PriceFileError` with every mistake found.
        """
        layers = [(BUILTIN, data)]
        if override is not None:
            layers.append((name, override))
        return cls(read(layers))

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def names(self) -> tuple[str, ...]:
        """Every price key, in the order of the files."""
        return tuple(self._entries)

    def quote(self, key: str, admitted_at: float) -> Quote:
        """The price of ``key`` for a request admitted at this Unix second. Raises `KeyError` for an unknown key."""
        entry = self._entries[key]
        if entry.start <= admitted_at < entry.end:
            return entry.quote
        return entry.move(admitted_at)

    def calendar_expired(self, instant: float) -> bool:
        """Whether the holidays of any price in the table are no longer known at this instant: the alarm."""
        return any(self.quote(key, instant).calendar_expired for key in self._entries)


class _Entry:
    """One price key: its quotes and the span in which the present one holds."""

    __slots__ = ("_peak", "_price", "_quotes", "_schedule", "_version", "end", "key", "quote", "start")

    def __init__(self, key: str, price: Price, file: PriceFile, peaks: dict[str, PeakCalendar]) -> None:
        self.key = key
        self._price = price
        self._version = file.version
        self._schedule = None if price.schedule is None else file.schedules[price.schedule]
        self._peak = None if price.schedule is None else peaks[price.schedule]
        self._quotes: dict[tuple[bool, bool], Quote] = {}
        self.start = self.end = 0  # an empty span, so that the first look-up moves it
        self.quote = self._for(peak=False, expired=False)

    def move(self, instant: float) -> Quote:
        """Make the span and the quote around this instant the present ones."""
        if self._peak is None:
            span = Span(-(1 << 62), 1 << 62, False, False)
        else:
            span = self._peak.span(instant)
        self.start, self.end = span.start, span.end
        self.quote = self._for(peak=span.peak, expired=span.expired)
        return self.quote

    def _for(self, *, peak: bool, expired: bool) -> Quote:
        quote = self._quotes.get((peak, expired))
        if quote is None:
            up, down = 1, 1
            if peak and self._schedule is not None:
                up, down = self._schedule.multiplier.numerator, self._schedule.multiplier.denominator
            price = self._price
            quote = self._quotes[peak, expired] = Quote(
                key=self.key,
                version=self._version,
                currency=price.currency,
                hit=price.hit * up // down,  # exact: the file is refused otherwise
                miss=price.miss * up // down,
                output=price.output * up // down,
                peak=peak,
                calendar_expired=expired,
            )
        return quote


def builtin() -> bytes:
    """The price file that comes with the package."""
    data = pkgutil.get_data("seekgate", "data/prices.json")
    if data is None:
        raise FileNotFoundError("seekgate/data/prices.json is missing from the installed package")
    return data


def _holidays(calendar: Calendar) -> frozenset[int]:
    return frozenset(
        day
        for holiday in calendar.holidays
        for day in range(day_number(holiday.start), day_number(holiday.end) + 1)
    )


def _peak(schedule: Schedule, file: PriceFile, holidays: dict[str, frozenset[int]]) -> PeakCalendar:
    name = schedule.calendar
    return PeakCalendar(
        schedule.utc_offset_minutes * 60,
        schedule.weekday_numbers(),
        tuple(window.seconds() for window in schedule.windows),
        frozenset() if name is None else holidays[name],
        None if name is None else day_number(file.calendars[name].valid_until),
    )
