"""Whether something that has failed shall be asked again."""

from __future__ import annotations

from seekgate.store.breaker import Breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker(failures=2)
    breaker.failed(1.0)
    breaker.succeeded()
    breaker.failed(2.0)
    assert not breaker.open
    assert breaker.may_try(2.0)
    breaker.failed(3.0)
    assert breaker.open


def test_while_open_one_try_is_made_at_each_interval() -> None:
    breaker = Breaker(failures=1, pause=0.5)
    breaker.failed(10.0)
    assert not breaker.may_try(10.4)
    assert breaker.may_try(10.5)
    assert not breaker.may_try(10.6)
    breaker.failed(10.7)
    assert not breaker.may_try(11.1)
    assert breaker.may_try(11.2)
    breaker.succeeded()
    assert not breaker.open
    assert breaker.may_try(11.2)
