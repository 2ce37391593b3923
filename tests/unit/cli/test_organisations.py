"""Tests of seekgate.cli.organisations."""

from __future__ import annotations

from tests.support.commands import Commands


def test_an_organisation_is_made_and_renamed(commands: Commands) -> None:
    assert commands.out("organisations create acme").startswith("organisation acme is made (org_")
    assert commands.out("organisations rename acme apex") == "organisation apex has its new name\n"
    assert [each["name"] for each in commands.json("organisations list")] == ["apex", "default"]
    assert "exists already" in commands.error("organisations create apex")
