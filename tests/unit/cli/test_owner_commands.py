"""Tests of seekgate.cli.owner_commands: what the commands of every kind of owner share."""

from __future__ import annotations

import pytest

from tests.support.commands import Commands

KINDS = [("organisations", "organisation"), ("teams", "team"), ("users", "user")]


@pytest.mark.parametrize(("group", "kind"), KINDS)
def test_show_disable_enable_and_remove(group: str, kind: str, commands: Commands) -> None:
    commands.out(f"{group} create x")
    shown = commands.out(f"{group} show x")
    assert "state" in shown
    assert "active" in shown
    assert commands.out(f"{group} disable x") == f"{kind} x is disabled: its keys stop\n"
    assert commands.json(f"{group} show x")["disabled"] is True
    assert commands.out(f"{group} enable x") == f"{kind} x is enabled\n"
    assert commands.out(f"{group} remove x") == f"{kind} x is removed, with its bindings and limits\n"
    assert f"no {kind} is called 'x'" in commands.error(f"{group} show x")


@pytest.mark.parametrize(("group", "kind"), KINDS)
def test_lists_are_tables_or_json(group: str, kind: str, commands: Commands) -> None:
    commands.out(f"{group} create", "名字 one")
    table = commands.out(f"{group} list")
    assert table.startswith("NAME")
    assert "名字 one" in table
    assert "名字 one" in [each["name"] for each in commands.json(f"{group} list")]


def test_an_empty_list_says_how_to_begin(commands: Commands) -> None:
    done = commands.run("teams list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "there is no team yet; `seekgate teams create NAME` makes one\n"
    assert commands.json("teams list") == []
