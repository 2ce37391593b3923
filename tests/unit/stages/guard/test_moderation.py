"""What is asked of a moderation service, and what its answers mean."""

from __future__ import annotations

import json

import pytest

from seekgate.config.compiled.guard import Moderation
from seekgate.stages.guard.moderation import MAX_CHARACTERS, Outcome, outcome, question

OPENAI = Moderation("openai", "http", "h", 80, "/v1/moderations", model="m")
WEBHOOK = Moderation("webhook", "http", "h", 80, "/check")
SOME = Moderation("openai", "http", "h", 80, "/v1/moderations", categories=("violence",))


def test_questions() -> None:
    assert json.loads(question(OPENAI, ["a", "你"])) == {"model": "m", "input": ["a", "你"]}
    assert json.loads(question(SOME, ["a"])) == {"input": ["a"]}
    assert json.loads(question(WEBHOOK, ["a", "\ud800"])) == {"texts": ["a", "?"]}


def test_the_newest_of_what_is_too_long() -> None:
    texts = ["old", "x" * (MAX_CHARACTERS - 2), "ab"]
    assert json.loads(question(WEBHOOK, texts))["texts"] == texts[1:]
    (only,) = json.loads(question(WEBHOOK, ["a" + "b" * MAX_CHARACTERS]))["texts"]
    assert only == "b" * MAX_CHARACTERS


@pytest.mark.parametrize(
    ("settings", "body", "expected"),
    [
        (OPENAI, {"results": [{"flagged": False, "categories": {"hate": False}}]}, Outcome()),
        (OPENAI, {"results": [{"flagged": False}, {"flagged": True, "categories": {"hate": True, "x": None}}]},
         Outcome(True, ("hate",))),
        (SOME, {"results": [{"flagged": True, "categories": {"hate": True}}]}, Outcome()),
        (SOME, {"results": [{"flagged": False, "categories": {"violence": True}}]}, Outcome(True, ("violence",))),
        (WEBHOOK, {"flagged": True, "categories": ["rude"]}, Outcome(True, ("rude",))),
        (WEBHOOK, {"flagged": False}, Outcome()),
        (WEBHOOK, {"flagged": "yes"}, Outcome(failure="its answer is not that of a moderation service")),
        (OPENAI, {"flagged": True}, Outcome(failure="its answer is not that of a moderation service")),
        (OPENAI, [], Outcome(failure="its answer is not that of a moderation service")),
    ],
)  # fmt: skip
def test_answers(settings: Moderation, body: object, expected: Outcome) -> None:
    assert outcome(settings, json.dumps(body).encode()) == expected


def test_an_answer_that_is_no_json() -> None:
    assert outcome(OPENAI, b"<html>").failure
