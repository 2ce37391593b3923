from __future__ import annotations

import json

import pytest

from seekgate.emulate.ask import Ask, Effort, ToolSpec
from seekgate.emulate.faults import NO_FAULTS, Faults
from seekgate.emulate.plan import REASONING, Usage, make_plan
from seekgate.emulate.settings import FLASH, PRO
from seekgate.emulate.text import Speech

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
ASK = Ask(model=FLASH, prompt=b"prompt", last_text="你好,世界")
CALL = Ask(model=FLASH, prompt=b"prompt", call=ToolSpec("weather", SCHEMA))


def _text(speech: Speech) -> str:
    return "".join(speech.tokens())


def test_equal_requests_get_equal_plans_and_others_do_not() -> None:
    plan = make_plan(ASK, NO_FAULTS, 1, 0)
    assert plan == make_plan(ASK, NO_FAULTS, 1, 0)
    others = [
        make_plan(ASK, NO_FAULTS, 2, 0),
        make_plan(Ask(model=PRO, prompt=b"prompt"), NO_FAULTS, 1, 0),
        make_plan(Ask(model=FLASH, prompt=b"other"), NO_FAULTS, 1, 0),
        make_plan(Ask(model=FLASH, prompt=b"prompt", sampling=b"[1]"), NO_FAULTS, 1, 0),
    ]
    assert len({_text(plan.content), *(_text(other.content) for other in others)}) == 5


@pytest.mark.parametrize("effort", ["low", "high", "max"])
def test_effort_sets_the_reasoning(effort: Effort) -> None:
    plan = make_plan(Ask(model=FLASH, prompt=b"", effort=effort), NO_FAULTS, 1, 0)
    assert plan.usage.reasoning == plan.reasoning.count == REASONING[effort]
    assert plan.usage.completion == plan.reasoning.count + plan.content.count


def test_without_thinking_there_is_no_reasoning() -> None:
    plan = make_plan(Ask(model=FLASH, prompt=b"", thinking=False), Faults(reasoning=9), 1, 0)
    assert (plan.thinking, plan.reasoning.count, plan.usage.reasoning) == (False, 0, 0)


def test_an_echo_says_the_last_text() -> None:
    assert _text(make_plan(ASK, Faults(echo=True), 1, 0).content) == "你好,世界"


def test_tokens_and_their_size_can_be_asked_for() -> None:
    plan = make_plan(ASK, Faults(tokens=50, token_bytes=10, reasoning=0), 1, 0)
    assert len(_text(plan.content)) == 500
    assert plan.usage.completion == 50


def test_more_tokens_than_the_model_gives_can_be_asked_for_but_not_more_than_the_client_wants() -> None:
    plan = make_plan(ASK, Faults(tokens=1_000_000), 1, 0)
    assert (plan.content.count, plan.finish) == (1_000_000, "stop")
    plan = make_plan(Ask(model=FLASH, prompt=b"", max_tokens=30), Faults(tokens=1_000_000), 1, 0)
    assert (plan.usage.completion, plan.finish) == (30, "length")


@pytest.mark.parametrize(("limit", "reasoning", "content"), [(5, 5, 0), (26, 24, 2)])
def test_the_limit_takes_reasoning_first(limit: int, reasoning: int, content: int) -> None:
    plan = make_plan(Ask(model=FLASH, prompt=b"", max_tokens=limit), NO_FAULTS, 1, 0)
    assert (plan.reasoning.count, plan.content.count, plan.finish) == (reasoning, content, "length")


def test_a_call_has_arguments_that_fit_the_schema() -> None:
    plan = make_plan(CALL, NO_FAULTS, 1, 0)
    assert plan.finish == "tool_calls"
    assert plan.content.count == 0
    arguments = json.loads(_text(plan.calls[0].arguments))
    assert isinstance(arguments["city"], str)


def test_several_calls_have_ids_of_their_own() -> None:
    plan = make_plan(CALL, Faults(tool_calls=3), 1, 0)
    assert len({call.id for call in plan.calls}) == 3


def test_the_limit_cuts_arguments() -> None:
    whole = make_plan(CALL, Faults(tool_calls=2), 1, 0)
    limit = whole.usage.completion - whole.calls[1].arguments.count
    plan = make_plan(
        Ask(model=FLASH, prompt=b"prompt", call=CALL.call, max_tokens=limit), Faults(tool_calls=2), 1, 0
    )
    assert (len(plan.calls), plan.finish, plan.usage.completion) == (1, "length", limit)


def test_a_stop_sequence_ends_the_text() -> None:
    whole = _text(make_plan(ASK, NO_FAULTS, 1, 0).content)
    stop = whole[9:14]
    plan = make_plan(Ask(model=FLASH, prompt=b"prompt", stop=(stop,)), NO_FAULTS, 1, 0)
    assert _text(plan.content) == whole[: whole.index(stop)]
    assert plan.finish == "stop"


def test_the_finish_reason_can_be_asked_for() -> None:
    assert (
        make_plan(ASK, Faults(finish="insufficient_system_resource"), 1, 0).finish
        == "insufficient_system_resource"
    )


def test_json_is_json() -> None:
    plan = make_plan(Ask(model=FLASH, prompt=b"json", form="object"), NO_FAULTS, 1, 0)
    assert isinstance(json.loads(_text(plan.content)), dict)
    plan = make_plan(Ask(model=FLASH, prompt=b"", form="schema", schema={"const": [1]}), NO_FAULTS, 1, 0)
    assert json.loads(_text(plan.content)) == [1]


def test_usage_adds_up() -> None:
    usage = Usage(prompt=100, hit=64, completion=10, reasoning=4).chat()
    assert usage == {
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "total_tokens": 110,
        "prompt_tokens_details": {"cached_tokens": 64},
        "prompt_cache_hit_tokens": 64,
        "prompt_cache_miss_tokens": 36,
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
