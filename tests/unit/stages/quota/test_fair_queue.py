"""Who of those that wait goes next."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.quota.fair_queue import FairQueue


def any_kind(kind: str) -> bool:
    return True


def served(queue: FairQueue[str, str], count: int) -> list[str]:
    names = []
    for _ in range(count):
        place = queue.first(any_kind)
        assert place is not None
        queue.serve(place)
        names.append(place.item)
    return names


def test_one_flow_is_served_in_order() -> None:
    queue: FairQueue[str, str] = FairQueue()
    for name in "abc":
        queue.join(name, "team", 1.0, "kind")
    assert sorted(place.item for place in queue) == ["a", "b", "c"]
    assert served(queue, 3) == ["a", "b", "c"]
    assert queue.first(any_kind) is None


def test_a_small_flow_does_not_wait_behind_a_large_one() -> None:
    queue: FairQueue[str, str] = FairQueue()
    for number in range(100):
        queue.join(f"large {number}", "large", 1.0, "kind")
    served(queue, 10)
    queue.join("small", "small", 1.0, "kind")
    assert "small" in served(queue, 2)


def test_flows_share_by_weight_whatever_they_ask_for() -> None:
    queue: FairQueue[str, str] = FairQueue()
    for flow, demand, weight in (("core", 400, 4.0), ("a", 1000, 1.0), ("b", 100, 1.0)):
        for _ in range(demand):
            queue.join(flow, flow, weight, "kind")
    counts = Counter(served(queue, 300))
    assert counts["core"] == 200
    assert counts["a"] == counts["b"] == 50


def test_idle_time_is_not_saved_up() -> None:
    queue: FairQueue[str, str] = FairQueue()
    for _ in range(50):
        queue.join("early", "early", 1.0, "kind")
    served(queue, 40)
    for _ in range(50):
        queue.join("late", "late", 1.0, "kind")
    counts = Counter(served(queue, 20))
    assert counts == {"early": 10, "late": 10}


def test_whoever_leaves_holds_nobody_up() -> None:
    queue: FairQueue[str, str] = FairQueue()
    places = [queue.join(str(number), "team", 1.0, "kind") for number in range(200)]
    for place in places[:150]:
        queue.leave(place)
        queue.leave(place)
    assert len(queue) == 50
    assert served(queue, 1) == ["150"]
    for place in places[150:]:
        queue.leave(place)
    assert (len(queue), queue.first(any_kind)) == (0, None)


Joins = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=60)


@given(Joins)
def test_nobody_is_lost_and_nobody_is_served_twice(steps: list[tuple[str, bool]]) -> None:
    queue: FairQueue[str, str] = FairQueue()
    joined: list[str] = []
    out: list[str] = []
    for number, (flow, serve) in enumerate(steps):
        queue.join(f"{flow}{number}", flow, 1.0, "kind")
        joined.append(f"{flow}{number}")
        if serve:
            out += served(queue, 1)
    out += served(queue, len(queue))
    assert sorted(out) == sorted(joined)


@given(Joins, st.integers(1, 5))
def test_no_flow_is_passed_by_more_than_its_turn(steps: list[tuple[str, bool]], weight: int) -> None:
    queue: FairQueue[str, str] = FairQueue()
    for number in range(weight * 20):
        queue.join(f"heavy {number}", "heavy", float(weight), "kind")
    for flow, _ in steps:
        queue.join(flow, flow, 1.0, "kind")
    waiting = {flow for flow, _ in steps}
    first_round = served(queue, weight + len(waiting))
    assert waiting <= set(first_round), "each flow has its first turn before anybody has a turn too many"


def test_whoever_leaves_costs_his_flow_no_turn() -> None:
    queue: FairQueue[str, str] = FairQueue()
    for place in [queue.join("gone", "a", 1.0, "kind") for _ in range(50)]:
        queue.leave(place)
    places = [queue.join("gone", "a", 1.0, "kind") for _ in range(50)]
    for number in range(10):
        queue.join(f"b{number}", "b", 1.0, "kind")
    for place in places:
        queue.leave(place)
    queue.join("stayed", "a", 1.0, "kind")
    assert "stayed" in served(queue, 2)


def test_a_kind_that_cannot_go_holds_no_other_up() -> None:
    queue: FairQueue[str, str] = FairQueue()
    queue.join("flash", "a", 1.0, "flash")
    queue.join("pro", "b", 1.0, "pro")
    place = queue.first(lambda kind: kind == "pro")
    assert place is not None
    queue.serve(place)
    assert place.item == "pro"
    assert queue.first(lambda kind: kind == "pro") is None
    assert queue.kinds == {"flash": 1}


def test_a_flow_has_one_share_of_all_kinds() -> None:
    queue: FairQueue[str, str] = FairQueue()
    for _ in range(40):
        queue.join("both", "both", 1.0, "flash")
        queue.join("both", "both", 1.0, "pro")
        queue.join("one", "one", 1.0, "pro")
    counts = Counter(served(queue, 40))
    assert counts == {"both": 20, "one": 20}


def test_those_who_come_and_go_leave_nothing_behind() -> None:
    queue: FairQueue[str, str] = FairQueue()
    queue.join("first", "first", 1.0, "kind")
    queue.join("blocked", "first", 1.0, "other")
    for number in range(5000):
        queue.leave(queue.join("x", f"flow {number}", 1.0, "kind"))
    for number in range(5000):
        queue.join("x", f"served {number}", 1.0, "kind")
        served(queue, 1)
    assert len(queue) == 2
    assert len(queue._turns["kind"]) < 200
    assert len(queue._lanes["kind"]) < 200
    assert len(queue._finish) < 600


def test_flows_that_are_ahead_stay_so_while_others_wait() -> None:
    queue: FairQueue[str, str] = FairQueue()
    for _ in range(300):
        queue.join("slow", "slow", 1.0, "kind")
    for _ in range(200):
        queue.join("quick", "quick", 1.0, "kind")
        served(queue, 1)
    assert len(queue) == 300
    counts = Counter(place.item for place in queue)
    assert 90 <= counts["quick"] <= 110, "a flow that always has one waiting gets no more than its half"


def test_a_flow_that_waits_is_not_passed_by_ever_new_ones() -> None:
    queue: FairQueue[str, str] = FairQueue()
    for _ in range(3):
        queue.join("old", "old", 1.0, "kind")
    out = []
    for number in range(20):
        queue.join("new", f"new {number}", 1.0, "kind")
        out += served(queue, 1)
    assert out.count("old") == 3
