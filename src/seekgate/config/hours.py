"""Times of the week as text: ``mon-fri 08:00-18:00 Asia/Shanghai``. Pure; raises `Invalid`."""

from __future__ import annotations

import re

from seekgate.config.problems import Invalid, did_you_mean
from seekgate.config.rows import Hours

EXPECTED = "hours such as 'mon-fri 08:00-18:00 Asia/Shanghai' (days and time zone may be left out)"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TEXT = re.compile(r"(?:([a-z,-]+) )?([0-9:]{4,5})-([0-9:]{4,5})(?: ([A-Za-z0-9_+/-]+))?\Z", re.IGNORECASE)
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})\Z")


def parse_hours(text: str) -> Hours:
    """``[DAYS ]FROM-TO[ ZONE]``: days as ``mon-fri`` or ``mon,wed``, an end before the beginning means the next day
    (the day is that of the beginning), ``24:00`` is the day's end, the zone an IANA name (UTC without one)."""
    match = _TEXT.match(" ".join(text.split()))
    if not match:
        raise Invalid("not hours", EXPECTED)
    days, start, end, zone = match.groups()
    begin, finish = _minutes(start), _minutes(end)
    if begin == 1440:
        raise Invalid("hours that begin at the day's end", EXPECTED)
    return Hours(begin, finish, _days(days.lower()) if days else (), _zone(zone or "UTC"))


def format_hours(hours: Hours) -> str:
    """What `parse_hours` reads back as the same."""
    days = f"{','.join(DAYS[day - 1] for day in hours.days)} " if hours.days else ""
    return f"{days}{_clock(hours.start)}-{_clock(hours.end)} {hours.timezone}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _minutes(text: str) -> int:
    match = _TIME.match(text)
    minutes = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else 9999
    if minutes > 1440:
        raise Invalid("not a time of the day", "a time from 00:00 to 24:00")
    return minutes


def _days(text: str) -> tuple[int, ...]:
    chosen: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        for name in (first, last) if dash else (first,):
            if name not in DAYS:
                raise Invalid(
                    "not a day of the week", f"days such as {', '.join(DAYS)}", did_you_mean(name, DAYS)
                )
        begin = DAYS.index(first)
        length = (DAYS.index(last) - begin) % 7 + 1 if dash else 1
        chosen.update((begin + step) % 7 + 1 for step in range(length))
    return tuple(sorted(chosen))


def _zone(name: str) -> str:
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones())
        raise Invalid("not a time zone", "an IANA time zone such as Asia/Shanghai or UTC", hint) from None
