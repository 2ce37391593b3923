"""The broker: who waits for a slot of an account, who is granted one, and what becomes of those who leave."""

from __future__ import annotations

import asyncio
from collections import Counter as Count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seekgate.stages.quota.broker import BATCH, CALM, OTHERS, Waiter
from seekgate.stages.quota.counter import Counter
from tests.support.broker_desk import FLASH, PRO, TICK, Desk, Promised, cap, states
from tests.support.limits import row


def test_a_slot_that_comes_free_goes_to_who_waits_at_once() -> None:
    desk = Desk(cap(1))
    running = desk.run()
    first, second = desk.waits(), desk.waits()
    assert (first.state, second.state) == ("waiting", "waiting")
    desk.end(running)
    assert (first.state, second.state) == ("granted", "waiting")
    assert (desk.counter().left, desk.counter().reserved, desk.counter().waiting) == (0, 1, 1)
    desk.end(first.held)
    desk.end(second.held)
    assert (desk.counter().left, desk.counter().reserved, desk.counter().waiting) == (1, 0, 0)


def test_who_waits_holds_everything_but_the_slot() -> None:
    desk = Desk(cap(1), row("key", "ann", concurrency=5, tokens={60: 10_000}, requests={60: 100}))
    running = desk.run()
    waiter = desk.waits()
    left = {id: c.left for id, c in desk.tables.counters.items()}
    assert left == {
        "key:ann|tokens|60": 9700,
        "key:ann|requests|60": 98,
        "key:ann|concurrency": 3,
        "provider:cloud|concurrency": 0,
    }
    desk.broker.leave(waiter)
    desk.broker.leave(waiter)
    assert desk.counter("key:ann|tokens|60").left == 9850
    assert desk.counter("key:ann|requests|60").left == 99, "it has not been a request"
    assert desk.counter("key:ann|concurrency").left == 4
    assert desk.counter().waiting == 0
    desk.end(running)
    assert desk.counter().left == 1


def test_a_grant_that_races_with_leaving_is_given_back_once_and_passed_on() -> None:
    desk = Desk(cap(1), row("key", "ann", tokens={60: 10_000}))
    running = desk.run()
    leaver, other = desk.waits(), desk.waits()
    desk.end(running)
    assert leaver.state == "granted"
    desk.broker.leave(leaver)
    desk.broker.leave(leaver)
    assert (leaver.state, other.state) == ("over", "granted")
    assert (desk.counter().left, desk.counter().reserved) == (0, 1)
    desk.end(other.held)
    assert desk.counter("key:ann|tokens|60").left == 10_000 - 2 * 150
    assert desk.counter().left == 1


def test_a_grant_for_a_request_whose_promise_was_given_up_waits_to_be_settled() -> None:
    desk = Desk(cap(1))
    running = desk.run()
    waiter = desk.waits()
    (promise,) = desk.broker._accounts["cloud"].line.values()
    assert isinstance(promise, Promised)
    promise.given_up = True
    desk.end(running)
    assert waiter.state == "granted"
    desk.broker.leave(waiter)
    assert desk.counter().left == 1


def test_a_place_for_everybody_is_not_there() -> None:
    desk = Desk(cap(1))
    desk.run()
    assert desk.join(places=2) is not None
    assert desk.join(places=2) is not None
    assert desk.join(places=2) is None
    assert desk.counter().waiting == 2


def test_waiting_is_bounded() -> None:
    desk = Desk(cap(1), row("key", "ann", tokens={60: 10_000}))
    desk.run()
    early = desk.waits()
    desk.tick(5.0)
    late = desk.waits()
    desk.tick(5.0)
    assert (early.state, late.state) == ("late", "waiting")
    assert desk.counter("key:ann|tokens|60").left == 10_000 - 2 * 150
    desk.broker.leave(early)
    assert desk.counter().waiting == 1
    desk.tick(5.0)
    assert late.state == "late"
    assert desk.broker.waiting() == {"cloud": 0}


def test_teams_share_and_core_counts_more() -> None:
    desk = Desk(cap(1))
    running = desk.run()
    waiters = [desk.waits(flow, weight=weight) for flow, weight in [("a", 1.0)] * 100 + [("b", 1.0)] * 10]
    waiters += [desk.waits("core", weight=4.0) for _ in range(50)]
    served: list[str] = []
    for _ in range(48):
        desk.end(running)
        (granted,) = [waiter for waiter in waiters if waiter.state == "granted"]
        served.append(
            "a" if waiters.index(granted) < 100 else "b" if waiters.index(granted) < 110 else "core"
        )
        granted.state = "over"
        running = granted.held
    assert Count(served) == {"core": 32, "a": 8, "b": 8}


