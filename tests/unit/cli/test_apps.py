"""Tests of seekgate.cli.apps."""

from __future__ import annotations

from tests.support.commands import Commands


def test_an_application_has_a_team_and_a_tier(commands: Commands) -> None:
    commands.out("teams create sales")
    commands.out("teams create legal")
    assert commands.out("apps create shop --team sales").startswith(
        "application shop (non-core) is made in sales"
    )
    changed = commands.json("apps change shop --team legal --tier core --rename store")
    assert (changed["name"], changed["parent"], changed["tier"]) == ("store", "legal", "core")
    assert commands.json("apps list --team sales") == []
    assert "core" in commands.out("apps list")
    assert commands.error("apps create x --team slaes") == "no team is called 'slaes'; did you mean 'sales'?"
    assert commands.run("apps create x").exit_code == 2
    assert commands.run("apps create x --team sales --tier vital").exit_code == 2
    assert "application store is disabled" in commands.out("apps disable store")
