"""Which action a type gets."""

from __future__ import annotations

import pytest

from seekgate.config.compiled.privacy import Action, Rule
from seekgate.pipeline.principal import Principal
from seekgate.stages.privacy.state import MAX_REMEMBERED, Policy, in_answers

TYPES: list[tuple[str, str, Action]] = [
    ("EMAIL", "personal", "mask"),
    ("CN_ID", "personal", "mask"),
    ("API_KEY", "secret", "mask"),
    ("NAME", "personal", "report"),
]
NOBODY = Principal()
NONE: frozenset[str] = frozenset()


def policy(*rules: Rule, **actions: Action) -> Policy:
    return Policy(TYPES, actions, rules)


def test_a_type_before_its_class_before_the_rest_before_the_default() -> None:
    plain = policy().actions(NOBODY, "", NONE)
    assert plain == {"EMAIL": "mask", "CN_ID": "mask", "API_KEY": "mask", "NAME": "report"}
    named = policy(CN_ID="token", personal="private", secret="block").actions(NOBODY, "", NONE)
    assert named == {"EMAIL": "private", "CN_ID": "token", "API_KEY": "block", "NAME": "private"}
    rest = Policy(TYPES, {"*": "token", "secret": "block"}).actions(NOBODY, "", NONE)
    assert rest == {"EMAIL": "token", "CN_ID": "token", "API_KEY": "block", "NAME": "token"}


@pytest.mark.parametrize(
    ("rule", "caller", "route", "found", "fits"),
    [
        ({"roles": ("a", "b")}, Principal(roles=("b", "c")), "", NONE, True),
        ({"roles": ("a",)}, Principal(roles=("b",)), "", NONE, False),
        ({"roles": ("a",)}, NOBODY, "", NONE, False),
        ({"routes": ("/x",)}, NOBODY, "/x", NONE, True),
        ({"routes": ("/x",)}, NOBODY, "/x/y", NONE, False),
        ({"tiers": ("core",)}, Principal(tier="core"), "", NONE, True),
        ({"tiers": ("core",)}, NOBODY, "", NONE, False),
        ({"classes": ("secret",)}, NOBODY, "", frozenset(["secret", "personal"]), True),
        ({"classes": ("secret",)}, NOBODY, "", frozenset(["personal"]), False),
        ({"roles": ("a",), "tiers": ("core",)}, Principal(roles=("a",), tier="core"), "", NONE, True),
        ({"roles": ("a",), "tiers": ("core",)}, Principal(roles=("a",)), "", NONE, False),
    ],
)
def test_a_rule_fits_when_all_its_parts_do(
    rule: dict[str, tuple[str, ...]], caller: Principal, route: str, found: frozenset[str], fits: bool
) -> None:
    made = policy(Rule({"*": "block"}, **rule))
    assert (made.actions(caller, route, found)["EMAIL"] == "block") is fits


def test_the_first_rule_that_names_a_type_decides() -> None:
    made = policy(
        Rule({"EMAIL": "report"}),
        Rule({"personal": "token"}, tiers=("core",)),
        Rule({"*": "block"}),
        CN_ID="private",
    )
    core = made.actions(Principal(tier="core"), "", NONE)
    assert core == {"EMAIL": "report", "CN_ID": "token", "API_KEY": "block", "NAME": "token"}
    other = made.actions(NOBODY, "", NONE)
    assert other == {"EMAIL": "report", "CN_ID": "block", "API_KEY": "block", "NAME": "block"}
    assert made.actions(NOBODY, "", NONE) is other


def test_what_is_remembered_is_bounded() -> None:
    made = policy(Rule({"*": "block"}, roles=("1",)))
    for number in range(MAX_REMEMBERED + 3):
        expected = "block" if number == 1 else "mask"
        assert made.actions(Principal(roles=(str(number),)), "", NONE)["EMAIL"] == expected
    assert len(made._decided) <= MAX_REMEMBERED


def test_which_actions_are_used() -> None:
    actions: tuple[Action, ...] = ("token", "block")
    for action in actions:
        assert policy(Rule({"EMAIL": action})).uses(action)
        assert policy(EMAIL=action).uses(action)
        assert not policy(Rule({"EMAIL": "report"})).uses(action)


def test_actions_in_answers() -> None:
    types = {"EMAIL": "personal", "CN_ID": "personal", "API_KEY": "secret"}
    assert in_answers({"CN_ID": "report", "personal": "mask"}, types) == {"EMAIL": "mask", "CN_ID": "report"}
    assert in_answers({"*": "block"}, types) == dict.fromkeys(types, "block")
