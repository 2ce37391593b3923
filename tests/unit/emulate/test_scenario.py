from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.emulate.faults import NO_FAULTS, Faults
from seekgate.emulate.scenario import Match, Rule, RuleBook, ScenarioError, load_scenario, parse_scenario

YAML = """
accounts: {sk-a: one}
concurrency: {deepseek-v4-pro: 2}
rules:
  - match: {model: deepseek-flash, path: /chat/completions, nth: [1, 3]}
    faults: status=503, retry-after=1
  - faults: {latency: 20ms, cut: 2, echo: true, octet-error: false, garbage: null}
  - faults: [slow=1ms, close]
"""


def test_a_yaml_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(YAML)
    scenario = load_scenario(file)
    assert scenario.accounts == {"sk-a": "one"}
    assert scenario.concurrency == {"deepseek-v4-pro": 2}
    assert [rule.fields for rule in scenario.rules] == [
        {"status": 503, "retry_after": "1"},
        {"latency": 0.02, "cut": 2, "echo": True, "octet_error": False, "garbage": 0},
        {"slow": 0.001, "close": True},
    ]
    assert scenario.rules[0].match.nth == [1, 3]


def test_a_json_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "scenario.json"
    file.write_text('{"rules": [{"faults": "cut=1"}]}')
    assert load_scenario(file).rules[0].fields == {"cut": 1}


def test_an_empty_file_has_no_rules(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("")
    assert load_scenario(file).rules == ()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("rules: [", "expected"),
        ("rules: [{faults: bad=1}]", "rules[0].faults: 'bad' is no fault"),
        ("rules: [{faults: cut=1, match: {modle: x}}]", "modle"),
        ("rules: [{match: {}}]", "faults"),
        ("- 1", "Expected `object`"),
    ],
)
def test_a_mistake_is_named_with_the_file(tmp_path: Path, text: str, part: str) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    with pytest.raises(ScenarioError) as raised:
        load_scenario(file)
    assert str(file) in str(raised.value)
    assert part in str(raised.value)


def test_a_missing_file_is_a_scenario_error(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="No such file"):
        load_scenario(tmp_path / "none.yaml")


def _book(**match: object) -> RuleBook:
    return RuleBook((Rule(Match(**match), {"cut": 1}),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({}, True),
        ({"model": "m", "path": "/p", "user_id": "u"}, True),
        ({"model": "other"}, False),
        ({"path": "/other"}, False),
        ({"user_id": "other"}, False),
    ],
)
def test_all_of_a_match_must_hold(match: dict[str, object], hit: bool) -> None:
    assert (_book(**match).apply(NO_FAULTS, "m", "/p", "u") == Faults(cut=1)) is hit


@pytest.mark.parametrize(
    ("match", "hits"),
    [({"nth": 2}, [2]), ({"nth": [1, 4]}, [1, 4]), ({"every": 2}, [2, 4]), ({"nth": 3, "every": 2}, [])],
)
def test_a_rule_counts_the_requests_that_match_it(match: dict[str, object], hits: list[int]) -> None:
    book = _book(model="m", **match)
    taken = []
    for number in range(1, 6):
        assert book.apply(NO_FAULTS, "another", "/p", "") == NO_FAULTS
        if book.apply(NO_FAULTS, "m", "/p", "") != NO_FAULTS:
            taken.append(number)
    assert taken == hits


def test_later_rules_win_and_the_base_stays() -> None:
    scenario = parse_scenario({"rules": [{"faults": "cut=1,slow=1s"}, {"faults": "cut=2"}]})
    assert RuleBook(scenario.rules).apply(Faults(echo=True), "m", "/p", "") == Faults(
        cut=2, slow=1.0, echo=True
    )
