"""Deadlines, looked at a slice at a time."""

from __future__ import annotations

from seekgate.gateway.sweep import SLICES, Sweep


class Wire:
    """A transport that is only ever aborted."""

    def __init__(self) -> None:
        self.aborted = False

    def write(self, data: bytes) -> None:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


class Late:
    """Notes when it is called."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.called: list[float] = []
        self.transport = Wire()

    def on_deadline(self, now: float) -> None:
        self.called.append(now)
        self.deadline = 0.0


def unexpected(error: Exception) -> None:
    raise error


def tick(sweep: Sweep, now: float) -> None:
    for _ in range(SLICES):
        sweep.tick(now)


def test_what_is_late_is_called_once_in_each_round() -> None:
    sweep = Sweep(unexpected)
    watched = [Late(deadline) for deadline in (10.0, 20.0, 0.0, 10.5, 9.0)]
    for one in watched:
        sweep.add(one)
    assert len(sweep) == 5
    tick(sweep, 10.0)
    assert [one.called for one in watched] == [[10.0], [], [], [], [10.0]]
    tick(sweep, 30.0)
    assert [one.called for one in watched] == [[10.0], [30.0], [], [30.0], [10.0]]


def test_one_tick_looks_at_one_slice() -> None:
    sweep = Sweep(unexpected)
    watched = [Late(1.0) for _ in range(4 * SLICES)]
    for one in watched:
        sweep.add(one)
    sweep.tick(2.0)
    assert sum(len(one.called) for one in watched) == 4


def test_what_is_discarded_is_not_called() -> None:
    sweep, one = Sweep(unexpected), Late(1.0)
    sweep.add(one)
    sweep.discard(one)
    sweep.discard(one)
    tick(sweep, 2.0)
    assert (one.called, len(sweep)) == ([], 0)


def test_a_deadline_that_moves_while_others_are_called_is_looked_at_again() -> None:
    sweep = Sweep(unexpected)
    watched = [Late(1.0) for _ in range(8 * SLICES)]
    for one in watched:
        sweep.add(one)

    def move(now: float) -> None:
        called.append(now)
        for one in watched:
            one.deadline = now + 5.0

    called: list[float] = []
    for one in watched:
        one.on_deadline = move  # type: ignore[method-assign]
    tick(sweep, 2.0)
    assert called == [2.0]


def test_whoever_was_discarded_meanwhile_is_not_called() -> None:
    sweep = Sweep(unexpected)
    watched = [Late(1.0) for _ in range(8 * SLICES)]

    def leave(now: float) -> None:
        called.append(now)
        for one in watched:
            sweep.discard(one)

    called: list[float] = []
    for one in watched:
        one.on_deadline = leave  # type: ignore[method-assign]
        sweep.add(one)
    tick(sweep, 2.0)
    assert called == [2.0]


def test_a_failure_is_reported_and_costs_one_connection() -> None:
    failures: list[str] = []
    sweep = Sweep(lambda error: failures.append(str(error)))
    watched = [Late(1.0) for _ in range(8 * SLICES)]

    def boom(now: float) -> None:
        raise RuntimeError("boom")

    for one in watched:
        sweep.add(one)
    watched[3].on_deadline = boom  # type: ignore[method-assign]
    tick(sweep, 2.0)
    assert failures == ["boom"]
    assert [one.called for one in watched].count([2.0]) == len(watched) - 1
    assert [one.transport.aborted for one in watched].index(True) == 3
    tick(sweep, 3.0)
    assert failures == ["boom"], "not again in each round"
