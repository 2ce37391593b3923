"""Tests of seekgate.cli.budgets."""

from __future__ import annotations

from pathlib import Path

from tests.support.commands import Commands


def test_budgets_are_set_listed_and_ended(commands: Commands) -> None:
    commands.out("teams create sales")
    assert commands.out("budgets set team:sales --hard 1000 --soft 800.5 --timezone Asia/Shanghai") == (
        "team:sales: soft 800.5, hard 1000 USD a month (Asia/Shanghai)\n"
    )
    made = commands.json("budgets set team:sales --period day --hard 50 --currency CNY")
    assert made["budgets"][0] == {"period": "day", "currency": "CNY", "hard": 50_000_000}
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


CONFIG = """
providers: {up: {type: openai, base_url: "http://127.0.0.1:9/v1"}}
models:
  m: {deployments: [{provider: up, price: own/yuan}]}
  n: {deployments: [{provider: up, price: PRICE}]}
prices: prices.json
"""
PRICES = (
    """{"version": "own", "prices": {"own/yuan": {"currency": "CNY", "hit": 1, "miss": 1, "output": 1}}}"""
)


def test_a_budget_is_in_the_currency_of_the_prices(commands: Commands, tmp_path: Path) -> None:
    commands.out("teams create sales")
    file = tmp_path / "seekgate.yaml"
    (tmp_path / "prices.json").write_text(PRICES)
    file.write_text(CONFIG.replace("PRICE", "own/yuan"))
    assert " 5 CNY a month" in commands.out(f"budgets set team:sales --hard 5 --config {file}")
    file.write_text(CONFIG.replace("PRICE", "deepseek/deepseek-flash"))
    said = commands.error(f"budgets set team:sales --hard 5 --config {file}")
    assert said == "there are prices in CNY, USD; say --currency"
    assert " 5 USD a month" in commands.out(f"budgets set team:sales --hard 5 --currency USD --config {file}")
