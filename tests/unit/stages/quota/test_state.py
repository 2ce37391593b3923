"""The tables: which rule a caller meets, what is granted, refused or asked for."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.config.rows import Budget
from seekgate.pipeline.principal import Principal
from seekgate.stages.quota import state
from seekgate.stages.quota.counter import Counter, Plan
from seekgate.stages.quota.state import GRANTED, NEED, UNKNOWN, Refused, Tables
from tests.support.limits import ANN, BOB, NOW, plan, row, tables

LIMIT = row(requests={60: 3})


def ask(
    found: Tables, principal: Principal = ANN, now: float = NOW, input: int = 0, output: int = 0
) -> object:
    """A request, by the short way first, as the stage does it."""
    made = plan(found, principal, now)
    if made.take(now, input, output, {}):
        return GRANTED
    return found.decide(made, now, input, output, {})


def ids(made: Plan) -> list[str]:
    return [counter.id for counter in made.counters]


def test_a_default_counts_each_subject_by_itself() -> None:
    found = tables(LIMIT)
    assert [ask(found) for _ in range(3)] == [GRANTED] * 3
    refused = ask(found)
    assert isinstance(refused, Refused)
    assert refused.until == NOW + 40
    assert ask(found, BOB) is GRANTED
    assert ask(found, now=NOW + 40) is GRANTED


def test_every_scope_counts() -> None:
    rows = [
        row(scope, "*", requests={60: 9})
        for scope in ("application", "team", "organisation", "model", "provider")
    ]
    found = tables(*rows)
    assert ids(plan(found)) == [
        "application:app|requests|60",
        "team:team|requests|60",
        "organisation:org|requests|60",
        "model:m|requests|60",
        "provider:p|requests|60",
    ]
    assert ids(found.plan(Principal(), "d", "m", "p", NOW)) == [
        "model:m|requests|60",
        "provider:p|requests|60",
    ]


def test_a_subjects_own_rule_replaces_the_default_and_a_row_the_files() -> None:
    found = tables(LIMIT, row("key", "ann", requests={60: 7}))
    assert plan(found).counters[0].limit == 7
    found.apply("limit", "key:ann", row("key", "ann", requests={60: 8}))
    assert plan(found).counters[0].limit == 8
    found.apply("limit", "key:*", row("key", "*", requests={60: 4}))
    assert plan(found, BOB).counters[0].limit == 4
    found.apply("limit", "key:ann", None)
    assert plan(found).counters[0].limit == 7
    found.apply("key", "key:ann", None)
    assert plan(found).counters[0].limit == 7


def test_a_key_is_found_by_its_id_or_its_name_and_a_token_by_its_kind() -> None:
    found = tables(row("key", "shown name", requests={60: 5}), row("key", "jwt/ann", requests={60: 6}))
    key = Principal("shown name", "k-17", "key")
    assert ids(plan(found, key)) == ["key:k-17|requests|60"]
    assert plan(found, Principal("ann", "ann", "jwt")).counters[0].limit == 6


def test_a_change_of_height_keeps_what_was_used() -> None:
    found = tables(LIMIT)
    assert [ask(found) for _ in range(3)] == [GRANTED] * 3
    found.apply("limit", "key:*", row(requests={60: 5}))
    assert [ask(found) for _ in range(2)] == [GRANTED] * 2
    assert isinstance(ask(found), Refused)


def test_a_rule_that_goes_leaves_no_limit() -> None:
    found = tables(LIMIT)
    assert [ask(found) for _ in range(3)] == [GRANTED] * 3
    found.use_file([])
    assert not plan(found).counters
    assert ask(found) is GRANTED


def test_a_dropped_counter_is_looked_up_again() -> None:
    found = tables(LIMIT)
    before = plan(found)
    found.drop(before.counters[0])
    assert not before.take(NOW, 0, 0, {})
    after = plan(found)
    assert after is not before
    assert after.counters[0].left == 3


def test_plans_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MAX_PLANS", 4)
    monkeypatch.setattr(state, "MAX_SHAPES", 4)
    found = tables(LIMIT)
    for number in range(50):
        found.plan(Principal(id=f"k{number}", kind="key"), f"d{number % 3}", f"m{number}", "p", NOW)
        assert sum(len(each) for each in found.plans.values()) <= 4
        assert len(found._shapes) <= 4


def test_alone_a_reservation_may_come_back_before_the_window_ends() -> None:
    found = tables(row(tokens={60: 100}))
    assert ask(found, input=80) is GRANTED
    refused = ask(found, input=30)
    assert isinstance(refused, Refused)
    assert refused.until < NOW + 1
    too_much = ask(found, input=101)
    assert isinstance(too_much, Refused)
    assert too_much.until == NOW + 40


def test_shared_what_is_missing_is_asked_for() -> None:
    found = tables(row(tokens={60: 100}), shared=True)
    assert ask(found, input=30) is NEED
    assert ask(found, input=20) is NEED
    (counter,) = found.asking
    assert (counter.wanted, counter.quantum) == (50, 20)
    counter.left = counter.granted = 60
    assert ask(found, input=30) is GRANTED
    assert (counter.left, counter.reserved) == (30, 30)


def test_a_refusal_is_remembered_for_what_is_as_large() -> None:
    found = tables(row(tokens={60: 100}), shared=True)
    assert ask(found, input=30) is NEED
    (counter,) = found.asking
    counter.refused_need, counter.refused_until = 30, NOW + 5
    assert isinstance(ask(found, input=30), Refused)
    assert ask(found, input=29) is NEED
    assert ask(found, input=30, now=NOW + 5) is NEED


def test_more_is_fetched_ahead() -> None:
    found = tables(LIMIT, shared=True)
    counter = plan(found).counters[0]
    counter.left, counter.granted, counter.low = 3, 3, 2
    assert ask(found) is GRANTED
    assert not found.asking
    assert ask(found) is GRANTED
    assert found.asking == {counter: None}
    assert counter.low == 0


@pytest.mark.parametrize("fleet", [1, 3, 4])
def test_without_anybody_to_ask_a_worker_has_its_share(fleet: int) -> None:
    found = tables(row(requests={60: 10}), shared=True)
    found.fleet, found.outage = fleet, True
    granted = [ask(found) for _ in range(20)]
    assert granted.count(GRANTED) == 10 // fleet
    assert isinstance(granted[-1], Refused)
    assert ask(found, now=NOW + 60) is GRANTED


def test_the_policy_may_be_to_deny() -> None:
    found = tables(row(requests={60: 10}), shared=True)
    found.outage = found.deny = True
    assert ask(found) is UNKNOWN
    plan(found).counters[0].left = 1
    assert ask(found) is GRANTED


def test_who_can_wait_no_longer_is_decided_as_in_an_outage() -> None:
    found = tables(row(requests={60: 10}), shared=True)
    found.fleet = 2
    assert found.decide_alone(plan(found), NOW, 0, 0, {}) is GRANTED
    assert not found.outage
    assert plan(found).counters[0].left == 4


def test_a_soft_mark_warns_once_in_a_period() -> None:
    warned: list[Counter] = []
    found = tables(row(budgets=(Budget("day", "CNY", hard=100, soft=50),)), warned=warned)
    made = plan(found)
    for spent in (40, 11, 20):
        if not made.take(NOW, 0, 0, {"CNY": spent}):
            assert found.decide(made, NOW, 0, 0, {"CNY": spent}) is GRANTED
    assert [counter.id for counter in warned] == ["key:ann|CNY|day|UTC"]
    assert isinstance(found.decide(made, NOW, 0, 0, {"CNY": 30}), Refused)


def test_what_is_remembered_is_taken_up_once_in_its_window() -> None:
    found = tables(row(requests={3600: 10}))
    start = int(NOW // 3600) * 3600
    found.remembered = {"key:ann|requests|3600": (start, 4), "key:bob|requests|3600": (start - 3600, 4)}
    assert plan(found).counters[0].left == 6
    assert plan(found, BOB).counters[0].left == 10
    assert not found.remembered


def test_sharing_begins_and_ends_without_forgetting() -> None:
    found = tables(row(requests={60: 10}))
    assert ask(found) is GRANTED
    found.share(True, NOW)
    assert ask(found) is NEED
    found.share(False, NOW)
    assert [ask(found) for _ in range(9)] == [GRANTED] * 9
    assert isinstance(ask(found), Refused)


@given(
    st.lists(st.tuples(st.floats(0, 400), st.integers(0, 60), st.booleans()), max_size=80),
    st.integers(1, 50),
    st.integers(1, 200),
)
def test_never_more_than_the_limit_in_a_window(
    steps: list[tuple[float, int, bool]], requests: int, tokens: int
) -> None:
    """Whatever comes when, at most ``requests`` are let through in each minute, with at most ``tokens`` reserved."""
    found = tables(row(requests={60: requests}, tokens={120: tokens}))
    counts: dict[int, int] = {}
    sums: dict[int, int] = {}
    for after, size, second in sorted(steps):
        now = NOW + after
        if ask(found, BOB if second else ANN, now, input=size) is GRANTED and not second:
            counts[int(now // 60)] = counts.get(int(now // 60), 0) + 1
            sums[int(now // 120)] = sums.get(int(now // 120), 0) + size
    assert all(count <= requests for count in counts.values())
    assert all(count <= tokens for count in sums.values())


def test_rows_of_other_kinds_of_principals_do_not_mix() -> None:
    found = tables(LIMIT)
    token = msgspec.structs.replace(ANN, kind="jwt")
    assert ids(plan(found)) != ids(plan(found, token))


def test_a_deployments_limit_is_met_there_only() -> None:
    found = tables(row("deployment", "d", concurrency=2))
    assert [c.id for c in plan(found).account_slots] == ["deployment:d|concurrency"]
    assert not found.plan(ANN, "other", "m", "p", NOW).counters
    assert not found.met_by(ANN, "", "m", "p", NOW)


def test_whether_a_rule_still_counts_slots() -> None:
    found = tables(row("provider", "*", concurrency=2))
    (slots,) = plan(found).account_slots
    assert found.counts_slots(slots)
    found.use_file([row("provider", "p", requests={60: 1})])
    assert not found.counts_slots(slots)
    found.use_file([])
    assert not found.counts_slots(slots)
