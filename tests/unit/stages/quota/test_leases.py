"""What a worker asks of the place where limits are shared, and what it makes of the answers."""

from __future__ import annotations

from typing import Any

from seekgate.stages.quota import leases
from seekgate.stages.quota.counter import Counter, Reservation
from seekgate.stages.quota.leases import Answer, Ask, Leases
from seekgate.stages.quota.state import GRANTED, NEED, Tables
from tests.support.limits import ANN, BOB, NOW, plan, row, tables


def made(**windows: Any) -> tuple[Tables, Leases, Counter]:
    """Shared tables with one rule, and the counter of the usual caller."""
    found = tables(row(**windows), shared=True)
    return found, Leases(found), plan(found).counters[0]


def want(found: Tables, input: int = 0) -> None:
    assert found.decide(plan(found), NOW, input, 0, {}) is NEED


def answer(held: Leases, asks: list[Ask], granted: int, room: int = 1000, others: int = 0) -> None:
    held.answered(asks, [Answer(granted, room, others, False)] * len(asks), NOW)


def test_an_ask_says_what_is_held_and_what_is_lacking() -> None:
    found, held, counter = made(tokens={60: 6400})
    counter.left, counter.reserved, counter.granted = 5, 7, 20
    want(found, 30)
    want(found, 40)
    (ask,) = held.collect(NOW)
    assert (ask.id, ask.start, ask.limit) == (counter.id, int(NOW) - 20, 6400)
    assert (ask.granted, ask.held, ask.left, ask.quantum, ask.need) == (20, 12, 5, 30, 65)
    assert ask.extra == 100
    assert counter.pending


def test_one_ask_of_a_counter_is_under_way_at_a_time() -> None:
    found, held, counter = made(requests={60: 100})
    want(found)
    (ask,) = held.collect(NOW)
    want(found)
    assert held.collect(NOW) == []
    answer(held, [ask], 3)
    assert (counter.left, counter.granted, counter.held, counter.room) == (3, 3, 3, 1000)
    assert len(held.collect(NOW)) == 1


def test_a_failed_ask_may_be_asked_again() -> None:
    found, held, counter = made(requests={60: 100})
    want(found)
    held.failed(held.collect(NOW))
    assert (counter.left, counter.granted) == (0, 0)
    want(found)
    assert len(held.collect(NOW)) == 1


def test_an_answer_for_a_window_that_is_over_is_not_used() -> None:
    found, held, counter = made(requests={60: 100})
    want(found)
    (ask,) = held.collect(NOW)
    counter.roll(NOW + 60, False)
    answer(held, [ask], 3)
    assert counter.left == 0
    want(found)
    (ask,) = held.collect(NOW + 60)
    held.answered([ask], [Answer(5, 50, 0, True)], NOW + 60)
    assert (counter.left, counter.pending) == (0, False)


def test_leases_grow_with_demand_and_shrink_without() -> None:
    found, held, counter = made(requests={3600: 6400})
    sizes: list[int] = []
    now = NOW
    for wait in (0.0, 0.1, 0.1, 0.1, 5.0, 5.0):
        now += wait
        found.asking[counter] = None
        (ask,) = held.collect(now)
        sizes.append(ask.extra)
        answer(held, [ask], ask.extra)
    assert sizes == [8, 16, 32, 64, 32, 16]


def test_near_the_limit_nothing_is_fetched_ahead_and_nothing_kept() -> None:
    found, held, counter = made(tokens={60: 1600})
    want(found, 10)
    (ask,) = held.collect(NOW)
    answer(held, [ask], 40, room=99)
    assert counter.tight
    assert counter.low == 0
    held.sweep(NOW)
    assert (counter.left, counter.granted) == (0, 0)
    (report,) = held.collect(NOW)
    assert (report.granted, report.held, report.need, report.extra) == (0, 0, 0, 0)


def test_a_refusal_holds_to_the_windows_end_unless_somebody_may_give_back() -> None:
    found, held, counter = made(requests={60: 100})
    want(found)
    answer(held, held.collect(NOW), 0, room=0)
    assert counter.refused_until == NOW + 40
    counter.refused_until = 0.0
    want(found)
    answer(held, held.collect(NOW), 0, room=0, others=2)
    assert NOW < counter.refused_until < NOW + 1


def test_a_debt_is_reported_as_taken() -> None:
    found, held, counter = made(tokens={60: 1000})
    counter.left = counter.granted = 100
    assert plan(found).take(NOW, 60, 0, {})
    plan(found).settle(Reservation(plan(found), NOW, 60, 0), 250, 0, {})
    assert (counter.left, counter.granted) == (-150, 100)
    held.sweep(NOW)
    (ask,) = held.collect(NOW)
    assert (ask.granted, ask.held) == (250, 0)


def test_what_has_changed_is_reported_and_what_is_idle_given_back() -> None:
    found, held, _ = made(requests={3600: 1000})
    want(found)
    answer(held, held.collect(NOW), 10)
    held.sweep(NOW)
    assert not found.reports
    assert plan(found).take(NOW, 0, 0, {})
    held.sweep(NOW + 0.2)
    (ask,) = held.collect(NOW + 0.2)
    assert (ask.granted, ask.held, ask.need, ask.extra) == (10, 9, 0, 0)
    held.answered([ask], [Answer(0, 1000, 0, False)], NOW + 0.2)
    held.sweep(NOW + 0.4)
    assert not found.reports
    held.sweep(NOW + 1.0)
    (ask,) = held.collect(NOW + 1.0)
    assert (ask.granted, ask.held) == (1, 0)