def test_a_models_cap_holds_up_only_that_model() -> None:
    desk = Desk(cap(3), row("deployment", FLASH, concurrency=1))
    running = desk.run(FLASH)
    flash = desk.waits(deployment=FLASH)
    pro = desk.waits(deployment=PRO)
    assert (flash.state, pro.state) == ("waiting", "granted")
    last = desk.run(PRO)
    more = desk.waits(deployment=PRO)
    assert states(more) == ["waiting"], "now it is the account that is full"
    desk.end(running)
    assert (flash.state, more.state) == ("granted", "waiting")
    desk.end(last)
    assert states(more) == ["granted"]


def test_a_raised_limit_is_noticed_and_a_removed_one_lets_everybody_go() -> None:
    desk = Desk(cap(1))
    desk.run()
    waiters = [desk.waits() for _ in range(5)]
    desk.tables.use_file([cap(3)])
    desk.tick()
    assert [waiter.state for waiter in waiters] == ["granted"] * 2 + ["waiting"] * 3
    desk.tables.use_file([])
    desk.tick()
    assert {waiter.state for waiter in waiters} == {"granted"}
    for waiter in waiters:
        desk.broker.leave(waiter)


def test_a_lowered_limit_lets_nobody_go_before_it_is_kept() -> None:
    desk = Desk(cap(3))
    running = [desk.run() for _ in range(3)]
    waiter = desk.waits()
    desk.tables.use_file([cap(1)])
    for held in running[:2]:
        desk.end(held)
    assert states(waiter) == ["waiting"]
    desk.end(running[2])
    assert states(waiter) == ["granted"]


def test_the_outlook_follows_the_rate_at_which_slots_come_free() -> None:
    desk = Desk(cap(1))
    assert desk.broker.outlook("cloud", 30.0) == 30.0
    held = desk.run()
    waiters = [desk.waits(str(number)) for number in range(100)]
    assert desk.broker.outlook("cloud", 30.0) == 30.0
    for number in range(60):
        desk.end(held)
        held = waiters[number].held
        desk.tick()
    assert desk.broker.outlook("cloud", 30.0) == pytest.approx(40 / 8, rel=0.4)
    desk.tick(10.0)
    assert desk.broker.outlook("cloud", 30.0) == 0.0, "nobody waits"
    desk.tick(100.0)
    assert desk.broker.outlook("cloud", 30.0) == 0.0


# -- shared by several workers ----------------------------------------------------------------------------------------


def lease(desk: Desk, slots: int) -> Counter:
    """The worker's slots, leased."""
    desk.want()
    counter = desk.counter()
    counter.left = counter.granted = slots
    return counter


def test_slots_are_asked_for_at_each_tick_and_passed_on_when_they_come() -> None:
    desk = Desk(cap(100), shared=True)
    counter = lease(desk, 1)
    desk.run()
    waiters = [desk.waits() for _ in range(BATCH + 10)]
    desk.tick()
    assert (counter.wanted, list(desk.tables.asking)) == (BATCH, [counter])
    counter.left += 3
    counter.granted += 3
    desk.broker.fed(counter, 3)
    assert [waiter.state for waiter in waiters].count("granted") == 3


def test_a_worker_with_more_than_its_part_offers_some_of_what_comes_free() -> None:
    desk = Desk(cap(16), shared=True)
    desk.tables.fleet = 2
    counter = lease(desk, 16)
    running = [desk.run() for _ in range(16)]
    waiters = [desk.waits() for _ in range(50)]
    desk.tables.asking.clear()
    for held in running[:4]:
        desk.end(held)
    assert counter.granted == 14, "a quarter of what it has beyond its part"
    assert counter in desk.tables.reports
    assert desk.pokes == 2
    assert [waiter.state for waiter in waiters].count("granted") == 2
    for _ in range(OTHERS - 1):
        desk.tick()
        assert counter not in desk.tables.asking, "it is the others' turn"
    desk.tick()
    assert counter in desk.tables.asking


