from __future__ import annotations

from seekgate.supervisor.backoff import Backoff


def test_the_first_is_immediate_then_delays_double_up_to_the_cap() -> None:
    backoff = Backoff(base=0.1, cap=1.0, healthy=5.0)
    assert [backoff.failed(0.0) for _ in range(7)] == [0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_what_has_worked_long_enough_starts_again() -> None:
    backoff = Backoff(base=0.1, cap=1.0, healthy=5.0)
    backoff.failed(0.0)
    backoff.failed(4.9)
    assert backoff.failures == 2
    assert backoff.failed(5.0) == 0.0
    assert backoff.failures == 1
    backoff.reset()
    assert backoff.failed(0.0) == 0.0


def test_many_failures_stay_at_the_cap() -> None:
    backoff = Backoff(base=0.5, cap=30.0, healthy=5.0)
    assert [backoff.failed(0.0) for _ in range(5000)][-1] == 30.0
