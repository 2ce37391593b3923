"""The built-in table on the boundaries of DeepSeek's peak, against a naive reading of the rule, and its sums."""

import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.metering.prices import PriceFileError, PriceTable, Quote, builtin

SHANGHAI = ZoneInfo("Asia/Shanghai")
FLASH = "deepseek/deepseek-flash"
PRO = "deepseek/deepseek-v4-pro"
TABLE = PriceTable.load(builtin())

# The State Council's days off in 2026 that fall on a weekday, written out by hand and not read from the data file.
WEEKDAYS_OFF = {
    date(2026, month, day)
    for month, days in {
        1: (1, 2),
        2: (16, 17, 18, 19, 20, 23),
        4: (6,),
        5: (1, 4, 5),
        6: (19,),
        9: (25,),
        10: (1, 2, 5, 6, 7),
    }.items()
    for day in days
}
MADE_UP = [
    date(2026, 1, 4),
    date(2026, 2, 14),
    date(2026, 2, 28),
    date(2026, 5, 9),
    date(2026, 9, 20),
    date(2026, 10, 10),
]


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


def naive_peak(instant: float) -> bool:
    local = datetime.fromtimestamp(instant, SHANGHAI)
    if local.weekday() >= 5 or (local.year == 2026 and local.date() in WEEKDAYS_OFF):
        return False
    return 9 <= local.hour < 12 or 14 <= local.hour < 18


INSTANTS = st.floats(
    datetime(2025, 12, 31, 16, tzinfo=UTC).timestamp(), datetime(2027, 12, 31, tzinfo=UTC).timestamp()
)


@given(st.lists(INSTANTS, min_size=1, max_size=8))
def test_equals_the_naive_rule_whatever_was_asked_before(instants: list[float]) -> None:
    for instant in instants:
        quote = TABLE.quote(FLASH, instant)
        assert quote.peak is naive_peak(instant)
        assert quote.calendar_expired is (datetime.fromtimestamp(instant, SHANGHAI).year > 2026)
        assert quote.miss == (300_000 if quote.peak else 150_000)
        assert quote == PriceTable.load(builtin()).quote(FLASH, instant)


def test_every_second_around_each_boundary_of_two_years() -> None:
    day = date(2026, 1, 1)
    while day.year < 2028:
        for hour in (0, 9, 12, 14, 18):
            boundary = datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI).timestamp()
            for instant in (boundary - 1, boundary, boundary + 1):
                assert TABLE.quote(PRO, instant).peak is naive_peak(instant), (day, hour)
        day += timedelta(days=1)


def test_rates_of_both_models() -> None:
    off, peak = at("2026-11-24 08:59:59"), at("2026-11-24 09:00:00")
    assert TABLE.quote(FLASH, off) == Quote(
        FLASH, TABLE.version, "USD", 3_000, 150_000, 600_000, False, False
    )
    assert TABLE.quote(FLASH, peak) == Quote(
        FLASH, TABLE.version, "USD", 6_000, 300_000, 1_200_000, True, False
    )
    assert TABLE.quote(PRO, off) == Quote(PRO, TABLE.version, "USD", 22_000, 660_000, 1_980_000, False, False)
    assert TABLE.quote(PRO, peak) == Quote(
        PRO, TABLE.version, "USD", 44_000, 1_320_000, 3_960_000, True, False
    )


def test_weekdays_off_are_not_peak_and_worked_weekends_neither() -> None:
    for day in [*WEEKDAYS_OFF, *MADE_UP]:
        assert not TABLE.quote(FLASH, at(f"{day} 10:00:00")).peak, day


def test_the_year_ends() -> None:
    assert TABLE.quote(FLASH, at("2026-12-31 17:59:59")).peak
    assert not TABLE.quote(FLASH, at("2026-12-31 23:59:59")).calendar_expired
    assert not TABLE.calendar_expired(at("2026-12-31 23:59:59"))
    first = TABLE.quote(FLASH, at("2027-01-01 00:00:00"))
    assert (first.peak, first.calendar_expired) == (False, True)
    assert TABLE.calendar_expired(at("2027-01-01 00:00:00"))
    new_year = TABLE.quote(FLASH, at("2027-01-01 09:00:00"))
    assert (new_year.peak, new_year.calendar_expired) == (True, True)
    assert not TABLE.quote(FLASH, at("2027-01-02 09:00:00")).peak  # a Saturday stays off-peak


