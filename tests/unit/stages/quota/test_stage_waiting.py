"""Quota on the way of a request for which an account has no slot: it waits, and what comes of that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from seekgate.config.compiled.quota import Queue
from seekgate.config.rows import Budget
from seekgate.config.snapshot import Deployment
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.principal import Principal
from seekgate.pipeline.stage import Reply, Wait
from seekgate.stages.quota.broker import Waiter
from seekgate.wire import errors
from tests.support.limits import eventually, row
from tests.support.quota_stage import NOW, PLAIN, SPARE, Answers, Made

OTHER = Deployment("d5", "cloud", "other")
TEAM = Principal("bob", "bob", "file", "org", "blue", "app", "core")


def _full(**settings: Any) -> Made:
    """One slot, which is taken."""
    made = Made(row("provider", "cloud", concurrency=1), row(tokens={60: 100_000}), **settings)
    made.running, verdict = made.ask()  # type: ignore[attr-defined]
    assert verdict is None
    return made


def _end(made: Made) -> None:
    made.end(made.running)  # type: ignore[attr-defined]


def _wait(verdict: Any) -> Awaitable[Reply | None]:
    assert isinstance(verdict, Wait)
    assert verdict.keep_alive
    return verdict.awaitable


def test_a_request_waits_for_a_slot_and_goes_on_when_it_is_there() -> None:
    async def scene() -> None:
        made = _full()
        x, verdict = made.ask()
        task = asyncio.ensure_future(_wait(verdict))
        await asyncio.sleep(0)
        assert isinstance(x.reservation, Waiter)
        assert b"x-ratelimit-remaining-tokens" in x.answer_headers
        made.clock.advance(1.24)
        _end(made)
        assert await task is None
        assert x.decisions == ("quota:queued 1.2s",)
        assert made.results == [("cloud", "granted")]
        assert made.left()["provider concurrency"] == 0
        made.end(x)
        assert made.left()["provider concurrency"] == 1

    asyncio.run(scene())


def test_nobody_overtakes() -> None:
    async def scene() -> None:
        made = _full()
        x, verdict = made.ask()
        task = asyncio.ensure_future(_wait(verdict))
        # A slot of whose coming free nobody has told the broker: it is still the other's.
        counter = made.tables.counters["provider:cloud|concurrency"]
        counter.left += 1
        y, second = made.ask()
        assert isinstance(y.reservation, Waiter)
        assert await task is None
        assert not isinstance(x.reservation, Waiter)
        made.end(x)
        assert await _wait(second) is None

    asyncio.run(scene())


def test_a_queue_that_is_full_refuses() -> None:
    async def scene() -> None:
        made = _full(queue=Queue(waiting=1))
        _, waiting = made.ask()
        x, verdict = made.ask()
        assert isinstance(verdict, Reply)
        assert verdict.error is errors.RATE_LIMITED
        assert verdict.headers[0] == (b"Retry-After", b"30")
        assert "as many requests wait as may" in verdict.message
        assert x.decisions == ("quota:queue full",)
        assert x.reservation is None
        assert made.refused == [("provider", "concurrency")]
        assert made.results == [("cloud", "full")]
        assert made.left()["key tokens"] == 100_000 - 2 * 351
        waiting.awaitable.close()

    asyncio.run(scene())


def test_waiting_too_long_is_refused() -> None:
    async def scene() -> None:
        made = _full(queue=Queue(max_wait=2.0))
        x, verdict = made.ask()
        task = asyncio.ensure_future(_wait(verdict))
        await asyncio.sleep(0)
        made.clock.advance(2.0)
        made.broker.tick(made.clock.monotonic())
        reply = await task
        assert isinstance(reply, Reply)
        assert reply.error is errors.RATE_LIMITED
        assert "none has ended for this one in 2 seconds" in reply.message
        assert x.decisions == ("quota:waited too long",)
        assert x.reservation is None
        made.stage.on_end(x)
        assert made.results == [("cloud", "late")]
        assert made.left()["key tokens"] == 100_000 - 351

    asyncio.run(scene())


def test_without_places_nobody_waits() -> None:
    made = _full(queue=Queue(waiting=0))
    x, verdict = made.ask()
    assert isinstance(verdict, Reply)
    assert x.decisions == ("quota:refused provider concurrency",)


def test_a_limit_of_the_callers_own_refuses_before_any_waiting() -> None:
    async def scene() -> None:
        made = _full()
        made.tables.use_file(
            [
                row("provider", "cloud", concurrency=1),
                row(tokens={60: 500}),
                row("team", "team", concurrency=1),
            ]
        )
        x, verdict = made.ask()
        assert isinstance(verdict, Reply)
        assert x.decisions == ("quota:refused key tokens",)
        assert made.broker.waiting() == {}

    asyncio.run(scene())


def test_a_callers_own_slots_are_not_waited_for() -> None:
    made = Made(row(concurrency=1))
    made.ask()
    assert isinstance(made.ask()[1], Reply)


def test_an_accounts_requests_in_a_window_are_not_waited_for() -> None:
    made = Made(row("provider", "cloud", requests={60: 1}, concurrency=5))
    made.ask()
    x, verdict = made.ask()
    assert isinstance(verdict, Reply)
    assert x.decisions == ("quota:refused provider requests",)


def test_another_account_is_tried_first_and_the_first_one_waited_for() -> None:
    async def scene() -> None:
        made = Made(row("provider", "*", concurrency=1))
        first, _ = made.ask(PLAIN, SPARE)
        second, verdict = made.ask(PLAIN, SPARE)
        assert (verdict, second.candidates) == (None, (SPARE,))
        third, verdict = made.ask(PLAIN, SPARE)
        task = asyncio.ensure_future(_wait(verdict))
        assert third.candidates == (PLAIN, SPARE), "fallbacks stay"
        made.end(second, deployment=SPARE)
        await asyncio.sleep(0)
        assert not task.done()
        made.end(first, deployment=PLAIN)
        assert await task is None

    asyncio.run(scene())


def test_a_models_cap_is_waited_for_too() -> None:
    async def scene() -> None:
        made = Made(row("provider", "cloud", concurrency=5), row("deployment", "d1", concurrency=1))
        first, _ = made.ask(PLAIN)
        x, verdict = made.ask(PLAIN)
        task = asyncio.ensure_future(_wait(verdict))
        assert made.ask(OTHER)[1] is None, "another model is not held up"
        made.end(first)
        assert await task is None
        assert x.decisions == ("quota:queued 0.0s",)

    asyncio.run(scene())


@pytest.mark.parametrize("granted", [False, True])
def test_a_client_that_leaves_holds_nothing_afterwards(granted: bool) -> None:
    async def scene() -> None:
        made = _full()
        x, verdict = made.ask()
        task = asyncio.ensure_future(_wait(verdict))
        await asyncio.sleep(0)
        if granted:
            _end(made)
        task.cancel()
        x.outcome = "client_left"
        made.stage.on_end(x)
        await asyncio.gather(task, return_exceptions=True)
        made.stage.on_end(x)
        assert x.decisions == ("quota:left the queue",)
        assert made.results == [("cloud", "left")]
        if not granted:
            _end(made)
        assert made.left()["provider concurrency"] == 1
        counter = made.tables.counters["provider:cloud|concurrency"]
        assert (counter.reserved, counter.waiting) == (0, 0)

    asyncio.run(scene())


def test_a_request_that_was_settled_meanwhile_is_left_alone() -> None:
    async def scene() -> None:
        made = _full()
        x, verdict = made.ask()
        task = asyncio.ensure_future(_wait(verdict))
        await asyncio.sleep(0)
        _end(made)
        made.stage.on_end(x)
        assert await task is None
        assert x.reservation is None
        assert made.left()["provider concurrency"] == 1

    asyncio.run(scene())


def test_core_callers_have_more_turns() -> None:
    async def scene() -> None:
        made = Made(row("provider", "cloud", concurrency=1), queue=Queue(core_weight=3))
        running, _ = made.ask()
        asked = [made.ask() for _ in range(10)] + [made.ask(principal=TEAM) for _ in range(10)]
        tasks = [asyncio.ensure_future(verdict.awaitable) for _, verdict in asked]
        order: list[Exchange] = []

        def went() -> list[Exchange]:
            return [x for x, _ in asked if x in order or not isinstance(x.reservation, Waiter)]

        for _ in range(8):
            made.end(running)
            await eventually(lambda: len(went()) > len(order), "the next one's turn")
            (running,) = [x for x in went() if x not in order]
            order.append(running)
        assert sum(x.principal is TEAM for x in order) == 6
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scene())


# -- limits that workers share ----------------------------------------------------------------------------------------


def _lease(made: Made, **slots: int) -> None:
    for counter in made.tables.counters.values():
        counter.left = counter.granted = slots.get(counter.scope, 1000)


def test_a_cold_account_without_a_slot_elsewhere_is_waited_for() -> None:
    async def scene() -> None:
        def refuse() -> None:
            _lease(made, provider=0)
            counter = made.tables.counters["provider:cloud|concurrency"]
            counter.refused_until, counter.refused_need = NOW + 1, 1

        made = Made(row("provider", "cloud", concurrency=5), ledger=Answers(refuse))
        x, verdict = made.ask()
        assert isinstance(verdict, Wait)
        assert verdict.keep_alive
        task = asyncio.ensure_future(verdict.awaitable)
        await asyncio.sleep(0)
        assert isinstance(x.reservation, Waiter)
        y, second = made.ask()
        assert isinstance(y.reservation, Waiter), "nobody asks again while others wait"
        counter = made.tables.counters["provider:cloud|concurrency"]
        counter.left = counter.granted = 1
        made.broker.fed(counter, 1)
        assert await task is None
        made.end(x)
        assert await second.awaitable is None

    asyncio.run(scene())


def test_a_refusal_after_asking_finds_the_next_account() -> None:
    async def scene() -> None:
        def refuse() -> None:
            _lease(made, provider=0)
            for counter in made.tables.counters.values():
                counter.refused_until, counter.refused_need = NOW + 1, 1

        def spare() -> None:
            made.tables.counters["provider:spare|concurrency"].left = 1

        made = Made(row("provider", "*", concurrency=5), ledger=Answers(refuse, spare))
        x, verdict = made.ask(PLAIN, SPARE)
        assert await verdict.awaitable is None
        assert x.candidates == (SPARE,)
        assert x.decisions == ("quota:next account",)

    asyncio.run(scene())


@pytest.mark.parametrize("enough", [True, False])
def test_what_the_caller_lacks_is_asked_for_before_waiting(enough: bool) -> None:
    async def scene() -> None:
        def lease() -> None:
            counter = made.tables.counters["key:ann|tokens|60"]
            if enough:
                counter.left = counter.granted = 10_000
            else:
                counter.refused_until, counter.refused_need = NOW + 9, 1

        made = Made(row("provider", "cloud", concurrency=1), row(tokens={60: 100_000}), ledger=Answers(lease))
        made.tables.plan((made.ask.__defaults__ and TEAM) or TEAM, "d1", "m", "cloud", NOW)
        counter = made.tables.counters["provider:cloud|concurrency"]
        counter.refused_until, counter.refused_need = NOW + 9, 1
        counter.waiting = 1
        x, verdict = made.ask()
        counter.waiting = 0
        task = asyncio.ensure_future(_wait(verdict))
        await asyncio.sleep(0)
        if enough:
            counter.left = counter.granted = 1
            made.broker.serve("cloud")
            assert await task is None
            assert x.reservation is not None
        else:
            reply = await task
            assert isinstance(reply, Reply)
            assert x.decisions == ("quota:refused key tokens",)

    asyncio.run(scene())


def test_an_outage_with_the_policy_to_deny_denies() -> None:
    async def scene() -> None:
        made = Made(row("provider", "cloud", concurrency=1), ledger=Answers())
        made.tables.plan(TEAM, "d1", "m", "cloud", NOW)
        made.tables.counters["provider:cloud|concurrency"].waiting = 1
        made.tables.outage = made.tables.deny = True
        assert made.ask()[1].error is errors.QUOTA_UNAVAILABLE

    asyncio.run(scene())


def test_a_budget_is_held_while_waiting() -> None:
    async def scene() -> None:
        made = Made(row("provider", "cloud", concurrency=1), row(budgets=(Budget("day", "USD", 1000),)))
        priced = Deployment("d1", "cloud", "m", price="deepseek/deepseek-flash")
        made.ask(priced)
        verdict: Any = None
        while not isinstance(verdict, Reply):
            x, verdict = made.ask(priced)
            if isinstance(verdict, Wait):
                verdict.awaitable.close()  # type: ignore[attr-defined]
        assert x.decisions == ("quota:refused key money",)
        assert made.broker.waiting()["cloud"] > 1

    asyncio.run(scene())
