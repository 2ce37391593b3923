from __future__ import annotations

from typing import get_args

import pytest

from seekgate.supervisor import actions as act


def test_every_action_is_immutable_and_comparable() -> None:
    assert act.KillChild(1) == act.KillChild(1)
    with pytest.raises(AttributeError):
        act.KillChild(1).id = 2  # type: ignore[misc]


def test_every_action_that_is_defined_is_part_of_the_union() -> None:
    defined = {
        each for each in vars(act).values() if isinstance(each, type) and each.__module__ == act.__name__
    }
    assert set(get_args(act.Action)) == defined
