from __future__ import annotations

from itertools import count

from seekgate.supervisor import actions as act
from seekgate.supervisor.workers import ATTEMPTS, GRACE, LOAD_TIMEOUT, START_TIMEOUT, Workers


def acts(actions: list[act.Action]) -> list[act.Action]:
    """Without what is only said."""
    return [each for each in actions if not isinstance(each, act.Note)]


def serving(count_: int, number: int = 1) -> Workers:
    """Workers 1 to n, all ready at 0."""
    workers = Workers(count(1))
    workers.begin(number, count_, 0.0)
    for id in range(1, count_ + 1):
        workers.ready(id, 0.0)
    assert workers.all_ready
    return workers


def test_speculative_workers_begin_when_the_snapshot_is_there() -> None:
    workers = Workers(count(1))
    assert workers.speculate(1, 0.0) == [act.SpawnWorker(1, 0)]
    assert workers.due() is None
    assert workers.begin(5, 2, 1.0) == [
        act.BeginWorker(1, 0, 5),
        act.SpawnWorker(2, 1),
        act.BeginWorker(2, 1, 5),
    ]
    assert acts(workers.ready(1, 2.0)) == []
    assert not workers.all_ready
    assert acts(workers.ready(2, 2.0)) == [act.Committed(5)]
    assert workers.all_ready


def test_too_many_speculative_workers_are_ended() -> None:
    workers = Workers(count(1))
    workers.speculate(3, 0.0)
    assert workers.begin(5, 1, 1.0) == [act.KillChild(2), act.KillChild(3), act.BeginWorker(1, 0, 5)]
    assert workers.exited(2, "signal SIGKILL", 1.0) == []
    assert len(workers.slots) == 1


def test_a_wrong_guess_is_abandoned() -> None:
    workers = Workers(count(1))
    workers.speculate(1, 0.0)
    assert workers.abandon() == [act.KillChild(1)]
    assert workers.exited(1, "signal SIGKILL", 0.0) == []
    assert workers.begin(5, 1, 1.0) == [act.SpawnWorker(2, 0), act.BeginWorker(2, 0, 5)]


def test_a_speculative_worker_that_dies_is_replaced_before_and_after_the_snapshot() -> None:
    workers = Workers(count(1))
    workers.speculate(1, 0.0)
    assert acts(workers.exited(1, "x", 0.0)) == []
    assert workers.tick(0.0) == [act.SpawnWorker(2, 0)]
    assert workers.begin(5, 1, 0.5) == [act.BeginWorker(2, 0, 5)]


def test_the_first_restart_is_immediate_the_next_are_not() -> None:
    workers = serving(1)
    workers.exited(1, "signal SIGKILL", 100.0)
    assert workers.due() == 100.0
    assert workers.tick(100.0) == [act.SpawnWorker(2, 0), act.BeginWorker(2, 0, 1)]
    workers.exited(2, "exit code 1", 100.0)
    assert workers.due() == 100.1
    assert acts(workers.tick(100.05)) == []
    assert acts(workers.tick(100.1)) == [act.SpawnWorker(3, 0), act.BeginWorker(3, 0, 1)]
    workers.ready(3, 100.3)
    workers.exited(3, "signal SIGKILL", 200.0)
    assert workers.due() == 200.0


def test_the_start_ends_when_workers_only_die() -> None:
    workers = Workers(count(1))
    workers.begin(1, 1, 0.0)
    for attempt in range(1, ATTEMPTS):
        assert acts(workers.exited(attempt, "exit code 1", 0.0)) == []
        due = workers.due()
        assert due is not None
        workers.tick(due)
    assert isinstance(acts(workers.exited(ATTEMPTS, "exit code 1", 1.0))[0], act.Fatal)


def test_the_start_ends_when_a_worker_cannot_use_the_snapshot() -> None:
    workers = Workers(count(1))
    workers.begin(1, 1, 0.0)
    (fatal,) = workers.rejected(1, 1, "no such certificate", 0.1)
    assert fatal == act.Fatal("a worker cannot serve this configuration: no such certificate")


def test_later_a_worker_that_cannot_begin_is_tried_again() -> None:
    workers = serving(1)
    workers.exited(1, "signal SIGKILL", 10.0)
    workers.tick(10.0)
    assert acts(workers.rejected(2, 1, "no such certificate", 10.1)) == [act.KillChild(2)]
    workers.exited(2, "signal SIGKILL", 10.2)
    assert workers.due() is not None


def test_a_worker_that_does_not_become_ready_is_killed() -> None:
    workers = Workers(count(1))
    workers.begin(1, 1, 0.0)
    assert workers.due() == START_TIMEOUT
    assert acts(workers.tick(START_TIMEOUT)) == [act.KillChild(1)]
    assert workers.due() is None


def test_rolling_restart_goes_slot_by_slot() -> None:
    workers = serving(2)
    assert acts(workers.roll(10.0)) == [act.SpawnWorker(3, 0), act.BeginWorker(3, 0, 1)]
    assert acts(workers.ready(3, 11.0)) == [
        act.DrainChild(1, 30.0),
        act.SpawnWorker(4, 1),
        act.BeginWorker(4, 1, 1),
    ]
    assert acts(workers.exited(1, "exit code 0", 12.0)) == []
    assert acts(workers.ready(4, 13.0)) == [act.DrainChild(2, 30.0)]
    assert workers.rolling is None
    assert workers.due() == 13.0 + 30.0 + GRACE
    assert acts(workers.tick(13.0 + 30.0 + GRACE)) == [act.KillChild(2)]
    assert acts(workers.exited(2, "signal SIGKILL", 46.0)) == []
    assert workers.due() is None
    assert workers.all_ready


