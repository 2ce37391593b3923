"""From claims to a principal."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.config.compiled.identity import Claims
from seekgate.pipeline.principal import Principal
from seekgate.stages.identity.claims import MAX_ROLES, MAX_TEXT, principal
from tests.support.tokens import NAME, issuer


def who(said: dict[str, Any], **settings: Any) -> Principal | None:
    return principal(issuer(**settings), {"iss": NAME, **said})


def test_the_subject_alone() -> None:
    assert who({"sub": "ann"}) == Principal("ann", f"{NAME}|ann", "jwt", user="ann")


def test_everything() -> None:
    said = {
        "sub": "0017",
        "preferred_username": "ann",
        "org": "acme",
        "groups": ["/sales", "/all"],
        "azp": "shop",
        "realm_access": {"roles": ["chat", "admin"]},
    }
    claims = Claims("preferred_username", "org", "groups", "azp", "realm_access.roles")
    assert who(said, claims=claims, tier="core", roles=("user",)) == Principal(
        "ann", f"{NAME}|0017", "jwt", "acme", "/sales", "shop", "core", "ann", ("user", "chat", "admin")
    )
    maps: dict[str, Any] = {
        "role_map": {"admin": ("auditor", "user"), "gone": ("x",)},
        "team_map": {"/all": "everybody", "/none": "nobody"},
    }
    mapped = who(said, claims=claims, roles=("user",), **maps)
    assert mapped is not None
    assert (mapped.team, mapped.roles) == ("everybody", ("user", "auditor"))


def test_what_the_claims_do_not_say_is_the_issuers() -> None:
    fixed: dict[str, Any] = {"organisation": "acme", "team": "sales", "application": "shop"}
    claims = Claims(organisation="org", team="team", application="app", roles="roles")
    found = who({"sub": "ann", "org": "", "team": 17}, claims=claims, **fixed)
    assert found is not None
    assert (found.organisation, found.team, found.application) == ("acme", "sales", "shop")
    found = who({"sub": "ann", "org": "other"}, claims=claims, **fixed)
    assert found is not None
    assert found.organisation == "other"


def test_a_team_that_the_map_does_not_know_is_none() -> None:
    found = who({"sub": "ann", "t": "x"}, claims=Claims(team="t"), team_map={"y": "z"}, team="fixed")
    assert found is not None
    assert found.team == "fixed"


def test_names_of_two_issuers_meet_unless_they_are_mapped() -> None:
    said, claims = {"sub": "alice", "t": "sales"}, Claims(team="t")
    one, other, mapped = (
        principal(issuer(issuer=name, claims=claims, team_map=teams), said)
        for name, teams in ((NAME, None), ("https://other.example", None), (NAME, {"sales": "acme-sales"}))
    )
    assert one is not None
    assert other is not None
    assert mapped is not None
    assert (one.user, one.team) == (other.user, other.team)
    assert one.id != other.id
    assert mapped.team == "acme-sales"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("chat embed", ("chat", "embed")),
        ("", ()),
        (["chat", "chat", 1, None, "a\tb", ""], ("chat",)),
        ({"chat": True}, ()),
        (7, ()),
        (["r"] * 3 + [f"r{n}" for n in range(MAX_ROLES)], ("r", *(f"r{n}" for n in range(MAX_ROLES - 3)))),
    ],
)
def test_roles(value: object, expected: tuple[str, ...]) -> None:
    found = who({"sub": "ann", "roles": value}, claims=Claims(roles="roles"))
    assert found is not None
    assert found.roles == expected


def test_a_name_with_dots_is_a_name_before_it_is_a_path() -> None:
    claims = Claims(roles="https://acme.example/roles", team="a.b")
    said = {"sub": "ann", "https://acme.example/roles": ["chat"], "a.b": "whole", "a": {"b": "path"}}
    found = who(said, claims=claims)
    assert found is not None
    assert (found.roles, found.team) == (("chat",), "whole")
    found = who({"sub": "ann", "a": {"b": "data science"}}, claims=claims)
    assert found is not None
    assert found.team == "data science"


@pytest.mark.parametrize("sub", [None, "", 17, ["ann"], "x" * (MAX_TEXT + 1), "a\nb", "\x1b[1m"])
def test_a_token_about_nobody(sub: object) -> None:
    assert who({"sub": sub}) is None


def test_a_user_without_a_subject() -> None:
    found = who({"client_id": "batch"}, claims=Claims(user="client_id"))
    assert found is not None
    assert found.id == f"{NAME}|batch"