def test_a_subject_whose_window_is_over_is_forgotten() -> None:
    found, held, counter = made(requests={60: 1000})
    held.sweep(NOW + 60)
    assert not counter.gone
    held.sweep(NOW + 40 + leases.FORGET)
    assert counter.gone
    assert not found.counters


def test_slots_are_renewed_while_in_use_and_forgotten_when_idle() -> None:
    found = tables(row(concurrency=5), shared=True)
    held, counter = Leases(found), plan(found).counters[0]
    want(found)
    answer(held, held.collect(NOW), 1, room=4)
    assert found.decide(plan(found), NOW, 0, 0, {}) is GRANTED
    held.sweep(NOW + 1)
    assert not found.reports
    held.sweep(NOW + leases.RENEW + 1)
    assert len(held.collect(NOW + leases.RENEW + 1)) == 1
    counter.pending = False
    counter.reserved, counter.held = 0, 0
    held.sweep(NOW + leases.RENEW + leases.FORGET + 2)
    assert counter.gone


def test_alone_idle_subjects_are_forgotten_too() -> None:
    found = tables(row(requests={60: 5}, concurrency=2))
    held = Leases(found)
    assert plan(found).take(NOW, 0, 0, {})
    held.sweep(NOW + 40 + leases.FORGET)
    assert [counter.unit for counter in found.counters.values()] == ["concurrency"]
    (slots,) = found.counters.values()
    slots.reserved, slots.left = 0, 2
    held.sweep(NOW + 40 + 2 * leases.FORGET)
    held.sweep(NOW + 41 + 2 * leases.FORGET)
    assert not found.counters


def test_a_window_from_a_clock_that_was_set_back_begins_anew() -> None:
    found = tables(row(requests={60: 1}))
    held = Leases(found)
    assert plan(found, now=NOW + 86_400).take(NOW + 86_400, 0, 0, {})
    assert not plan(found).take(NOW, 0, 0, {})
    held.sweep(NOW)
    assert plan(found).take(NOW, 0, 0, {})


def test_farewell_gives_back_everything() -> None:
    found, held, counter = made(tokens={60: 1000})
    counter.left, counter.reserved, counter.granted, counter.held = 10, 20, 100, 30
    plan(found, BOB)
    (ask,) = held.farewell(NOW)
    assert (ask.granted, ask.held) == (70, 0)
    assert held.farewell(NOW + 60) == []


def test_a_sweep_is_bounded(monkeypatch: object) -> None:
    found = tables(row(requests={60: 5}), shared=True)
    for number in range(leases.SWEPT + 10):
        found._of("key", f"k{number}", found.rule("key", f"k{number}"), NOW)
    held = Leases(found)
    held.sweep(NOW + 100)
    assert len(found.counters) == 10
    held.sweep(NOW + 100)
    assert not found.counters


def test_the_place_tells_its_clock_and_how_many_share() -> None:
    found, held, _ = made(requests={60: 5})
    held.heard(0.25, 3)
    assert (held.offset, found.offset, found.fleet) == (0.25, 0.25, 3)
    held.heard(0.0, 0)
    assert found.fleet == 1
    held.cut_off(True)
    assert found.outage


def test_the_principal_is_known() -> None:
    found, _, counter = made(requests={60: 5})
    assert plan(found).principal is ANN
    assert counter.name == "ann"


def test_who_waits_is_asked_for_before_what_is_only_reported() -> None:
    found = tables(row(requests={60: 1000}), shared=True)
    held = Leases(found)
    for number in range(leases.REPORTS * 3):
        (counter,) = found._of("key", f"k{number}", found.rule("key", f"k{number}"), NOW)
        found.reports[counter] = None
    want(found)
    asks = held.collect(NOW)
    assert asks[0].id == "key:ann|requests|60"
    assert len(asks) == 1 + leases.REPORTS
    assert len(held.collect(NOW)) == leases.REPORTS


def test_who_still_waits_after_an_answer_is_counted_once() -> None:
    found, held, _ = made(tokens={3600: 1000})
    want(found, 10)
    asks = held.collect(NOW)
    want(found, 10)  # waits for the same answer, because one ask is under way at a time
    answer(held, asks, 10)
    assert found.decide(plan(found), NOW, 10, 0, {}) is GRANTED
    want(found, 10)  # has been woken, and says again what it lacks
    (ask,) = held.collect(NOW)
    assert (ask.need, ask.quantum) == (10, 10)


def test_who_stands_in_a_queue_is_told_what_came_and_keeps_the_counter() -> None:
    found = tables(row("provider", "p", concurrency=8), shared=True)
    told: list[tuple[str, int]] = []
    held = Leases(found, lambda c, granted: told.append((c.id, granted)))
    (counter,) = plan(found).counters
    counter.waiting, counter.wanted, counter.quantum = 3, 3, 1
    found.asking[counter] = None
    asks = held.collect(NOW)
    held.answered(asks, [Answer(2, 0, 6, False)], NOW)
    assert told == [("provider:p|concurrency", 2)]
    counter.left = counter.granted = counter.held = 0
    held.sweep(NOW + 1000)
    assert counter.id in found.counters
    counter.waiting = 0
    held.sweep(NOW + 1000)
    held.sweep(NOW + 1000)
    assert counter.id not in found.counters
