"""Settings of quota: amounts, zones, servers, and what refers to what does not exist."""

from __future__ import annotations

import pytest

from seekgate.config.problems import Invalid
from seekgate.stages.quota.config import split_server
from tests.support.configuration import MINIMAL, loaded, messages, problems


def found(limit: str) -> list[str]:
    return messages(f"{MINIMAL}quota: {{limits: [{limit}]}}\n")


@pytest.mark.parametrize(
    ("written", "micro"),
    [("250", 250_000_000), ("12.50", 12_500_000), ('"0.000001"', 1), ("0.1", 100_000), ('"99"', 99_000_000)],
)
def test_money_is_exact(written: str, micro: int) -> None:
    budgets = f"[{{period: day, currency: CNY, hard: {written}}}]"
    text = f"{MINIMAL}quota: {{limits: [{{scope: team, name: x, budgets: {budgets}}}]}}"
    budget = loaded(text).settings.quota.limits[0].budgets[0]
    assert budget.hard == micro
    assert loaded(text).settings.model_validate(loaded(text).settings.model_dump()) == loaded(text).settings


@pytest.mark.parametrize("written", ["0", "-1", "0.0000001", "abc", "true", "[]", '"1."x'])
def test_what_is_no_amount_is_refused(written: str) -> None:
    assert found(f"{{scope: team, name: x, budgets: [{{period: day, currency: CNY, hard: {written}}}]}}")


def test_a_time_zone_must_exist() -> None:
    (message,) = found(
        "{scope: team, name: x, budgets: [{period: day, currency: CNY, hard: 1, timezone: Mars/Base}]}"
    )
    assert "not a time zone" in message


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("valkey://10.0.0.5", (False, "10.0.0.5", 6379, 0, "")),
        ("redis://cache.example:7000/3", (False, "cache.example", 7000, 3, "")),
        ("valkeys://[::1]:6380", (True, "::1", 6380, 0, "")),
        ("rediss://[::1]/1", (True, "::1", 6379, 1, "")),
        ("unix:///run/valkey.sock", (False, "", 0, 0, "/run/valkey.sock")),
    ],
)
def test_a_servers_url(url: str, parts: tuple[bool, str, int, int, str]) -> None:
    assert split_server(url) == parts


@pytest.mark.parametrize(
    "url",
    ["10.0.0.5:6379", "http://x", "valkey://", "valkey://x:0", "valkey://x/y", "valkey://u:p@x", "unix://x"],
)
def test_what_is_no_servers_url(url: str) -> None:
    with pytest.raises(Invalid):
        split_server(url)


def test_a_password_in_the_url_is_not_repeated() -> None:
    said = "\n".join(messages(f"{MINIMAL}valkey: {{url: 'valkey://me:hunter2@10.0.0.5'}}\n"))
    assert "password inside a URL" in said


def test_models_and_accounts_must_exist_and_subjects_stand_once() -> None:
    assert "no model is called" in found("{scope: model, name: nope, concurrency: 1}")[0]
    assert "no provider is called" in found("{scope: provider, name: nope, concurrency: 1}")[0]
    assert found("{scope: provider, name: cloud, concurrency: 1}") == []
    assert found("{scope: model, name: '*', concurrency: 1}") == []
    twice = found("{scope: key, name: a, concurrency: 1}, {scope: key, name: a, requests: {minute: 5}}")
    assert "has limits already" in twice[0]


def test_files_and_secrets_of_the_server_are_looked_at() -> None:
    text = f"{MINIMAL}valkey: {{url: 'valkeys://x', password: 'env:NOT_SET', ca: /nowhere/ca.pem}}\n"
    said = "\n".join(messages(text, {"APP_KEY": "a" * 20, "CLOUD_KEY": "b" * 20}, outside=True))
    assert "NOT_SET" in said
    assert "cannot read /nowhere/ca.pem" in said


def test_limits_must_be_positive_and_known() -> None:
    assert found("{scope: key, name: a, requests: {minute: 0}}")
    assert found("{scope: key, name: a, requests: {week: 5}}")
    assert found("{scope: user, name: a}")


@pytest.mark.parametrize(
    ("installed", "workers", "told"), [(False, 4, True), (False, 1, False), (True, 4, False)]
)
def test_workers_that_have_nothing_to_share_limits_by(
    installed: bool, workers: int, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seekgate.stages.quota.config._has_server", lambda: installed)
    text = f"{MINIMAL}workers: {workers}\nquota: {{limits: [{{scope: key, name: '*', concurrency: 1}}]}}\n"
    environ = {"APP_KEY": "a" * 20, "CLOUD_KEY": "b" * 20}
    said = [str(each) for each in problems(text, environ, outside=True) if "share limits" in str(each)]
    assert bool(said) == told


def test_where_a_server_program_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from seekgate.stages.quota import config

    assert config._has_server()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert not config._has_server()


def test_a_limit_of_a_deployment_names_its_id() -> None:
    text = """
providers:
  p: {type: openai, base_url: "http://10.0.0.1/v1"}
models:
  m:
    deployments: [{provider: p}, {provider: p, id: mine}, {provider: p}]
quota:
  limits:
"""
    for name in ("m@p", "mine", "m@p-2", "'*'"):
        said = messages(text + f"    - {{scope: deployment, name: {name}, concurrency: 5}}\n")
        assert not [each for each in said if "deployment" in each]
    said = messages(text + "    - {scope: deployment, name: m, concurrency: 5}\n")
    assert [each for each in said if "no deployment is called" in each]


@pytest.mark.parametrize("wrong", ["max_wait: 0s", "waiting: -1", "core_weight: 0"])
def test_a_queue_that_makes_no_sense(wrong: str) -> None:
    assert messages(f"{MINIMAL}quota: {{queue: {{{wrong}}}}}\n")
