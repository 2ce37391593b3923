"""Settings of access, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.config.problems import ConfigError
from seekgate.settings import Loaded, load_text

BASE = "keys: [{name: me, secret: 'env:KEY'}]\n"


def load(text: str) -> Loaded:
    return load_text(BASE + text, environ={}, folder=Path("."))


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [str(problem) for problem in caught.value.problems]


def test_what_can_be_written() -> None:
    settings = load("""
roles:
  analyst:
    grants:
      - allow: [chat, embed, models.list]
        models: [deepseek-*, small]
        tiers: [private]
        data_classes: [personal]
        cidr: [10.0.0.0/8]
        hours: ["Mon-Fri 8:00-18:00 Asia/Shanghai"]
      - {deny: ["audit.*"]}
bindings:
  - {team: research, roles: [analyst, user]}
access: {default_roles: [], separate_duties: false}
""").settings
    grant = settings.roles["analyst"].grants[0]
    assert grant.hours == ["mon,tue,wed,thu,fri 08:00-18:00 Asia/Shanghai"]
    assert settings.bindings[0].team == "research"
    assert settings.access.default_roles == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("roles: {r: {grants: []}}", "<text>:2: roles.r.grants: too few entries; expected at least one"),
        ("roles: {r: {grants: [{models: [pro]}]}}", "a rule must either allow or deny"),
        ("roles: {r: {grants: [{allow: [chat], deny: [chat]}]}}", "a rule must either allow or deny"),
        ("roles: {r: {grants: [{allow: [chatt]}]}}", "did you mean 'chat'?"),
        ("roles: {r: {grants: [{allow: ['adm*n']}]}}", "not an action"),
        ("roles: {r: {grants: [{allow: [chat], models: ['*-pro']}]}}", "not a name or pattern"),
        ("roles: {r: {grants: [{allow: [chat], cidr: [10.0.0.1/8]}]}}", "did you mean '10.0.0.0/8'?"),
        ("roles: {r: {grants: [{allow: [chat], hours: [always]}]}}", "not hours"),
        ("roles: {r: {grants: [{allow: [chat], tiers: [own]}]}}", "expected one of public, private"),
        ("bindings: [{roles: [user]}]", "a binding must be of one subject"),
        ("bindings: [{team: a, user: b, roles: [user]}]", "a binding must be of one subject"),
        ("bindings:\n- {team: a, roles: [user]}\n- {team: a, roles: [auditor]}",
         "<text>:4: bindings[1].team: team 'a' has a binding already (line 3)"),
        ("roles: {r: {grants: [{allow: [chat]}, {allow: ['*']}]}}",
         "one role must not have both 'admin.keys' and 'audit.erase'"),
        ("roles: {r: {grants: [{allow: [admin.roles]}, {allow: [audit.read]}]}}",
         "one role must not have both 'admin.roles' and 'audit.read'"),
    ],
)  # fmt: skip
def test_mistakes(text: str, expected: str) -> None:
    found = problems(text)
    assert len(found) == 1, found
    assert expected in found[0]


def test_duties_that_are_not_kept_apart() -> None:
    assert load("roles: {r: {grants: [{allow: ['*']}]}}\naccess: {separate_duties: false}").settings.roles


def test_roles_that_only_the_database_can_have() -> None:
    warnings = load("""
roles: {analyst: {grants: [{allow: [chat]}]}}
bindings: [{team: a, roles: [analist, elsewhere]}]
access: {default_roles: [usr]}
""").warnings
    said = [str(warning) for warning in warnings]
    assert any("no role of this file is called 'analist'; did you mean 'analyst'?" in one for one in said)
    assert any(
        "'elsewhere'; without a row of this name in the database it grants nothing" in one for one in said
    )
    assert any(
        "access.default_roles[0]: warning: no role of this file is called 'usr'" in one for one in said
    )
