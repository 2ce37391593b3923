"""The catalogue of types."""

from __future__ import annotations

from seekgate.stages.privacy.detect.gate import RULES
from seekgate.stages.privacy.detect.kinds import KINDS, PatternError


def test_every_type_has_a_judge_and_every_judge_a_type() -> None:
    assert {name for rule in RULES for name in rule.types} == set(KINDS)


def test_names_are_reported_and_everything_else_is_masked() -> None:
    assert {name for name, kind in KINDS.items() if kind.action != "mask"} == {"NAME"}
    assert all(kind.meaning for kind in KINDS.values())


def test_an_error_keeps_the_pattern() -> None:
    error = PatternError("a(", "why")
    assert (error.pattern, str(error)) == ("a(", "why")
