"""Whatever the rules: deny wins."""

from __future__ import annotations

from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from seekgate.config.builtin_roles import INFERENCE
from seekgate.config.rows import Grant
from seekgate.stages.access.state import AccessTable
from tests.support.access import DEPLOYMENTS, MODELS, caller, deny, table
from tests.support.access_cases import cases

USES = [action for action in INFERENCE if action != "models.list"]
patterns = {
    "models": st.sampled_from(["pro", "best", "f*", "small", "*"]),
    "providers": st.sampled_from(["cloud", "far", "o*"]),
    "regions": st.sampled_from(["cn", "eu"]),
    "tiers": st.sampled_from(["public", "private"]),
    "data_classes": st.sampled_from(["personal", "s*"]),
}


@st.composite
def grants(draw: st.DrawFn, effect: Literal["allow", "deny"]) -> Grant:
    fields: dict[str, Any] = {name: tuple(draw(st.lists(one, max_size=2))) for name, one in patterns.items()}
    actions = draw(st.lists(st.sampled_from(["*", *USES]), min_size=1, max_size=3))
    return Grant(effect, tuple(actions), **fields)


def answers(made: AccessTable, role: str, action: str, model: str, classes: frozenset[str]) -> set[int]:
    decision = made.decide(made.profile(caller(*role.split("+"))), action, model, classes, "192.0.2.1", 0.0)
    return {one.position for one in decision.found if one.allowed}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(grants("allow"), max_size=6),
    grants("deny"),
    st.sampled_from(USES),
    st.sampled_from(["pro", "flash", "small", "vectors"]),
    st.frozensets(st.sampled_from(["personal", "secret"])),
    st.integers(0, 6),
)
def test_deny_wins(
    allowing: list[Grant], denying: Grant, action: str, model: str, classes: frozenset[str], place: int
) -> None:
    """What the denying rule alone denies is denied with any allowing rules, in any order and in other roles; what it
    does not speak of is as it was."""
    mixed = (*allowing[:place], denying, *allowing[place:])
    made = table({
        "allow": (*allowing, Grant("allow", ("nothing",))),
        "deny": (denying,),
        "mixed": mixed,
        "all": (Grant("allow", ("*",)), denying),
    })  # fmt: skip
    every = set(MODELS[model].deployments)
    left = answers(made, "all", action, model, classes)  # what the denying rule leaves of everything
    before = answers(made, "allow", action, model, classes)
    for role in ("mixed", "allow+deny", "deny+allow"):
        assert answers(made, role, action, model, classes) == before & left
    assert left <= every <= set(range(len(DEPLOYMENTS)))


def test_denying_everything_leaves_nothing_of_any_case() -> None:
    for case in cases(7, 300, per_world=1):
        question = case.question
        case.rows.apply("role", "never", None)
        made = table({**case.roles, "never": (deny("*"),)}, default_roles=("never",))
        principal = caller(*case.held, "never")
        decision = made.decide(
            made.profile(principal),
            question.action,
            question.model,
            question.classes,
            question.client,
            question.at,
        )
        assert not decision.allowed
