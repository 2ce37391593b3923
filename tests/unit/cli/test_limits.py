"""Tests of seekgate.cli.limits."""

from __future__ import annotations

from tests.support.commands import Commands

SET = "limits set team:sales --requests second=100,hour=5000 --tokens minute=100000 --concurrency 20"


def test_limits_are_set_shown_and_ended(commands: Commands) -> None:
    commands.out("teams create sales")
    text = "team:sales: requests second=100,hour=5000; tokens minute=100000; 20 at a time\n"
    assert commands.out(SET) == text
    assert commands.out("limits show team:sales") == text
    assert commands.json("limits list") == [commands.json("limits show team:sales")]
    assert commands.out("limits list").splitlines()[1].split() == [
        "team:sales",
        "second=100,hour=5000",
        "minute=100000",
        "20",
    ]
    assert commands.out("limits set team:sales --requests none --concurrency none --output-tokens day=5") == (
        "team:sales: tokens minute=100000; output tokens day=5\n"
    )
    assert commands.out("limits remove team:sales") == "team:sales: no limits\n"
    assert commands.error("limits remove team:sales") == "team:sales has no limits"


def test_defaults_of_a_scope_and_names_of_the_configuration(commands: Commands) -> None:
    for subject in ("team:*", "model:deepseek-chat", "provider:deepseek"):
        assert commands.json(f"limits set {subject} --input-tokens minute=1k")["subject"] == subject


def test_mistakes_are_told(commands: Commands) -> None:
    commands.out("teams create sales")
    assert commands.error("limits set team:slaes --concurrency 5") == (
        "no team is called 'slaes'; did you mean 'sales'?"
    )
    assert "nothing to set" in commands.error("limits set team:sales")
    assert "did you mean 'second'" in commands.error("limits set team:sales --requests secnd=1", code=2)
    assert "--concurrency: not a count" in commands.error("limits set team:sales --concurrency few", code=2)
    assert "from 1 to" in commands.error("limits set team:sales --concurrency 0")