def test_the_same_quote_object_serves_a_whole_span() -> None:
    table = PriceTable.load(builtin())
    assert table.quote(FLASH, at("2026-11-24 09:00:00")) is table.quote(FLASH, at("2026-11-24 11:59:59"))


def test_unknown_key() -> None:
    assert "x/y" not in TABLE
    assert FLASH in TABLE
    assert TABLE.names()[0] == FLASH
    with pytest.raises(KeyError):
        TABLE.quote("x/y", 0)


def test_a_price_without_a_schedule_never_changes() -> None:
    mine = {"version": "acme-1", "prices": {"acme/m": {"currency": "CNY", "hit": 1, "miss": 2, "output": 3}}}
    table = PriceTable.load(builtin(), json.dumps(mine).encode())
    assert table.quote("acme/m", 0) == table.quote("acme/m", 4e9)
    assert not table.quote("acme/m", 4e9).calendar_expired
    assert table.quote(FLASH, 0).version == table.version
    assert [part.split("@")[0] for part in table.version.split("+")] == [
        TABLE.version.split("@")[0],
        "acme-1",
    ]


def test_next_years_calendar_alone_moves_the_expiry() -> None:
    mine = {
        "version": "holidays-test",
        "calendars": {
            "cn": {
                "source": "test",
                "valid_until": "2027-12-31",
                "holidays": [{"from": "2027-01-01", "to": "2027-01-03", "name": "New Year"}],
            }
        },
    }
    quote = PriceTable.load(builtin(), json.dumps(mine).encode()).quote(FLASH, at("2027-01-01 10:00:00"))
    assert (quote.peak, quote.calendar_expired) == (False, False)


def test_a_bad_override_names_its_file() -> None:
    with pytest.raises(PriceFileError, match=r"^/etc/prices\.json: \$\.version: missing"):
        PriceTable.load(builtin(), b"{}", "/etc/prices.json")


TOKENS = st.integers(0, 10**7)


@given(TOKENS, TOKENS, TOKENS, st.sampled_from([FLASH, PRO]), st.booleans())
def test_cost_is_the_exact_sum_rounded_half_up_once(
    hit: int, miss: int, out: int, key: str, peak: bool
) -> None:
    quote = TABLE.quote(key, at("2026-11-24 10:00:00" if peak else "2026-11-24 13:00:00"))
    exact = Fraction(hit * quote.hit + miss * quote.miss + out * quote.output, 1_000_000)
    cost = quote.cost(hit, miss, out)
    assert isinstance(cost, int)
    assert -Fraction(1, 2) < cost - exact <= Fraction(1, 2)
    assert cost <= quote.cost(hit + 1, miss, out) <= quote.cost(hit + 1, miss + 1, out)


def test_cost_by_hand() -> None:
    quote = TABLE.quote(FLASH, at("2026-11-24 13:00:00"))
    assert quote.cost(0, 0, 0) == 0
    assert quote.cost(1_000_000, 1_000_000, 1_000_000) == 753_000
    assert quote.cost(167, 0, 0) == 1  # 0.501 micro-USD
    assert quote.cost(166, 0, 0) == 0  # 0.498


DOC = Path(__file__).parents[4] / "docs" / "reference" / "prices.md"


def test_the_page_shows_the_rates_of_the_builtin_file() -> None:
    lines = DOC.read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| `") and "×2 |" in line]
    expected = []
    for key in TABLE.names():
        quote = TABLE.quote(key, at("2026-11-24 13:00:00"))
        expected.append(f"| `{key}` | {quote.currency} | {quote.hit} | {quote.miss} | {quote.output} | ×2 |")
    assert rows == expected


def test_the_example_of_the_page_is_a_good_file_that_expires_a_year_later() -> None:
    example = DOC.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0]
    table = PriceTable.load(builtin(), example.encode())
    assert table.quote("acme/our-model", 0).miss == 500_000
    assert not table.quote(FLASH, at("2027-01-01 10:00:00")).peak


def test_the_page_names_the_builtin_version() -> None:
    assert f"`{TABLE.version}+" in DOC.read_text(encoding="utf-8")
