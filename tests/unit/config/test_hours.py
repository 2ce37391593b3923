"""Times of the week as text."""

from __future__ import annotations

import pytest

from seekgate.config.hours import format_hours, parse_hours
from seekgate.config.problems import Invalid
from seekgate.config.rows import Hours


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("08:00-18:00", Hours(480, 1080)),
        ("mon-fri 08:00-18:00 Asia/Shanghai", Hours(480, 1080, (1, 2, 3, 4, 5), "Asia/Shanghai")),
        ("Sat,SUN 0:00-24:00", Hours(0, 1440, (6, 7))),
        ("fri-mon 22:30-06:00 UTC", Hours(1350, 360, (1, 5, 6, 7))),
        ("  tue   9:05-9:06  ", Hours(545, 546, (2,))),
    ],
)
def test_read_and_written(text: str, expected: Hours) -> None:
    assert parse_hours(text) == expected
    assert parse_hours(format_hours(expected)) == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not hours"),
        ("all day", "not hours"),
        ("8-18", "not hours"),
        ("25:00-26:00", "not a time of the day"),
        ("08:60-09:00", "not a time of the day"),
        ("24:00-08:00", "begin at the day's end"),
        ("mon-friday 08:00-18:00", "not a day of the week"),
        ("08:00-18:00 Asia/Shanghia", "not a time zone"),
        ("08:00-18:00 ../../etc/passwd", "not hours"),
    ],
)
def test_wrong(text: str, what: str) -> None:
    with pytest.raises(Invalid, match=what):
        parse_hours(text)


def test_a_near_miss_is_pointed_at() -> None:
    with pytest.raises(Invalid) as caught:
        parse_hours("08:00-18:00 Asia/Shanghia")
    assert "Asia/Shanghai" in caught.value.hint