def test_two_rolling_restarts_at_once_are_one() -> None:
    workers = serving(1)
    workers.roll(1.0)
    assert acts(workers.roll(1.0)) == []


def test_a_successor_that_dies_leaves_the_predecessor_serving() -> None:
    workers = serving(2)
    workers.roll(10.0)
    assert acts(workers.exited(3, "exit code 1", 10.5)) == []
    assert workers.rolling is None
    assert workers.all_ready
    assert workers.due() is None


def test_a_predecessor_that_dies_is_followed_by_its_successor() -> None:
    workers = serving(1)
    workers.roll(10.0)
    assert acts(workers.exited(1, "signal SIGKILL", 10.2)) == []
    assert not workers.all_ready
    assert acts(workers.ready(2, 10.5)) == []
    assert workers.all_ready
    assert workers.rolling is None


def test_both_of_a_slot_die_during_a_rolling_restart() -> None:
    workers = serving(1)
    workers.roll(10.0)
    workers.exited(1, "signal SIGKILL", 10.2)
    workers.exited(2, "signal SIGKILL", 10.3)
    assert acts(workers.tick(10.3)) == [act.SpawnWorker(3, 0), act.BeginWorker(3, 0, 1)]
    assert acts(workers.ready(3, 10.5)) == []
    assert workers.rolling is None


def test_a_snapshot_holds_when_all_have_taken_it() -> None:
    workers = serving(2)
    assert workers.offer(2, 5.0) == [act.OfferSnapshot(1, 2), act.OfferSnapshot(2, 2)]
    assert workers.loaded(1, 2, 5.1) == []
    assert workers.offering
    assert workers.loaded(2, 2, 5.2) == [act.Committed(2)]
    assert not workers.offering
    assert workers.number == 2


def test_one_refusal_takes_the_snapshot_back() -> None:
    workers = serving(3)
    workers.offer(2, 5.0)
    workers.loaded(1, 2, 5.1)
    assert workers.rejected(2, 2, "no", 5.2) == []
    assert workers.rejected(3, 2, "no", 5.3) == [act.RolledBack(2, ("no",)), act.OfferSnapshot(1, 1)]
    assert workers.loaded(1, 1, 5.4) == []
    assert workers.number == 1


def test_a_worker_that_does_not_answer_takes_the_snapshot_back() -> None:
    workers = serving(2)
    workers.offer(2, 5.0)
    workers.loaded(1, 2, 5.1)
    assert workers.due() == 5.0 + LOAD_TIMEOUT
    back, again = workers.tick(5.0 + LOAD_TIMEOUT)
    assert isinstance(back, act.RolledBack)
    assert again == act.OfferSnapshot(1, 1)
    # The late answer of the other one is set right.
    assert workers.loaded(2, 2, 40.0) == [act.OfferSnapshot(2, 1)]


def test_a_snapshot_that_all_die_of_is_taken_back() -> None:
    workers = serving(1)
    workers.offer(2, 5.0)
    back = acts(workers.exited(1, "signal SIGSEGV", 5.1))
    assert back == [act.RolledBack(2, ("workers died while they were loading it",))]
    assert acts(workers.tick(5.1)) == [act.SpawnWorker(2, 0), act.BeginWorker(2, 0, 1)]


def test_a_death_beside_a_success_is_no_refusal() -> None:
    workers = serving(2)
    workers.offer(2, 5.0)
    workers.loaded(1, 2, 5.1)
    assert acts(workers.exited(2, "signal SIGKILL", 5.2)) == [act.Committed(2)]
    assert acts(workers.tick(5.2)) == [act.SpawnWorker(3, 1), act.BeginWorker(3, 1, 2)]


def test_a_worker_that_comes_up_on_the_old_snapshot_is_offered_the_new_one() -> None:
    workers = serving(2)
    workers.exited(2, "signal SIGKILL", 5.0)
    workers.tick(5.0)
    workers.offer(2, 5.1)
    assert workers.loaded(1, 2, 5.2) == [act.Committed(2)]
    assert acts(workers.ready(3, 5.3)) == [act.OfferSnapshot(3, 2)]
    assert workers.loaded(3, 2, 5.4) == []


def test_a_worker_that_became_ready_during_an_offer_is_offered_it_when_it_holds() -> None:
    workers = serving(2)
    workers.exited(2, "signal SIGKILL", 5.0)
    workers.tick(5.0)
    workers.offer(2, 5.1)
    assert acts(workers.ready(3, 5.15)) == []
    assert workers.loaded(1, 2, 5.2) == [act.Committed(2), act.OfferSnapshot(3, 2)]


def test_stop_drains_all_and_restarts_none() -> None:
    workers = serving(2)
    workers.exited(2, "signal SIGKILL", 5.0)
    assert workers.stop(7.0, 6.0) == [act.DrainChild(1, 7.0)]
    assert workers.due() == 6.0 + 7.0 + GRACE
    assert acts(workers.exited(1, "exit code 0", 8.0)) == []
    assert workers.workers == {}
    assert workers.due() is None


def test_stop_before_the_snapshot_ends_the_speculative_workers() -> None:
    workers = Workers(count(1))
    workers.speculate(1, 0.0)
    assert workers.stop(7.0, 1.0) == [act.KillChild(1)]
    assert acts(workers.exited(1, "signal SIGKILL", 1.1)) == []
    assert workers.workers == {}


def test_strangers_are_passed_over() -> None:
    workers = serving(1)
    assert workers.ready(9, 0.0) == []
    assert workers.loaded(9, 1, 0.0) == []
    assert workers.rejected(9, 1, "", 0.0) == []
    assert workers.exited(9, "", 0.0) == []
    assert workers.ready(1, 0.0) == []
