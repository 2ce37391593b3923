"""Deadlines, looked at a slice at a time."""

from __future__ import annotations

from seekgate.gateway.sweep import SLICES, Sweep


class Late:
    """Notes when it is called."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.called: list[float] = []

    def on_deadline(self, now: float) -> None:
        self.called.append(now)
        self.deadline = 0.0


def tick(sweep: Sweep, now: float) -> None:
    for _ in range(SLICES):
        sweep.tick(now)


def test_what_is_late_is_called_once_in_each_round() -> None:
    sweep = Sweep()
    watched = [Late(deadline) for deadline in (10.0, 20.0, 0.0, 10.5, 9.0)]
    for one in watched:
        sweep.add(one)
    assert len(sweep) == 5
    tick(sweep, 10.0)
    assert [one.called for one in watched] == [[10.0], [], [], [], [10.0]]
    tick(sweep, 30.0)
    assert [one.called for one in watched] == [[10.0], [30.0], [], [30.0], [10.0]]


def test_one_tick_looks_at_one_slice() -> None:
    sweep = Sweep()
    watched = [Late(1.0) for _ in range(4 * SLICES)]
    for one in watched:
        sweep.add(one)
    sweep.tick(2.0)
    assert sum(len(one.called) for one in watched) == 4


def test_what_is_discarded_is_not_called() -> None:
    sweep, one = Sweep(), Late(1.0)
    sweep.add(one)
    sweep.discard(one)
    sweep.discard(one)
    tick(sweep, 2.0)
    assert (one.called, len(sweep)) == ([], 0)


def test_a_call_may_discard_others() -> None:
    sweep = Sweep()
    watched = [Late(1.0) for _ in range(2 * SLICES)]

    def leave(now: float) -> None:
        for one in watched:
            sweep.discard(one)

    for one in watched:
        one.on_deadline = leave  # type: ignore[method-assign]
        sweep.add(one)
    tick(sweep, 2.0)
    assert len(sweep) == 0
