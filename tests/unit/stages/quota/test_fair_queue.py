"""Who of those that wait goes next."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.quota.fair_queue import FairQueue


def served(queue: FairQueue[str], count: int) -> list[str]:
    names = []
    for _ in range(count):
        place = queue.first()
        assert place is not None
        queue.serve(place)
        names.append(place.item)
    return names


def test_one_flow_is_served_in_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for name in "abc":
        queue.join(name, "team", 1.0)
    assert [place.item for place in queue] == ["a", "b", "c"]
    assert served(queue, 3) == ["a", "b", "c"]
    assert queue.first() is None


def test_a_small_flow_does_not_wait_behind_a_large_one() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(100):
        queue.join(f"large {number}", "large", 1.0)
    served(queue, 10)
    queue.join("small", "small", 1.0)
    assert "small" in served(queue, 2)


def test_flows_share_by_weight_whatever_they_ask_for() -> None:
    queue: FairQueue[str] = FairQueue()
    for flow, demand, weight in (("core", 400, 4.0), ("a", 1000, 1.0), ("b", 100, 1.0)):
        for _ in range(demand):
            queue.join(flow, flow, weight)
    counts = Counter(served(queue, 300))
    assert counts["core"] == 200
    assert counts["a"] == counts["b"] == 50


def test_idle_time_is_not_saved_up() -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(50):
        queue.join("early", "early", 1.0)
    served(queue, 40)
    for _ in range(50):
        queue.join("late", "late", 1.0)
    counts = Counter(served(queue, 20))
    assert counts == {"early": 10, "late": 10}


def test_whoever_leaves_holds_nobody_up() -> None:
    queue: FairQueue[str] = FairQueue()
    places = [queue.join(str(number), "team", 1.0) for number in range(200)]
    for place in places[:150]:
        queue.leave(place)
        queue.leave(place)
    assert len(queue) == 50
    assert served(queue, 1) == ["150"]
    for place in places[150:]:
        queue.leave(place)
    assert (len(queue), queue.first()) == (0, None)


Joins = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=60)


@given(Joins)
def test_nobody_is_lost_and_nobody_is_served_twice(steps: list[tuple[str, bool]]) -> None:
    queue: FairQueue[str] = FairQueue()
    joined: list[str] = []
    out: list[str] = []
    for number, (flow, serve) in enumerate(steps):
        queue.join(f"{flow}{number}", flow, 1.0)
        joined.append(f"{flow}{number}")
        if serve:
            out += served(queue, 1)
    out += served(queue, len(queue))
    assert sorted(out) == sorted(joined)


@given(Joins, st.integers(1, 5))
def test_no_flow_is_passed_by_more_than_its_turn(steps: list[tuple[str, bool]], weight: int) -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(weight * 20):
        queue.join(f"heavy {number}", "heavy", float(weight))
    for flow, _ in steps:
        queue.join(flow, flow, 1.0)
    waiting = {flow for flow, _ in steps}
    first_round = served(queue, weight + len(waiting))
    assert waiting <= set(first_round), "each flow has its first turn before anybody has a turn too many"
