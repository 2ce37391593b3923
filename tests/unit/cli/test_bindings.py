"""Tests of seekgate.cli.bindings."""

from __future__ import annotations

from tests.support.commands import Commands


def test_roles_are_given_and_taken(commands: Commands) -> None:
    commands.out("teams create sales")
    assert commands.out("bindings add team:sales user operator") == "team:sales has operator, user\n"
    commands.out("bindings add user:ada auditor")
    assert commands.out("bindings list").splitlines()[1:] == [
        "team:sales  operator, user",
        "user:ada    auditor",
    ]
    assert commands.json("bindings list --role auditor") == [{"subject": "user:ada", "roles": ["auditor"]}]
    assert commands.json("bindings list --subject team:sales")[0]["roles"] == ["operator", "user"]
    assert commands.out("bindings remove team:sales user") == "team:sales has operator\n"
    assert commands.out("bindings remove team:sales") == "team:sales has no roles\n"


def test_mistakes_are_told(commands: Commands) -> None:
    assert commands.error("bindings add teem:sales user") == "'teem' is no scope; did you mean 'team'?"
    assert "names nobody" in commands.error("bindings add sales user")
    assert "did you mean 'user'" in commands.error("bindings add user:ada usr")
    commands.out("bindings add user:ada key-manager")
    assert "must not handle audit records" in commands.error("bindings add user:ada audit-keeper")
