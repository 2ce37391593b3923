"""Text to values of rows: instants, spans, windows, money. Pure but for the clock handed in; each raises `Invalid`."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation

from seekgate.config.problems import Invalid, did_you_mean
from seekgate.config.units import format_duration, parse_duration

SPAN = "a span such as 30m, 24h, 7d or 2w"
INSTANT = "a span from now such as 30d, or an instant such as 2027-01-31 or 2027-01-31T08:00+08:00"
WINDOWS = "windows such as second=100,hour=5000 (second, minute, hour, day, week, or a span such as 30s)"
MONEY = "an amount such as 1000 or 0.5, with at most six decimals"
NAMED = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
CLEAR = "none"
MICRO = 1_000_000

_DAYS = re.compile(r"([0-9]{1,5})([dw])\Z")
_COUNT = re.compile(r"([0-9][0-9_]{0,18})([kKmM]?)\Z")


def parse_span(text: str) -> float:
    """Seconds of ``30m``, ``24h``, ``7d``, ``2w`` and of ``0``."""
    match = _DAYS.match(text)
    if match:
        return float(match[1]) * (86_400 if match[2] == "d" else 604_800)
    if text == "0":
        return 0.0
    try:
        return parse_duration(text)
    except Invalid as error:
        raise Invalid(error.what, SPAN, error.hint) from None


def parse_instant(text: str, now: float) -> float | None:
    """Unix seconds of a span from ``now`` or of an ISO 8601 instant (local time without an offset); None: ``none``."""
    if text in (CLEAR, "never"):
        return None
    if _DAYS.match(text) or text[-1:] in ("h", "m", "s"):
        return now + parse_span(text)
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise Invalid("not an instant", INSTANT) from None


def parse_windows(text: str) -> dict[int, int]:
    """``{1: 100, 3600: 5000}`` of ``second=100,hour=5000``; empty for ``none``."""
    if text == CLEAR:
        return {}
    found: dict[int, int] = {}
    for part in text.split(","):
        name, equals, count = part.strip().partition("=")
        if not equals:
            raise Invalid("not windows", WINDOWS)
        seconds = _seconds(name.strip())
        if seconds in found:
            raise Invalid(f"the window {name.strip()!r} twice", WINDOWS)
        found[seconds] = parse_count(count.strip())
    return found


def _seconds(name: str) -> int:
    if name in NAMED:
        return NAMED[name]
    if name[:1].isdigit():
        seconds = parse_span(name)
        if seconds >= 1 and seconds == int(seconds):
            return int(seconds)
    raise Invalid(f"no window is called {name[:20]!r}", WINDOWS, did_you_mean(name, NAMED))


def parse_count(text: str) -> int:
    """``5000``, ``5_000``, ``5k``, ``2M``."""
    match = _COUNT.match(text)
    if not match:
        raise Invalid("not a count", "a whole number such as 5000, 5k or 2M")
    return int(match[1].replace("_", "")) * {"": 1, "k": 1000, "m": MICRO}[match[2].lower()]


def parse_money(text: str) -> int:
    """Micro-units of an amount."""
    try:
        micro = Decimal(text.replace("_", "")) * MICRO
    except InvalidOperation:
        raise Invalid("not an amount", MONEY) from None
    if not micro.is_finite() or micro < 0 or micro != micro.to_integral_value():
        raise Invalid("not an amount", MONEY)
    return int(micro)


def format_money(micro: int) -> str:
    """``1000`` or ``0.5``: what `parse_money` reads back."""
    whole, rest = divmod(micro, MICRO)
    return f"{whole}.{rest:06}".rstrip("0") if rest else str(whole)


def format_windows(windows: dict[int, int]) -> str:
    """What `parse_windows` reads back."""
    names = {seconds: name for name, seconds in NAMED.items()}
    return ",".join(
        f"{names.get(seconds) or format_duration(seconds)}={limit}" for seconds, limit in windows.items()
    )
