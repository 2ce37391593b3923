"""``seekgate access explain``: the file's roles, the database's, and questions that cannot be asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from seekgate.cli.main import app
from seekgate.config.rowlog import RowLogWriter, change, log_path
from seekgate.config.rows import BindingRow, Grant, KeyRow, RoleRow, Row

FILE = """keys:
  - {name: app, secret: "env:APP_KEY"}
providers:
  cloud: {type: openai, base_url: "https://cloud.example/v1"}
  own: {type: openai, base_url: "http://127.0.0.1:9/v1"}
models:
  pro:
    aliases: [best]
    deployments:
      - {provider: cloud, region: eu}
      - {provider: own, tier: private}
  vectors: {deployments: [{provider: own, capabilities: [embeddings]}]}
roles:
  analyst:
    grants:
      - allow: [chat]
        hours: ["mon-fri 08:00-18:00 Asia/Shanghai"]
      - deny: [chat]
        tiers: [public]
        data_classes: [personal]
"""


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SEEKGATE_HOME", str(tmp_path))
    (tmp_path / "f.yaml").write_text(FILE)
    return tmp_path


@pytest.fixture
def rows(home: Path) -> None:
    written: list[tuple[str, str, Row]] = [
        ("key", "key_1.1", KeyRow("key_1", "ab" * 32, "shop", team="sales", models=("pro",))),
        ("binding", "team:sales", BindingRow("team:sales", "team", "sales", ("seller",))),
        ("role", "seller", RoleRow("seller", (Grant("allow", ("chat", "embed")),))),
        ("role", "analyst", RoleRow("analyst", (Grant("allow", ("*",)),))),
    ]
    log = RowLogWriter(log_path(home))
    log.append([change(number, kind, id, row) for number, (kind, id, row) in enumerate(written, 1)])
    log.close()


def explain(home: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["access", "explain", "--config", str(home / "f.yaml"), *options])


def test_a_key_of_the_file_has_the_default_role(home: Path) -> None:
    result = explain(home, "--key", "app", "--model", "best")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "ALLOWED: 'chat' on the model 'pro'",
        "  decided by  user#1 (built-in)",
        "  roles",
        "    user: default, built-in",
        "  deployments",
        "    pro@cloud (cloud, eu, public): allowed, by user#1 (built-in)",
        "    pro@own (own, private): allowed, by user#1 (built-in)",
    ]


@pytest.mark.usefixtures("rows")
def test_a_key_of_the_database(home: Path) -> None:
    result = explain(home, "--key", "shop", "--model", "pro", "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    assert (said["rule"], said["source"]) == ("seller#1", "row role:seller")
    assert said["roles"] == [{"name": "seller", "by": "binding team:sales (row)", "home": "row role:seller"}]
    assert "the role 'analyst'" in result.stderr
    assert "takes the place of the database's" in result.stderr
    refused = explain(home, "--key", "key_1", "--model", "vectors", "--action", "embed")
    assert refused.exit_code == 1
    assert "decided by  the key's scopes (models)" in refused.stdout


def test_a_key_of_the_database_is_bound_by_its_user_as_the_file_says(home: Path) -> None:
    (home / "f.yaml").write_text(
        f"{FILE}  blocked: {{grants: [{{deny: [chat]}}]}}\nbindings: [{{user: ada, roles: [blocked]}}]\n"
    )
    written: list[tuple[str, str, Row]] = [
        ("key", "key_1.1", KeyRow("key_1", "ab" * 32, "shop", user="ada", roles=("user",))),
        ("key", "key_2.1", KeyRow("key_2", "cd" * 32, "other", user="eve", roles=("user",))),
        ("binding", "user:ada", BindingRow("user:ada", "user", "ada", ("operator",))),
        ("binding", "user:eve", BindingRow("user:eve", "user", "eve", ("blocked",))),
    ]
    log = RowLogWriter(log_path(home))
    log.append([change(number, kind, id, row) for number, (kind, id, row) in enumerate(written, 1)])
    log.close()
    by_file = f"binding user:ada ({home / 'f.yaml'}:22)"
    for key, by in (("shop", by_file), ("other", "binding user:eve (row)")):
        result = explain(home, "--key", key, "--model", "pro", "--json")
        assert result.exit_code == 1, result.stdout
        said = json.loads(result.stdout)
        assert said["rule"] == "blocked#1"
        assert [(role["name"], role["by"]) for role in said["roles"]] == [("user", "own"), ("blocked", by)]


def test_when_and_what(home: Path) -> None:
    who = ("--principal", '{"roles": ["analyst"]}', "--model", "pro")
    day, night = "2026-11-23T10:00+08:00", "2026-11-23T23:00+08:00"
    assert explain(home, *who, "--at", day).exit_code == 0
    refused = explain(home, *who, "--at", night)
    assert refused.exit_code == 1
    assert "decided by  no rule: nothing allows it" in refused.stdout
    personal = explain(home, *who, "--at", day, "--data-class", "personal", "--json")
    assert personal.exit_code == 0
    places = {place["id"]: place for place in json.loads(personal.stdout)["deployments"]}
    assert not places["pro@cloud"]["allowed"]
    assert places["pro@cloud"]["source"] == f"{home}/f.yaml:18"
    assert places["pro@own"]["allowed"]


def test_administration(home: Path) -> None:
    manager = '{"roles": ["key-manager", "auditor"]}'
    assert explain(home, "--principal", manager, "--action", "admin.keys").exit_code == 0
    assert explain(home, "--principal", manager, "--action", "audit.read").exit_code == 1
    assert explain(home, "--key", "app", "--action", "models.list").exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "say who asks"),
        (("--key", "app", "--principal", "{}"), "say who asks"),
        (("--key", "ap"), "no key is called 'ap'; did you mean 'app'?"),
        (("--principal", '{"roles": "user"}'), "--principal is not a caller"),
        (("--key", "app", "--action", "chatt"), "no action is called 'chatt'; did you mean 'chat'?"),
        (("--key", "app"), "say --model"),
        (("--key", "app", "--model", "pr"), "no model is called 'pr'; did you mean 'pro'?"),
        (("--key", "app", "--model", "xyzzy"), "no model is called 'xyzzy'; expected "),
        (("--key", "app", "--model", "vectors"), "has no deployment for 'chat'"),
        (("--key", "app", "--model", "pro", "--from", "here"), "--from is not an IP address"),
        (("--key", "app", "--model", "pro", "--at", "noon"), "--at is not a time"),
    ],
)
def test_questions_that_cannot_be_asked(home: Path, options: tuple[str, ...], message: str) -> None:
    result = explain(home, *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_wrong_file(home: Path) -> None:
    (home / "f.yaml").write_text("roles: {r: {}}")
    result = explain(home, "--key", "app", "--model", "pro")
    assert result.exit_code == 2
    assert "f.yaml:1: roles.r: 'grants' is missing" in result.stderr


def test_a_damaged_row_log(home: Path) -> None:
    log_path(home).parent.mkdir()
    log_path(home).write_text("not a row log\n")
    result = explain(home, "--key", "app", "--model", "pro")
    assert result.exit_code == 2
    assert "the row log cannot be read" in result.stderr