def test_what_nobody_else_wanted_is_kept_for_a_while() -> None:
    desk = Desk(cap(16), shared=True)
    desk.tables.fleet = 2
    counter = lease(desk, 16)
    running = [desk.run() for _ in range(16)]
    for _ in range(50):
        desk.waits()
    desk.end(running[0])
    assert counter.granted == 15
    desk.tick(OTHERS * TICK)
    counter.granted += 1
    counter.left += 1
    desk.broker.fed(counter, 1)
    desk.end(running[1])
    assert counter.granted == 16
    desk.tick(CALM * TICK)
    desk.end(running[2])
    assert counter.granted == 15
    desk.broker.fed(counter, 0)
    desk.end(running[3])
    assert counter.granted == 14, "somebody took it: there is more where that came from"


def test_a_worker_with_its_part_keeps_it() -> None:
    desk = Desk(cap(16), shared=True)
    desk.tables.fleet = 2
    counter = lease(desk, 8)
    running = [desk.run() for _ in range(8)]
    waiter = desk.waits()
    desk.end(running[0])
    assert (waiter.state, counter.granted) == ("granted", 8)


@pytest.mark.parametrize("deny", [False, True])
def test_in_an_outage_a_workers_share_is_granted_unless_the_policy_is_to_deny(deny: bool) -> None:
    desk = Desk(cap(16), shared=True)
    desk.tables.fleet, desk.tables.deny = 2, deny
    counter = lease(desk, 1)
    desk.run()
    waiters = [desk.waits() for _ in range(20)]
    counter.room = 8
    desk.tables.outage = True
    desk.tick()
    assert [waiter.state for waiter in waiters].count("granted") == (0 if deny else 4)


# -- whatever happens --------------------------------------------------------------------------------------------------

Steps = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(0, 3), st.sampled_from([FLASH, PRO])),
        st.tuples(st.just("leave"), st.integers(0, 40), st.just("")),
        st.tuples(st.just("end"), st.integers(0, 40), st.just("")),
        st.tuples(st.just("tick"), st.integers(1, 90), st.just("")),
        st.tuples(st.just("limit"), st.integers(1, 4), st.just("")),
    ),
    max_size=120,
)


@given(Steps)
@settings(max_examples=60, deadline=None)
def test_no_more_than_there_are_slots_nobody_lost_and_everything_given_back(
    steps: list[tuple[str, int, str]],
) -> None:
    caller = row("key", "ann", concurrency=1000, tokens={60: 10_000_000})
    model = row("deployment", FLASH, concurrency=2)
    desk = Desk(cap(3), caller, model)
    limit = highest = 3
    waiters: list[Waiter] = []
    for what, number, deployment in steps:
        granted = [waiter for waiter in waiters if waiter.state == "granted"]
        if what == "join":
            waiters.append(desk.waits(f"team {number}", deployment))
        elif what == "leave" and waiters:
            desk.broker.leave(waiters[number % len(waiters)])
        elif what == "end" and granted:
            ended = granted[number % len(granted)]
            ended.state = "over"
            desk.end(ended.held)
        elif what == "tick":
            desk.tick(number * TICK)
        elif what == "limit":
            limit = number
            desk.tables.use_file([cap(limit), caller, model])
            desk.tick()
        states = Count(waiter.state for waiter in waiters)
        flash = sum(w.state == "granted" and w.held.plan.deployment == FLASH for w in waiters)
        highest = (
            limit if what == "limit" and limit > highest else max(limit, min(highest, states["granted"]))
        )
        assert states["granted"] <= highest
        assert flash <= 2
        assert desk.broker.waiting().get("cloud", 0) == states["waiting"]
        if states["waiting"]:
            _nobody_could_go(desk, waiters)
    for waiter in waiters:
        desk.broker.leave(waiter)
    for c in desk.tables.counters.values():
        assert (c.reserved, c.waiting) == (0, 0)
        if c.unit == "concurrency":
            assert c.left == c.limit


def _nobody_could_go(desk: Desk, waiters: list[Waiter]) -> None:
    for waiter in waiters:
        if waiter.state == "waiting":
            assert any(c.left < 1 for c in waiter.held.plan.account_slots)


def test_a_waiter_is_awaited_by_a_future_of_the_loop() -> None:
    async def scene() -> None:
        desk = Desk(cap(1))
        desk.broker._promise = asyncio.get_running_loop().create_future
        running = desk.run()
        want = desk.want()
        joined = desk.broker.join(want, "a", 1.0, 10, 0.0, 10.0)
        assert joined is not None
        desk.end(running)
        await joined[1]

    asyncio.run(scene())
