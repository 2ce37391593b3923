"""Explaining says what the data plane does."""

from __future__ import annotations

import msgspec

from seekgate.pipeline.exchange import Endpoint
from seekgate.pipeline.stage import Reply
from seekgate.stages.access.explain import as_data, explain, text
from seekgate.stages.access.stage import Access
from seekgate.stages.access.state import AccessTable
from tests.support.access import DEPLOYMENTS, MODELS, allow, caller, deny, table
from tests.support.access_cases import Case, cases
from tests.support.access_oracle import decide
from tests.support.scene_exchange import exchange

OPERATIONS = {"chat": "chat", "completions": "completions", "embed": "embeddings", "models.list": "models"}
NONE: frozenset[str] = frozenset()


def test_a_denial_names_the_line() -> None:
    made = table({"analyst": (allow("chat"), deny("chat", models=("best",)))})
    one = explain(made, caller("analyst", "gone", team="t"), "chat", "pro", NONE, "192.0.2.1", 0.0)
    assert not one.allowed
    assert (one.rule, one.source, one.error) == ("analyst#2", "seekgate.yaml:11", "model_not_allowed")
    said = text(one)
    assert "DENIED: 'chat' on the model 'pro'\n  decided by  analyst#2 (seekgate.yaml:11)\n" in said
    assert "analyst: own, seekgate.yaml:10" in said
    assert "gone: own, written nowhere: it grants nothing" in said
    assert "pro-own (own, cn, private): denied, by analyst#2 (seekgate.yaml:11)" in said
    assert as_data(one)["deployments"][0]["source"] == "seekgate.yaml:11"


def test_a_permission_names_the_deployments() -> None:
    made = table({"cn": (allow("chat", regions=("cn",)),)})
    one = explain(made, caller("cn"), "chat", "flash", NONE, "192.0.2.1", 0.0, (DEPLOYMENTS[4],))
    assert not one.allowed, "the endpoint's only deployment is elsewhere"
    one = explain(made, caller("cn"), "chat", "flash", NONE, "192.0.2.1", 0.0, DEPLOYMENTS[3:4])
    assert one.allowed
    assert "flash-eu (far, eu, public): denied, no rule allows it; it does not serve this" in text(one)


def test_what_no_rule_decides() -> None:
    made = table()
    for who, action, expected in (
        (caller("user", actions=frozenset(("embed",))), "chat", "the key's scopes (actions)"),
        (caller("user", models=frozenset(("flash",))), "chat", "the key's scopes (models)"),
        (caller("auditor"), "chat", "no rule: nothing allows it"),
    ):
        assert f"decided by  {expected}" in text(explain(made, who, action, "pro", NONE, "", 0.0))
    one = explain(made, caller("key-manager", "auditor"), "audit.read", None, NONE, "", 0.0)
    assert "access.separate_duties" in text(one)
    assert "    none" in text(explain(table(default_roles=()), caller(), "chat", "pro", NONE, "", 0.0))


def test_conditions_are_said() -> None:
    made = table({"office": (allow("chat", cidr=("10.0.0.0/8",)),)})
    assert "depends on  the address (10.0.0.1)" in text(
        explain(made, caller("office"), "chat", "pro", NONE, "10.0.0.1", 0.0)
    )


def agree(made: AccessTable, case: Case) -> None:
    """Data plane, explanation and the plain reading say the same about one case."""
    question = case.question
    candidates = (
        [] if question.model is None else [DEPLOYMENTS[i] for i in MODELS[question.model].deployments]
    )
    explained = explain(
        made, case.principal, question.action, question.model, question.classes, question.client, question.at
    )
    plain = decide(case.roles, msgspec.structs.replace(case.principal, roles=case.held), question)
    assert explained.allowed == bool(plain), (explained, plain)
    if isinstance(plain, set):
        assert {place.id for place in explained.deployments if place.allowed} == plain
    if question.action not in OPERATIONS:
        return  # no endpoint asks for it yet: the table is all there is
    endpoint = Endpoint(OPERATIONS[question.action], "")  # type: ignore[arg-type]
    for _ in range(2):  # the second time from memory
        x = exchange(endpoint=endpoint, principal=case.principal, candidates=tuple(candidates),
                     model_entry=MODELS[question.model] if question.model else None,
                     data_classes=question.classes, client=question.client, admitted_at=question.at)  # fmt: skip
        verdict = Access(made).on_request(x)
        if explained.allowed:
            assert verdict is None
            if isinstance(plain, set):
                assert {one.id for one in x.candidates} == plain
        else:
            assert isinstance(verdict, Reply)
            assert verdict.error is not None
            assert (verdict.error.name, verdict.message) == (explained.error, explained.message)


def test_it_agrees_with_the_data_plane_and_with_the_plain_reading_of_10_000_random_cases() -> None:
    made: AccessTable | None = None
    allowed = 0
    last = None
    for case in cases(20_261_124, 10_000, per_world=50):
        if last is not case.snapshot:
            made, last = AccessTable(case.snapshot, case.rows, lambda _: None), case.snapshot
        assert made is not None
        agree(made, case)
        question = case.question
        allowed += made.decide(made.profile(case.principal), question.action, question.model, question.classes,
                               question.client, question.at).allowed  # fmt: skip
    assert 2_000 < allowed < 8_000, "the cases say little if nearly all are alike"
