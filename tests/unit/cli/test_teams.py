"""Tests of seekgate.cli.teams."""

from __future__ import annotations

from tests.support.commands import Commands


def test_a_team_is_made_moved_and_renamed(commands: Commands) -> None:
    commands.out("organisations create acme")
    assert commands.out("teams create sales").startswith("team sales is made in default (team_")
    assert commands.json("teams change sales --rename verkauf --organisation acme")["parent"] == "acme"
    assert [each["name"] for each in commands.json("teams list --organisation acme")] == ["verkauf"]
    assert commands.json("teams list --organisation default") == []
    assert commands.error("teams create x --organisation acm") == (
        "no organisation is called 'acm'; did you mean 'acme'?"
    )
