"""Tests of seekgate.cli.users."""

from __future__ import annotations

from tests.support.commands import Commands


def test_a_user_belongs_to_an_organisation(commands: Commands) -> None:
    commands.out("organisations create acme")
    assert commands.json("users create ada@example.com --organisation acme")["parent"] == "acme"
    assert commands.out("users create eva").startswith("user eva is made in default (user_")
    assert [each["name"] for each in commands.json("users list --organisation acme")] == ["ada@example.com"]
    assert len(commands.json("users list")) == 2
