"""Quota on the way of a request: what is reserved, refused, shown, and charged at the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from seekgate.config.rows import Budget
from seekgate.pipeline.exchange import Endpoint
from seekgate.pipeline.stage import Reply, Wait
from seekgate.wire import errors
from seekgate.wire.usage import Usage
from tests.support.limits import ANN, row
from tests.support.quota_stage import DEAR, NOW, PLAIN, PRICE, PRICED, PRICES, SPARE, Answers, Made
from tests.support.scene_exchange import exchange


def usage(prompt: int, completion: int) -> Usage:
    return Usage(prompt, completion, prompt + completion, 0, prompt, 0)


def test_without_limits_nothing_happens() -> None:
    x, verdict = Made().ask()
    assert verdict is None
    assert (x.reservation, x.answer_headers, x.decisions) == (None, b"", ())


def test_a_caller_whom_no_limit_names_passes() -> None:
    x, verdict = Made(row("key", "bob", requests={60: 1})).ask()
    assert verdict is None
    assert x.answer_headers == b""


def test_a_list_of_models_is_not_limited() -> None:
    made = Made(row(requests={60: 1}))
    x = exchange(b"", principal=ANN, endpoint=Endpoint("models", ""))
    assert [made.stage.on_request(x) for _ in range(3)] == [None] * 3


def test_requests_are_counted_and_refused() -> None:
    made = Made(row(requests={60: 2}))
    assert [made.ask()[1] for _ in range(2)] == [None, None]
    x, verdict = made.ask()
    assert isinstance(verdict, Reply)
    assert verdict.error is errors.RATE_LIMITED
    assert verdict.headers[0] == (b"Retry-After", b"20")
    assert x.decisions == ("quota:refused key requests",)
    assert made.refused == [("key", "requests")]
    made.stage.on_end(x)
    assert made.left() == {"key requests": 0}


def test_answers_say_what_is_left() -> None:
    made = Made(row(requests={60: 2}, tokens={60: 10_000}))
    x, _ = made.ask()
    assert b"\r\nx-ratelimit-remaining-requests: 1\r\n" in x.answer_headers
    assert b"\r\nx-ratelimit-remaining-tokens: 9649\r\n" in x.answer_headers


def test_headers_can_be_left_out() -> None:
    made = Made(row(requests={60: 1}), headers=False)
    x, _ = made.ask()
    assert x.answer_headers == b""
    _, verdict = made.ask()
    assert len(verdict.headers) == 1


def test_tokens_are_reserved_and_settled() -> None:
    made = Made(row(input_tokens={60: 1000}, output_tokens={60: 1000}, tokens={60: 1000}, concurrency=5))
    x, _ = made.ask()
    assert made.left() == {
        "key input_tokens": 699,
        "key output_tokens": 950,
        "key tokens": 649,
        "key concurrency": 4,
    }
    made.end(x, usage(120, 60))
    assert made.left() == {
        "key input_tokens": 880,
        "key output_tokens": 940,
        "key tokens": 820,
        "key concurrency": 5,
    }
    made.stage.on_end(x)
    assert made.left()["key tokens"] == 820


def test_what_is_reserved_is_learned() -> None:
    made = Made(row(input_tokens={60: 1_000_000}))
    for _ in range(200):
        x, _ = made.ask()
        made.end(x, usage(100, 1))
    before = made.left()["key input_tokens"]
    made.ask()
    assert before - made.left()["key input_tokens"] == pytest.approx(101, abs=2)


@pytest.mark.parametrize(
    ("tree", "operation", "output"),
    [
        ({}, "chat", 4096),
        ({"max_tokens": 100_000}, "chat", 4096),
        ({"max_completion_tokens": 70}, "chat", 70),
        ({"max_tokens": 50, "n": 4}, "chat", 200),
        ({}, "embeddings", 0),
    ],
)
def test_how_much_output_is_reserved(tree: dict[str, Any], operation: Any, output: int) -> None:
    made = Made(row(output_tokens={60: 1_000_000}))
    made.ask(tree=tree, endpoint=Endpoint(operation, ""))
    assert made.left()["key output_tokens"] == 1_000_000 - output


@pytest.mark.parametrize(
    ("outcome", "attempt", "events", "bytes_out", "used"),
    [
        ("cut", "cut", 40, 9000, 301 + 40),
        ("client_left", "cancelled", 12, 3000, 301 + 12),
        ("client_left", "cancelled", 0, 0, 301),
        ("answered", "answered", 0, 1000, 301 + 300),
        ("failed", "connect", 0, 0, 0),
        ("failed", "status", 0, 0, 0),
    ],
)
def test_without_usage_what_was_sent_is_estimated(
    outcome: str, attempt: str, events: int, bytes_out: int, used: int
) -> None:
    made = Made(row(tokens={60: 10_000}))
    x, _ = made.ask()
    made.end(x, None, outcome, attempt=attempt, events=events, bytes_out=bytes_out)
    assert made.left()["key tokens"] == 10_000 - used


def test_what_never_reached_an_upstream_is_not_charged() -> None:
    made = Made(row(tokens={60: 10_000}))
    x, _ = made.ask()
    x.outcome, x.status = "refused", 403
    made.stage.on_end(x)
    assert made.left()["key tokens"] == 10_000


def test_the_record_says_what_became_of_the_upstream_of_a_client_that_left() -> None:
    made = Made(row(tokens={60: 10_000}))
    x, _ = made.ask()
    assert not x.drain
    made.end(x, None, "client_left", attempt="cancelled")
    assert x.decisions == ("quota:cancelled",)


def test_the_policy_for_clients_that_leave_is_told_to_the_gateway() -> None:
    made = Made(row(tokens={60: 10_000}), on_cancel="drain")
    x, _ = made.ask()
    assert x.drain
    made.end(x, usage(5, 5), "client_left", attempt="answered")
    assert x.decisions == ("quota:drained",)
    assert made.left()["key tokens"] == 9990


def test_money_is_reserved_for_the_dearest_candidate_and_settled_at_the_price_of_who_answered() -> None:
    made = Made(row("team", "team", budgets=(Budget("day", PRICES.quote(PRICE, NOW).currency, 1_000_000),)))
    x, _ = made.ask(PRICED, DEAR)
    dearest = PRICES.quote(DEAR.price or "", NOW)
    worst = made.stage._dearest(x, x.reservation.plan, 50)[dearest.currency]
    assert worst >= dearest.cost(0, 300, 50)
    assert made.left()["team money"] == 1_000_000 - worst
    made.end(x, usage(120, 60), deployment=PRICED)
    assert made.left()["team money"] == 1_000_000 - PRICES.quote(PRICE, NOW).cost(0, 120, 60)


def test_a_budget_that_does_not_cover_the_worst_case_refuses() -> None:
    made = Made(row("team", "*", budgets=(Budget("day", PRICES.quote(PRICE, NOW).currency, 10),)))
    x, verdict = made.ask(PRICED, tree={"max_tokens": 4000})
    assert isinstance(verdict, Reply)
    assert verdict.error is errors.BUDGET_EXCEEDED
    assert x.decisions == ("quota:refused team money",)


def test_an_account_that_has_nothing_left_makes_way_for_the_next() -> None:
    made = Made(row("provider", "cloud", requests={60: 1}))
    x, verdict = made.ask(PLAIN, SPARE)
    assert (verdict, x.candidates) == (None, (PLAIN, SPARE))
    x, verdict = made.ask(PLAIN, SPARE)
    assert (verdict, x.candidates) == (None, (SPARE,))
    assert x.decisions == ("quota:next account",)
    _, verdict = made.ask(PLAIN)
    assert isinstance(verdict, Reply)


def test_another_account_that_answers_is_the_one_that_is_charged() -> None:
    made = Made(row("provider", "*", tokens={60: 1000}), row(tokens={60: 1000}))
    x, _ = made.ask(PLAIN, SPARE)
    made.end(x, usage(100, 20), deployment=SPARE)
    counters = {counter.id: counter for counter in made.tables.counters.values()}
    assert counters["provider:cloud|tokens|60"].left == 1000
    assert counters["provider:spare|tokens|60"].left == 880
    assert counters["key:ann|tokens|60"].left == 880


def test_a_cold_subject_waits_for_its_lease() -> None:
    def lease() -> None:
        (counter,) = made.tables.asking
        counter.left = counter.granted = 5

    ledger = Answers(lease)
    made = Made(row(requests={60: 10}), ledger=ledger)
    x, verdict = made.ask()
    assert isinstance(verdict, Wait)
    assert asyncio.run(verdict.awaitable) is None  # type: ignore[arg-type]
    assert b"remaining-requests: 14" in x.answer_headers
    assert made.ask()[1] is None
    assert ledger.turns == 1


def test_a_request_asks_again_when_another_took_what_came() -> None:
    def lease() -> None:
        for counter in made.tables.counters.values():
            counter.left = counter.granted = 1

    ledger = Answers(lambda: None, lambda: None, lease)
    made = Made(row(concurrency=10), ledger=ledger)
    x, verdict = made.ask()
    assert asyncio.run(verdict.awaitable) is None
    assert ledger.turns == 3
    assert x.reservation is not None
    made.end(x)
    assert made.left() == {"key concurrency": 1}


def test_a_refusal_comes_after_waiting_too() -> None:
    def refuse() -> None:
        (counter,) = made.tables.counters.values()
        counter.refused_until, counter.refused_need = NOW + 20, 1

    made = Made(row(requests={60: 10}), ledger=Answers(refuse))
    x, verdict = made.ask()
    reply = asyncio.run(verdict.awaitable)
    assert reply.error is errors.RATE_LIMITED
    assert isinstance(made.ask()[1], Reply)
    assert x.reservation is None


@pytest.mark.parametrize("deny", [False, True])
def test_without_an_answer_the_policy_decides(deny: bool) -> None:
    made = Made(row(requests={60: 10}), ledger=Answers(False))
    made.tables.deny = deny
    x, verdict = made.ask()
    reply = asyncio.run(verdict.awaitable)
    if deny:
        assert reply.error is errors.QUOTA_UNAVAILABLE
        assert x.decisions == ("quota:unavailable",)
    else:
        assert reply is None
        assert x.decisions == ("quota:local share",)


def test_in_an_outage_nobody_waits() -> None:
    made = Made(row(requests={60: 2}), ledger=Answers())
    made.tables.outage = True
    assert made.ask()[1] is None
    assert made.ask()[1] is None
    assert isinstance(made.ask()[1], Reply)
    made.tables.deny = True
    made.tables.counters["key:ann|requests|60"].refused_until = 0.0
    assert made.ask()[1].error is errors.QUOTA_UNAVAILABLE


def test_a_lease_is_fetched_ahead_without_waiting() -> None:
    ledger = Answers()
    made = Made(row(requests={60: 100}), ledger=ledger)
    plan = made.tables.plan(ANN, "d1", "m", "cloud", NOW)
    plan.counters[0].left, plan.counters[0].low = 3, 3
    assert made.ask()[1] is None
    assert (ledger.pokes, ledger.turns) == (1, 0)


def test_a_client_that_leaves_while_waiting_holds_nothing() -> None:
    async def scene() -> None:
        started = asyncio.Event()

        class Silent(Answers):
            async def turn(self, until: float) -> bool:
                started.set()
                await asyncio.Event().wait()
                return True

        made = Made(row(concurrency=1), ledger=Silent())
        x, verdict = made.ask()
        task = asyncio.ensure_future(verdict.awaitable)
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        x.outcome = "client_left"
        made.stage.on_end(x)
        assert x.reservation is None
        assert made.left() == {"key concurrency": 0}

    asyncio.run(scene())
