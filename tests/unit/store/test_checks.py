"""Tests of seekgate.store.checks."""

from __future__ import annotations

import pytest

from seekgate.store import checks
from seekgate.store.errors import Refused


def test_names_that_are_usable() -> None:
    for name in ("sales", "销售部", "a.b@example.com", "x" * 128, "团队 7", "a/b"):
        assert checks.name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " x", "x ", "x" * 129, "a\nb", "a\x1b[31m", "*", "a*", "team:sales", "a,b", "key_0123456789ab"],
)
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(Refused, match="not a usable name"):
        checks.name(name)


def test_ids_do_not_repeat() -> None:
    ids = {checks.new_id("key") for _ in range(500)}
    assert len(ids) == 500
    assert all(id.startswith("key_") and len(id) == 16 for id in ids)


def test_actions_and_their_beginnings() -> None:
    assert checks.actions(["chat", "audit.*", "chat"]) == ["chat", "audit.*"]
    with pytest.raises(Refused, match="did you mean 'chat'"):
        checks.actions(["chta"])
    with pytest.raises(Refused, match="no action is called 'zzz'"):
        checks.actions(["zzz"])


def test_patterns_end_in_a_star_at_most() -> None:
    assert checks.patterns(["flash", "deepseek-*", "*"], "model") == ["flash", "deepseek-*", "*"]
    for text in ("", "*-pro", "a*b", "a\0"):
        with pytest.raises(Refused, match="neither the name of a model"):
            checks.patterns([text], "model")


def test_networks_are_kept_in_their_usual_form() -> None:
    assert checks.networks(["10.0.0.0/8", "::1", "10.0.0.0/8"]) == ["10.0.0.0/8", "::1/128"]
    with pytest.raises(Refused, match=r"did you mean '10\.0\.0\.0/8'"):
        checks.networks(["10.0.0.1/8"])


def test_a_time_of_validity_has_a_length() -> None:
    checks.validity(None, 5.0)
    checks.validity(4.0, 5.0)
    with pytest.raises(Refused, match="expire before"):
        checks.validity(5.0, 5.0)


def test_lists_are_stored_as_json() -> None:
    assert checks.as_json(None) is None
    assert checks.as_json(["模型"]) == '["模型"]'
