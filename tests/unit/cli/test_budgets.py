"""Tests of seekgate.cli.budgets."""

from __future__ import annotations

from tests.support.commands import Commands


def test_budgets_are_set_listed_and_ended(commands: Commands) -> None:
    commands.out("teams create sales")
    assert commands.out("budgets set team:sales --hard 1000 --soft 800.5 --timezone Asia/Shanghai") == (
        "team:sales: soft 800.5, hard 1000 CNY a month (Asia/Shanghai)\n"
    )
    made = commands.json("budgets set team:sales --period day --hard 50 --currency USD")
    assert made["budgets"][0] == {"period": "day", "currency": "USD", "hard": 50_000_000}
    assert len(commands.out("budgets list").splitlines()) == 3
    assert len(commands.json("budgets list")) == 1
    assert commands.json("limits list") == []
    assert commands.out("budgets remove team:sales --period day").startswith("team:sales: soft 800.5")
    assert commands.out("budgets remove team:sales") == "team:sales: no limits\n"
    assert commands.error("budgets remove team:sales") == "team:sales has no budget"


def test_mistakes_are_told(commands: Commands) -> None:
    commands.out("teams create sales")
    assert "needs a hard mark" in commands.error("budgets set team:sales")
    assert "--hard: not an amount" in commands.error("budgets set team:sales --hard much", code=2)
    assert "above the hard one" in commands.error("budgets set team:sales --hard 1 --soft 2")
    assert "no time zone" in commands.error("budgets set team:sales --hard 1 --timezone Mars/Base")
    assert "no scope" in commands.error("budgets set model:x --hard 1")
