"""The price file: JSON, checked, and an operator's file laid over the built-in one entry by entry.

JSON and not YAML because workers read it and a worker parses no YAML. The format is described in
`docs/reference/prices.md`. `read` reports every entry that is wrong, not only the first.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Rate = Annotated[int, Meta(ge=0, le=10**12)]
Factor = Annotated[int, Meta(ge=1, le=1000)]
TimeOfDay = Annotated[str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]|24:00:00)\Z")]


class Problem(msgspec.Struct, frozen=True):
    """One mistake: which file, the JSON path in it, what is wrong there, and what to write instead."""

    file: str
    path: str
    what: str
    fix: str

    def __str__(self) -> str:
        text = f"{self.file}: {self.path}: {self.what}. {self.fix}"
        # JSON may carry half a surrogate pair in a key, and a message has to be printable.
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


class PriceFileError(ValueError):
    """The price file cannot be used. ``problems`` has one entry for each mistake found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Local times of day, half open: ``from`` is inside, ``to`` is not. ``24:00:00`` is the end of the day."""

    start: TimeOfDay = field(name="from")
    end: TimeOfDay = field(name="to")

    def seconds(self) -> tuple[int, int]:
        """The window as seconds of the local day."""
        return _second_of_day(self.start), _second_of_day(self.end)


class Multiplier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a peak multiplies every rate by, as a fraction."""

    numerator: Factor
    denominator: Factor


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weekly peak hours. ``calendar`` names the holidays that are taken out of them."""

    utc_offset_minutes: Annotated[int, Meta(ge=-14 * 60, le=14 * 60)]
    weekdays: Annotated[tuple[Weekday, ...], Meta(min_length=1)]
    windows: Annotated[tuple[Window, ...], Meta(min_length=1)]
    multiplier: Multiplier
    calendar: str | None = None

    def weekday_numbers(self) -> frozenset[int]:
        """The weekdays as numbers, Monday is 0."""
        return frozenset(_DAYS.index(day) for day in self.weekdays)


class Holiday(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days off, both ends included."""

    start: date = field(name="from")
    end: date = field(name="to")
    name: str = ""


class Calendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Holidays, complete up to and including ``valid_until``; ``source`` says who published them."""

    source: str
    valid_until: date
    holidays: tuple[Holiday, ...]


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Off-peak rates in micro-units of ``currency`` for 1,000,000 tokens."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    hit: Rate
    miss: Rate
    output: Rate
    schedule: str | None = None


class PriceFile(msgspec.Struct, frozen=True):
    """The checked result. ``version`` names every layer and a digest of its bytes: ``2026-11-24@1b9c04d2``."""

    version: str
    calendars: dict[str, Calendar]
    schedules: dict[str, Schedule]
    prices: dict[str, Price]


_SECTIONS: dict[str, type[Calendar | Schedule | Price]] = {
    "calendars": Calendar,
    "schedules": Schedule,
    "prices": Price,
}
_FIXES = {
    "utc_offset_minutes": "Write the offset from UTC in minutes: 480 is UTC+8",
    "weekdays": 'Write a list of "mon" to "sun"',
    "windows": 'Write a list like [{"from": "09:00:00", "to": "12:00:00"}]',
    "from": 'Write "HH:MM:SS" for a time of day, "YYYY-MM-DD" for a date',
    "to": 'Write "HH:MM:SS" ("24:00:00" for midnight) for a time of day, "YYYY-MM-DD" for a date',
    "multiplier": 'Write {"numerator": 2, "denominator": 1} for twice the price',
    "numerator": "Write a whole number from 1 to 1000",
    "denominator": "Write a whole number from 1 to 1000",
    "valid_until": 'Write the last day that the list of holidays covers, as "YYYY-MM-DD"',
    "holidays": 'Write a list like [{"from": "2026-10-01", "to": "2026-10-07"}]',
    "currency": 'Write three capital letters, such as "USD"',
    "hit": "Write whole micro-units for 1,000,000 tokens: 0.15 USD is 150000",
    "miss": "Write whole micro-units for 1,000,000 tokens: 0.15 USD is 150000",
    "output": "Write whole micro-units for 1,000,000 tokens: 0.15 USD is 150000",
}


def read(layers: Iterable[tuple[str, bytes]]) -> PriceFile:
    """Check and merge (file name, content) pairs; an entry of a later one replaces the earlier entry of its name.

    References are resolved after merging, so that a calendar of next year or another multiplier can be given alone.
    Raises `PriceFileError`.
    """
    problems: list[Problem] = []
    merged: dict[str, dict[str, Any]] = {section: {} for section in _SECTIONS}
    origin: dict[tuple[str, str], str] = {}
    versions = []
    for name, data in layers:
        layer = _decode(name, data, problems)
        if layer is None:
            continue
        versions.append(f"{_version(name, layer, problems)}@{hashlib.sha256(data).hexdigest()[:8]}")
        for section, key, entry in _entries(name, layer, problems):
            merged[section][key] = entry
            origin[section, key] = name
    if not problems:
        problems = _Checker(merged, origin).run()
    if problems:
        raise PriceFileError(problems)
    return PriceFile("+".join(versions), **merged)


def _decode(name: str, data: bytes, problems: list[Problem]) -> dict[str, Any] | None:
    """Parse one layer. A repeated key is an error: JSON parsers keep one of the two silently, and this is money."""
    repeated: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            seen: set[str] = set()
            repeated.extend(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return result

    try:
        layer = json.loads(data, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        problems.append(Problem(name, "$", f"not JSON ({error})", "Correct the syntax there"))
        return None
    problems.extend(
        Problem(name, "$", f"the key {key!r} is there twice", "Keep one of them") for key in repeated
    )
    if not isinstance(layer, dict):
        problems.append(
            Problem(name, "$", "not an object", f"Write an object with version, {', '.join(_SECTIONS)}")
        )
        return None
    return layer


def _version(name: str, layer: dict[str, Any], problems: list[Problem]) -> str:
    version = layer.get("version")
    if isinstance(version, str) and 0 < len(version) <= 64 and version.isprintable():
        return version
    what = "missing" if version is None else "not a text of 1 to 64 printable characters"
    problems.append(Problem(name, "$.version", what, "Write a version for the records, such as the date"))
    return ""


def _entries(
    name: str, layer: dict[str, Any], problems: list[Problem]
) -> Iterable[tuple[str, str, Calendar | Schedule | Price]]:
    """Every entry of a layer that has the right shape; the others become problems."""
    for section, content in layer.items():
        if section == "version":
            continue
        kind = _SECTIONS.get(section)
        if kind is None:
            problems.append(
                Problem(name, f"$.{section}", "unknown section", _near(section, ("version", *_SECTIONS)))
            )
            continue
        if not isinstance(content, dict):
            problems.append(
                Problem(name, f"$.{section}", "not an object", "Write an object of named entries")
            )
            continue
        for key, value in content.items():
            path = _path(section, key)
            if not (0 < len(key) <= 200 and key.isprintable()):
                problems.append(Problem(name, path, "not a name", "Write 1 to 200 printable characters"))
                continue
            try:
                yield section, key, msgspec.convert(value, kind)
            except msgspec.ValidationError as error:
                problems.append(_shape_problem(name, path, str(error), kind))


def _shape_problem(name: str, path: str, message: str, kind: type[Calendar | Schedule | Price]) -> Problem:
    """Turn msgspec's ``what - at `$.path``` into a problem at the whole path, with a fix for that field."""
    what, _, where = message.partition(" - at `$")
    where = where.removesuffix("`")
    fields = [info.encode_name for info in msgspec.structs.fields(kind)]
    if "unknown field" in what:
        fix = _near(what.split("`")[1], fields) if not where else "Remove it"
    elif "missing required field" in what:
        fix = _FIXES.get(what.split("`")[1], "Add it")
    else:
        last = where.rsplit(".", 1)[-1].split("[")[0]
        fix = _FIXES.get(
            last, f"Write an object with {', '.join(fields)}" if not where else "Correct the value"
        )
    return Problem(name, path + where, what[:1].lower() + what[1:], fix)


