"""Tests of seekgate.cli.roles."""

from __future__ import annotations

from pathlib import Path

from seekgate.cli.roles import describe
from seekgate.config.rows import Grant, Hours
from tests.support.commands import Commands


def test_a_role_grows_rule_by_rule(commands: Commands) -> None:
    assert commands.out("roles create analyst --allow chat,embed --models deepseek-*") == (
        "role analyst is made, of 1 rule\n"
    )
    commands.out("roles deny analyst chat --models secret-* --cidr 10.0.0.0/8")
    said = commands.out("roles allow analyst batch --hours", "mon-fri 08:00-18:00 Asia/Shanghai")
    assert said == (
        "role analyst has 3 rules: allow batch at mon,tue,wed,thu,fri 08:00-18:00 Asia/Shanghai\n"
    )
    assert commands.out("roles show analyst").splitlines() == [
        "analyst",
        "  1  allow chat, embed of models deepseek-*",
        "  2  deny chat of models secret-* from 10.0.0.0/8",
        "  3  allow batch at mon,tue,wed,thu,fri 08:00-18:00 Asia/Shanghai",
    ]
    assert len(commands.json("roles drop analyst 2")["grants"]) == 2
    assert "none with the number 7" in commands.error("roles drop analyst 7")
    assert commands.out("roles remove analyst") == "role analyst is removed\n"


def test_rules_come_from_a_file_in_the_form_of_the_configuration(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("grants:\n  - allow: [chat]\n    tiers: [private]\n  - deny: [embed]\n")
    made = commands.json("roles create analyst --description About --rules", str(file))
    assert [grant["effect"] for grant in made["grants"]] == ["allow", "deny"]
    file.write_text('[{"allow": ["embed"], "data_classes": ["personal"]}]')
    assert commands.out("roles replace analyst --rules", str(file)) == "role analyst has 1 rule\n"
    assert commands.out("roles replace analyst --rules -", input=b"- {allow: [chat]}") == (
        "role analyst has 1 rule\n"
    )
    assert commands.out("roles show analyst").startswith("analyst: About\n")


def test_mistakes_in_rules_are_told(commands: Commands, tmp_path: Path) -> None:
    assert "did you mean 'chat'" in commands.error("roles create analyst --allow chta")
    assert "either --allow ACTIONS or --rules" in commands.error("roles create analyst")
    file = tmp_path / "rules.yaml"
    for text, reason in (
        ("a: b", "is not a list of rules"),
        ("[1]", "is not a list of rules"),
        ("- {allow: [chat], deny: [chat]}", "must either allow or deny"),
        ("- {alow: [chat]}", "alow"),
        ("- {allow: [chat], hours: ['25:00-26:00']}", "not a time of the day"),
        ("{", "neither YAML nor JSON"),
    ):
        file.write_text(text)
        assert reason in commands.error("roles create analyst --rules", str(file)), text
    assert "cannot read" in commands.error("roles create analyst --rules", str(tmp_path / "missing"))
    assert "must not handle audit records" in commands.error("roles create x --allow admin.keys,audit.erase")


def test_built_in_roles_are_listed_and_left_alone(commands: Commands) -> None:
    listed = {role["name"]: role["builtin"] for role in commands.json("roles list")}
    assert listed["user"] is True
    assert "built-in" in commands.out("roles list")
    assert "is built in" in commands.error("roles allow user audit.read")
    assert commands.out("roles show auditor").startswith("auditor (built-in): ")


def test_a_rule_is_a_sentence() -> None:
    grant = Grant(
        "deny",
        ("chat",),
        providers=("cloud",),
        regions=("eu",),
        tiers=("public",),
        data_classes=("personal",),
        hours=(Hours(0, 60),),
    )
    assert describe(grant) == (
        "deny chat of providers cloud and regions eu and tiers public and data classes personal at 00:00-01:00 UTC"
    )
    assert describe(Grant("allow")) == "allow everything"
