"""Tests of seekgate.pipeline.principal."""

import gc

from seekgate.pipeline.principal import ANONYMOUS, Principal


def test_nobody_has_no_name_and_no_role() -> None:
    assert (ANONYMOUS.name, ANONYMOUS.kind, ANONYMOUS.roles) == ("", "anonymous", ())
    assert ANONYMOUS.actions is None
    assert ANONYMOUS.models is None


def test_a_principal_costs_the_garbage_collector_nothing() -> None:
    assert not gc.is_tracked(Principal("shop", "key_1", "key", team="sales", roles=("user",)))