def _near(word: str, known: Iterable[str]) -> str:
    names = tuple(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known here: {', '.join(names)}"


class _Checker:
    """What no single field can tell: order, overlap, references, and rates that a multiplier would not keep whole."""

    def __init__(self, merged: dict[str, dict[str, Any]], origin: dict[tuple[str, str], str]) -> None:
        self._merged = merged
        self._origin = origin
        self.problems: list[Problem] = []

    def run(self) -> list[Problem]:
        """Every problem of the merged entries."""
        for key, calendar in self._merged["calendars"].items():
            self._calendar(key, calendar)
        for key, schedule in self._merged["schedules"].items():
            self._schedule(key, schedule)
        for key, price in self._merged["prices"].items():
            self._price(key, price)
        return self.problems

    def _add(self, section: str, key: str, where: str, what: str, fix: str) -> None:
        self.problems.append(Problem(self._origin[section, key], _path(section, key) + where, what, fix))

    def _calendar(self, key: str, calendar: Calendar) -> None:
        for index, holiday in enumerate(calendar.holidays):
            where = f".holidays[{index}]"
            if holiday.end < holiday.start:
                self._add("calendars", key, where, "ends before it starts", "Swap the two dates")
            elif (holiday.end - holiday.start).days > 60:
                self._add("calendars", key, where, "is longer than 61 days", "Check the year of both dates")
            elif holiday.end > calendar.valid_until:
                self._add(
                    "calendars", key, where, "is after valid_until", "Move valid_until to that year's end"
                )

    def _schedule(self, key: str, schedule: Schedule) -> None:
        last = 0
        for index, (start, end) in enumerate(window.seconds() for window in schedule.windows):
            where = f".windows[{index}]"
            if end <= start:
                fix = "Split it at 24:00:00 and 00:00:00"
                self._add("schedules", key, where, "is empty or crosses midnight", fix)
            elif start < last:
                self._add(
                    "schedules", key, where, "overlaps or precedes the one before", "Sort the windows by time"
                )
            last = max(last, end)
        self._reference("schedules", key, "calendar", schedule.calendar, self._merged["calendars"])

    def _price(self, key: str, price: Price) -> None:
        schedules = self._merged["schedules"]
        self._reference("prices", key, "schedule", price.schedule, schedules)
        if price.schedule not in schedules:
            return
        multiplier = schedules[price.schedule].multiplier
        for name, rate in (("hit", price.hit), ("miss", price.miss), ("output", price.output)):
            if rate * multiplier.numerator % multiplier.denominator:
                what = f"{rate} x {multiplier.numerator}/{multiplier.denominator} at peak is no whole number"
                self._add(
                    "prices", key, f".{name}", what, "Choose a rate or a multiplier that gives micro-units"
                )

    def _reference(self, section: str, key: str, name: str, value: str | None, known: dict[str, Any]) -> None:
        if value is not None and value not in known:
            self._add(section, key, f".{name}", f"there is no {name} {value!r}", _near(value, known))


def _path(section: str, key: str) -> str:
    return f"$.{section}[{json.dumps(key, ensure_ascii=not key.isprintable())}]"


def _second_of_day(text: str) -> int:
    return int(text[:2]) * 3600 + int(text[3:5]) * 60 + int(text[6:])
