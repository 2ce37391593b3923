"""One limit of one subject: windows, what is left, reservations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.config.rows import Budget, Window
from seekgate.stages.quota.counter import UNLIMITED, Reservation, counter, suffix_of
from tests.support.limits import ANN, NOW, plan, row, tables

MINUTE = Window("requests", 60, 10)


def test_identity_does_not_depend_on_the_height_of_a_limit() -> None:
    assert suffix_of(MINUTE) == suffix_of(Window("requests", 60, 99))
    assert suffix_of(4) == suffix_of(5)
    day, month = Budget("day", "USD", 1), Budget("month", "USD", 1)
    assert len({suffix_of(rule) for rule in (MINUTE, 4, day, month)}) == 4


def test_roll_begins_the_window_around_now() -> None:
    made = counter("key", "a", MINUTE)
    made.roll(NOW, True)
    assert (made.start, made.end) == (NOW - 20, NOW + 40)
    assert (made.left, made.granted, made.room) == (10, 10, 0)
    made.roll(NOW + 60, False)
    assert (made.left, made.granted, made.room) == (0, 0, 10)


def test_what_was_used_stays_used_when_a_limit_is_raised_or_lowered() -> None:
    made = counter("key", "a", MINUTE)
    made.roll(NOW, True)
    made.left -= 7
    made.adopt(Window("requests", 60, 20), True)
    assert (made.left, made.used) == (13, 7)
    made.adopt(Window("requests", 60, 5), True)
    assert (made.left, made.used) == (-2, 7)


def test_a_budget_without_a_hard_mark_is_never_used_up() -> None:
    made = counter("team", "x", Budget("day", "USD", soft=5))
    assert made.limit == UNLIMITED
    assert made.soft_left == UNLIMITED - 5


@pytest.mark.parametrize(
    ("unit", "amount"), [("requests", 1), ("input_tokens", 30), ("output_tokens", 7), ("tokens", 37)]
)
def test_what_a_request_takes_of_each_unit(unit: str, amount: int) -> None:
    made = counter("key", "a", Window(unit, 60, 100))  # type: ignore[arg-type]
    assert made.amount(30, 7, {}) == amount


def test_money_is_counted_in_its_currency_only() -> None:
    made = counter("key", "a", Budget("day", "CNY", 100))
    assert made.amount(1, 1, {"CNY": 12, "USD": 99}) == 12
    assert made.amount(1, 1, {"USD": 99}) == 0


def test_sharing_keeps_what_was_used() -> None:
    made = counter("key", "a", MINUTE)
    made.roll(NOW, True)
    made.left -= 4
    made.share(NOW + 1, False)
    assert (made.left, made.granted, made.used) == (0, 4, 4)
    made.share(NOW + 2, True)
    assert (made.left, made.used) == (6, 4)
    made.share(NOW + 60, True)
    assert (made.left, made.used) == (10, 0)


ALL = row(
    requests={1: 5, 60: 20},
    tokens={60: 1000},
    output_tokens={60: 600},
    concurrency=4,
    budgets=(Budget("day", "CNY", 900),),
)


def test_take_reserves_everywhere_or_nowhere() -> None:
    found = plan(tables(ALL))
    assert found.take(NOW, 10, 50, {"CNY": 300})
    assert [c.left for c in found.counters] == [4, 19, 940, 550, 600, 3]
    assert not found.take(NOW, 10, 560, {"CNY": 1})
    assert not found.take(NOW, 10, 5, {"CNY": 601})
    assert [c.left for c in found.counters] == [4, 19, 940, 550, 600, 3]
    assert [c.reserved for c in found.counters] == [0, 0, 60, 50, 300, 1]


def test_settling_gives_back_what_was_not_used_and_charges_what_was_beyond() -> None:
    found = plan(tables(ALL))
    assert found.take(NOW, 10, 50, {"CNY": 300})
    held = Reservation(found, NOW, 10, 50, {"CNY": 300})
    found.settle(held, 11, 700, {"CNY": 20})
    assert [c.left for c in found.counters] == [4, 19, 289, -100, 880, 4]
    assert [c.reserved for c in found.counters] == [0] * 6
    assert [c.used for c in found.counters] == [1, 1, 711, 700, 20, 0]


def test_a_window_that_is_over_is_left_alone_by_a_late_settlement() -> None:
    found = plan(tables(ALL))
    assert found.take(NOW, 10, 50, {})
    held = Reservation(found, NOW, 10, 50)
    for made in found.counters:
        if made.end <= NOW + 50:
            made.roll(NOW + 50, True)
    found.settle(held, 1, 1, {})
    tokens = next(c for c in found.counters if c.unit == "tokens")
    assert (tokens.left, tokens.reserved) == (1000, 0)
    slots = next(c for c in found.counters if c.unit == "concurrency")
    assert (slots.left, slots.reserved) == (4, 0)


amounts = st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(0, 500))


@given(st.lists(st.one_of(amounts, st.tuples(st.just(-1), st.integers(0, 9), amounts)), max_size=60))
def test_reservations_and_settlements_conserve(steps: list[tuple[int, int, object]]) -> None:
    """At every step: granted == left + reserved + used, never more granted than the limit, all free at the end."""
    found = plan(tables(ALL))
    held: list[Reservation] = []
    spent = [0, 0, 0]
    for step in steps:
        if step[0] == -1:
            if held:
                chosen = held.pop(int(step[1]) % len(held))
                used = [min(a, b) for a, b in zip(step[2], (chosen.input, chosen.output, 500), strict=True)]  # type: ignore[call-overload]
                found.settle(chosen, used[0], used[1], {"CNY": used[2]})
                spent = [a + b for a, b in zip(spent, used, strict=True)]
        else:
            first, second, third = int(step[0]), int(step[1]), int(step[2])  # type: ignore[call-overload]
            if found.take(NOW, first, second, {"CNY": third}):
                held.append(Reservation(found, NOW, first, second, {"CNY": third}))
        for c in found.counters:
            assert c.granted == c.left + c.reserved + c.used == c.limit
            assert c.reserved >= 0
            assert c.used >= 0
        slots = next(c for c in found.counters if c.unit == "concurrency")
        assert slots.reserved == len(held) <= 4
    for each in held:
        found.settle(each, 0, 0, {})
    by_unit = {c.unit: c for c in found.counters}
    assert by_unit["tokens"].used == spent[0] + spent[1]
    assert by_unit["output_tokens"].used == spent[1]
    assert by_unit["money"].used == spent[2]
    assert all(c.reserved == 0 for c in found.counters)


def test_the_principal_is_the_plans_own() -> None:
    assert plan(tables(ALL)).principal is ANN


def test_what_is_held_while_waiting_is_everything_but_the_accounts_slots() -> None:
    found = tables(
        row("provider", "p", concurrency=2, tokens={60: 100}), row(concurrency=3, requests={60: 9})
    )
    made = plan(found)
    assert [c.id for c in made.account_slots] == ["provider:p|concurrency"]
    assert [c.id for c in made.own().counters] == [
        "key:ann|requests|60",
        "key:ann|concurrency",
        "provider:p|tokens|60",
    ]
    assert made.own() is made.own()


def test_a_slot_that_others_wait_for_is_not_taken() -> None:
    made = plan(tables(row("provider", "p", concurrency=2), row(concurrency=3)))
    (slots,) = made.account_slots
    slots.waiting = 1
    assert not made.take(NOW, 10, 10, {})
    assert [(c.left, c.reserved) for c in made.counters] == [(3, 0), (2, 0)]
    slots.waiting = 0
    assert made.take(NOW, 10, 10, {})


def test_undoing_a_reservation_leaves_no_trace_of_it() -> None:
    budget = Budget("day", "USD", 1000)
    made = plan(tables(row(concurrency=3, requests={60: 9, 3600: 9}, tokens={60: 100}, budgets=(budget,))))
    held = Reservation(made, NOW, 10, 10, {"USD": 7})
    before = [(c.left, c.reserved) for c in made.counters]
    made.hold(10, 10, {"USD": 7})
    made.undo(held)
    assert [(c.left, c.reserved) for c in made.counters] == before
    made.hold(10, 10, {"USD": 7})
    minute = [c for c in made.counters if c.seconds == 60]
    for c in minute:
        c.roll(NOW + 60, True)
    made.undo(held)
    assert [(c.left, c.reserved) for c in minute] == [(c.limit, 0) for c in minute], "another window's"
