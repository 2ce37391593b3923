"""Actions and built-in roles."""

from __future__ import annotations

import pytest

from seekgate.config.builtin_roles import (
    ACTIONS,
    BUILTIN_ROLES,
    DESCRIPTIONS,
    INFERENCE,
    KEPT_APART,
    MANAGES_ACCESS,
    matching,
)


def test_each_role_grants_known_actions_and_is_described() -> None:
    assert len({row.id for row in BUILTIN_ROLES}) == len(BUILTIN_ROLES) == len(DESCRIPTIONS)
    for row in BUILTIN_ROLES:
        assert DESCRIPTIONS[row.id]
        for grant in row.grants:
            assert grant.effect == "allow"
            assert set(grant.actions) <= set(ACTIONS)


@pytest.mark.parametrize("row", BUILTIN_ROLES, ids=lambda row: row.id)
def test_no_built_in_role_holds_duties_that_are_kept_apart(row: object) -> None:
    granted = {action for grant in row.grants for action in grant.actions}  # type: ignore[attr-defined]
    assert not (granted & MANAGES_ACCESS and granted & KEPT_APART)


def test_users_may_infer_and_nothing_else() -> None:
    (user,) = (row for row in BUILTIN_ROLES if row.id == "user")
    assert user.grants[0].actions == INFERENCE


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("chat", ("chat",)),
        ("ch", ()),
        ("*", ACTIONS),
        ("audit.*", ("audit.read", "audit.export", "audit.verify", "audit.erase")),
        ("nothing*", ()),
    ],
)
def test_patterns(pattern: str, expected: tuple[str, ...]) -> None:
    assert matching(pattern) == expected
