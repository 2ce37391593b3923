"""The record of a request."""

from __future__ import annotations

import pytest

from seekgate.pipeline.exchange import Attempt
from tests.support.scene_exchange import exchange


def test_it_has_its_declared_fields_only_and_its_attempts_are_its_own() -> None:
    first, second = exchange(), exchange()
    with pytest.raises(AttributeError):
        first.invented = 1  # type: ignore[attr-defined]
    first.attempts.append(Attempt("d", 1.0))
    assert second.attempts == []


def test_usage_is_taken_for_asked_until_the_body_says_otherwise() -> None:
    assert exchange().asked_usage, "nothing is stripped from an answer to a request that nobody has read"
