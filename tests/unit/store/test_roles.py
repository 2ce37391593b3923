"""Tests of seekgate.store.roles."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.config.rows import Grant, Hours
from seekgate.store.bindings import bind, unbind
from seekgate.store.database import Database
from seekgate.store.errors import Conflict, NotFound, Refused
from seekgate.store.roles import change_role, create_role, list_roles, remove_role, show_role

CHAT = Grant("allow", ("chat",))


def test_a_role_is_made_changed_and_removed(database: Database, noted: list[dict[str, Any]]) -> None:
    made = create_role(database, "analyst", [CHAT], "Reads reports")
    assert (made.grants, made.description, made.builtin, made.subjects) == (
        (CHAT,),
        "Reads reports",
        False,
        0,
    )
    denied = Grant("deny", ("chat",), models=("*",), hours=(Hours(0, 60),))
    assert change_role(database, "analyst", add=[denied]).grants == (CHAT, denied)
    assert change_role(database, "analyst", drop=1, description="x").grants == (denied,)
    assert change_role(database, "analyst", grants=[CHAT]).grants == (CHAT,)
    assert noted[-1]["before"][0]["effect"] == "deny"
    assert remove_role(database, "analyst").name == "analyst"
    with pytest.raises(NotFound):
        show_role(database, "analyst")


def test_networks_are_kept_in_their_usual_form(database: Database) -> None:
    made = create_role(database, "analyst", [Grant("allow", ("chat",), cidr=("::1",))])
    assert made.grants[0].cidr == ("::1/128",)


@pytest.mark.parametrize(
    ("grants", "reason"),
    [
        ([], "at least one rule"),
        ([Grant("allow", ("fly",))], "no action"),
        ([Grant("allow", ("chat",), models=("*a",))], "neither the name of a model"),
        ([Grant("allow", ("chat",), cidr=("10.0.0.1/8",))], "did you mean"),
        ([Grant("allow", ("chat",), hours=(Hours(0, 1441),))], "hours are minutes"),
        ([CHAT] * 201, "200 rules"),
        ([Grant("allow", ("admin.keys", "audit.read"))], "must not handle audit"),
        ([Grant("allow", ("admin.*",)), Grant("allow", ("audit.erase",))], "must not handle audit"),
        ([Grant("allow")], "must not handle audit"),
    ],
)
def test_rules_that_make_no_sense_are_refused(grants: list[Grant], reason: str, database: Database) -> None:
    with pytest.raises(Refused, match=reason):
        create_role(database, "analyst", grants)
    assert "analyst" not in [role.name for role in list_roles(database)]


def test_duties_stay_separate_when_rules_are_added(database: Database) -> None:
    create_role(database, "analyst", [Grant("allow", ("admin.keys",))])
    with pytest.raises(Refused, match=r"'admin\.keys' and 'audit\.erase'"):
        change_role(database, "analyst", add=[Grant("allow", ("audit.erase",))])
    change_role(database, "analyst", add=[Grant("deny", ("audit.erase",))])


def test_a_built_in_role_is_the_codes(database: Database) -> None:
    role = show_role(database, "key-manager")
    assert role.builtin
    assert role.description
    assert "admin.keys" in role.grants[0].actions
    with pytest.raises(Refused, match="is built in"):
        change_role(database, "key-manager", add=[CHAT])
    with pytest.raises(Refused, match="is built in"):
        remove_role(database, "user")
    with pytest.raises(Conflict):
        create_role(database, "user", [CHAT])


def test_no_built_in_role_mixes_duties_that_are_kept_apart(database: Database) -> None:
    for role in list_roles(database):
        actions = {action for grant in role.grants for action in grant.actions}
        assert not (actions & {"admin.keys", "admin.roles"} and actions & {"audit.read", "audit.erase"}), (
            role.name
        )


def test_a_role_that_somebody_has_stays(database: Database) -> None:
    create_role(database, "analyst", [CHAT])
    bind(database, "user:ada", ["analyst"])
    with pytest.raises(Conflict, match="bound to 1 subject; see `seekgate bindings list --role analyst`"):
        remove_role(database, "analyst")
    unbind(database, "user:ada", ["analyst"])
    remove_role(database, "analyst")


@pytest.mark.parametrize(
    ("drop", "description"), [(0, None), (2, None), (None, "two\nlines"), (None, "x" * 501)]
)
def test_mistakes_change_nothing(drop: int | None, description: str | None, database: Database) -> None:
    create_role(database, "analyst", [CHAT])
    with pytest.raises(Refused):
        change_role(database, "analyst", drop=drop, description=description)
    assert show_role(database, "analyst").grants == (CHAT,)
