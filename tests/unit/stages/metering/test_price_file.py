"""Each mistake in a price file has a message that says where it is and what to write."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.metering.price_file import PriceFileError, Problem, read
from seekgate.stages.metering.prices import builtin

GOOD: dict[str, Any] = {
    "version": "1",
    "calendars": {
        "cn": {
            "source": "somebody",
            "valid_until": "2026-12-31",
            "holidays": [{"from": "2026-10-01", "to": "2026-10-07"}],
        }
    },
    "schedules": {
        "day": {
            "utc_offset_minutes": 480,
            "weekdays": ["mon"],
            "windows": [{"from": "09:00:00", "to": "12:00:00"}, {"from": "14:00:00", "to": "24:00:00"}],
            "multiplier": {"numerator": 3, "denominator": 2},
            "calendar": "cn",
        }
    },
    "prices": {"a/b": {"currency": "USD", "hit": 2, "miss": 4, "output": 6, "schedule": "day"}},
}


def change(path: str, value: Any) -> bytes:
    """GOOD as JSON, with the value at a dotted path replaced (None: removed)."""
    content = deepcopy(GOOD)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    target: Any = content
    for part in parents:
        target = target[part]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return json.dumps(content).encode()


def problems(data: bytes) -> tuple[Problem, ...]:
    with pytest.raises(PriceFileError) as caught:
        read([("mine.json", data)])
    return caught.value.problems


def test_the_builtin_file_and_the_example_are_good() -> None:
    assert set(read([("built-in", builtin())]).prices) == {
        "deepseek/deepseek-flash",
        "deepseek/deepseek-v4-flash",
        "deepseek/deepseek-v4-pro",
    }
    assert read([("good", json.dumps(GOOD).encode())]).prices["a/b"].output == 6


@pytest.mark.parametrize(
    ("path", "value", "where", "what", "fix"),
    [
        ("version", None, "$.version", "missing", "such as the date"),
        ("version", 7, "$.version", "not a text", "such as the date"),
        ("pricse", {}, "$.pricse", "unknown section", "Did you mean 'prices'?"),
        ("prices", [], "$.prices", "not an object", "named entries"),
        ("prices.a/b.hit", 0.003, '$.prices["a/b"].hit', "expected `int`, got `float`", "0.15 USD is 150000"),
        ("prices.a/b.miss", -1, '$.prices["a/b"].miss', "expected `int` >= 0", "0.15 USD is 150000"),
        (
            "prices.a/b.output",
            None,
            '$.prices["a/b"]',
            "missing required field `output`",
            "0.15 USD is 150000",
        ),
        ("prices.a/b.outputs", 3, '$.prices["a/b"]', "unknown field `outputs`", "Did you mean 'output'?"),
        ("prices.a/b.currency", "usd", '$.prices["a/b"].currency', "matching regex", "three capital letters"),
        (
            "prices.a/b.schedule",
            "dya",
            '$.prices["a/b"].schedule',
            "no schedule 'dya'",
            "Did you mean 'day'?",
        ),
        (
            "prices.a/b.hit",
            3,
            '$.prices["a/b"].hit',
            "3 x 3/2 at peak is no whole number",
            "gives micro-units",
        ),
        (
            "prices.a/b.currency",
            "USD\n",
            '$.prices["a/b"].currency',
            "matching regex",
            "three capital letters",
        ),
        ("prices.\ud800", {}, '$.prices["\\ud800"]', "not a name", "printable"),
        ("prices.a/b", 5, '$.prices["a/b"]', "expected `object`", "Write an object with currency, hit"),
        ("schedules.day.calendar", "cnn", '$.schedules["day"].calendar', "no calendar 'cnn'", "'cn'"),
        (
            "schedules.day.weekdays",
            ["mo"],
            '$.schedules["day"].weekdays[0]',
            "invalid enum value",
            '"mon" to "sun"',
        ),
        ("schedules.day.windows", [], '$.schedules["day"].windows', "length >= 1", '"09:00:00"'),
        (
            "schedules.day.windows.0.to",
            "12:00",
            '$.schedules["day"].windows[0].to',
            "matching regex",
            '"24:00:00" for midnight',
        ),
        (
            "schedules.day.windows.1.to",
            "02:00:00",
            '$.schedules["day"].windows[1]',
            "crosses midnight",
            "Split it",
        ),
        ("schedules.day.windows.1.from", "11:59:59", '$.schedules["day"].windows[1]', "overlaps", "Sort"),
        (
            "schedules.day.multiplier.denominator",
            0,
            '$.schedules["day"].multiplier.denominator',
            ">= 1",
            "1 to 1000",
        ),
        (
            "calendars.cn.valid_until",
            "soon",
            '$.calendars["cn"].valid_until',
            "invalid RFC3339",
            "YYYY-MM-DD",
        ),
        (
            "calendars.cn.valid_until",
            "2026-10-06",
            '$.calendars["cn"].holidays[0]',
            "after valid_until",
            "Move",
        ),
        (
            "calendars.cn.holidays.0.to",
            "2026-09-30",
            '$.calendars["cn"].holidays[0]',
            "before it starts",
            "Swap",
        ),
        ("calendars.cn.holidays.0.from", "2025-10-01", '$.calendars["cn"].holidays[0]', "61 days", "year"),
    ],
)
def test_each_mistake(path: str, value: Any, where: str, what: str, fix: str) -> None:
    (problem,) = problems(change(path, value))
    assert problem.file == "mine.json"
    assert problem.path == where
    assert what in problem.what
    assert fix in problem.fix
    assert str(problem).startswith(f"mine.json: {where}: ")


def test_a_key_given_twice_is_refused() -> None:
    (problem,) = problems(
        b'{"version": "1", "prices": {"x": {"currency": "USD", "hit": 1, "hit": 2, "miss": 1, "output": 1}}}'
    )
    assert problem.what == "the key 'hit' is there twice"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_not_json(data: bytes) -> None:
    (problem,) = problems(data)
    assert problem.path == "$"
    assert problem.what.startswith("not JSON")


def test_what_is_not_an_object() -> None:
    assert problems(b"[]")[0].what == "not an object"


def test_every_mistake_is_reported_at_once() -> None:
    content = deepcopy(GOOD)
    content["prices"]["a/b"]["hit"] = "2"
    content["schedules"]["day"]["weekdays"] = []
    del content["calendars"]["cn"]["source"]
    del content["version"]
    assert len(problems(json.dumps(content).encode())) == 4


def test_an_entry_replaces_the_one_of_its_name_and_leaves_the_others() -> None:
    mine = {
        "version": "acme",
        "prices": {"a/c": {"currency": "CNY", "hit": 1, "miss": 1, "output": 1}},
        "schedules": {"day": {**GOOD["schedules"]["day"], "multiplier": {"numerator": 2, "denominator": 1}}},
    }
    merged = read([("base", json.dumps(GOOD).encode()), ("mine", json.dumps(mine).encode())])
    assert set(merged.prices) == {"a/b", "a/c"}
    assert merged.schedules["day"].multiplier.numerator == 2
    assert set(merged.calendars) == {"cn"}


def test_the_version_tells_contents_apart_that_share_a_name() -> None:
    one = read([("x", change("prices.a/b.hit", 4))]).version
    two = read([("x", change("prices.a/b.hit", 6))]).version
    assert one.split("@")[0] == two.split("@")[0] == "1"
    assert one != two


def test_a_broken_reference_names_the_file_it_stands_in() -> None:
    mine = b'{"version": "2", "prices": {"x": {"currency": "USD", "hit": 1, "miss": 1, "output": 1, "schedule": "no"}}}'
    with pytest.raises(PriceFileError) as caught:
        read([("base", json.dumps(GOOD).encode()), ("mine", mine)])
    assert [problem.file for problem in caught.value.problems] == ["mine"]


# Lone surrogates too: JSON can carry them as escapes, and a message with one must still be printable.
TEXT = st.text(st.characters(exclude_categories=[]), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            TEXT | st.sampled_from(["hit", "miss", "output", "currency", "windows", "from", "to"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
PATHS = [
    "calendars.cn",
    "calendars.cn.holidays.0.from",
    "schedules.day",
    "schedules.day.windows",
    "prices.a/b.hit",
]


@given(
    st.sampled_from([*PATHS, "prices", "schedules.day.multiplier", "schedules.day.weekdays", "version"]), JSON
)
def test_any_value_anywhere_is_taken_or_refused_with_messages(path: str, value: Any) -> None:
    data = change(path, value)
    try:
        read([("mine.json", data)])
    except PriceFileError:
        for problem in problems(data):
            assert str(problem).encode("utf-8").startswith(b"mine.json: $")


@given(st.binary(max_size=100))
def test_any_bytes_are_refused_with_messages(data: bytes) -> None:
    assert problems(data)
