"""When a window begins and ends: pure arithmetic on Unix seconds, calendar days and months in a stated time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

FOREVER = 1 << 40
"""The end of what has no windows (concurrency): later than any instant."""

MAX_ZONES = 64
# The bounds that were computed last: a cache only.
_latest: dict[tuple[str, str], tuple[int, int]] = {}


def fixed(seconds: int, now: float) -> tuple[int, int]:
    """The window of ``seconds`` around ``now``, aligned to the epoch: its first instant, and that after its last."""
    start = int(now // seconds) * seconds
    return start, start + seconds


def calendar(period: Literal["day", "month"], zone: str, now: float) -> tuple[int, int]:
    """The calendar day or month of ``zone`` around ``now``. A day on which the clocks change has 23 or 25 hours.

    Raises `zoneinfo.ZoneInfoNotFoundError` for a zone that this machine does not know.
    """
    known = _latest.get((period, zone))
    if known is not None and known[0] <= now < known[1]:
        return known
    if len(_latest) >= MAX_ZONES:
        _latest.clear()
    found = _latest[period, zone] = _calendar(period, zone, now)
    return found


def _calendar(period: Literal["day", "month"], zone: str, now: float) -> tuple[int, int]:
    place = _zone(zone)
    local = datetime.fromtimestamp(now, place)
    first = datetime(local.year, local.month, local.day if period == "day" else 1)
    if period == "day":
        last = first + timedelta(days=1)
    else:
        last = datetime(first.year + first.month // 12, first.month % 12 + 1, 1)
    return _instant(first, place), _instant(last, place)


def _instant(wall: datetime, place: ZoneInfo) -> int:
    return int(wall.replace(tzinfo=place).timestamp())


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
