"""What chat completions refuses, and what a request is understood as."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seekgate.emulate.chat_request import ChatRequest, ask_of_chat, check_chat
from seekgate.emulate.settings import FLASH, PRO, ModelSpec
from tests.unit.emulate.support import HELLO, WEATHER, chat

IMAGE = [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    {"type": "text", "text": "what?"},
]
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


def _request(**fields: Any) -> ChatRequest:
    return msgspec.convert(chat(**fields), ChatRequest)


def _refused(beta: bool = False, model: ModelSpec = FLASH, **fields: Any) -> tuple[int, str | None] | None:
    refused = check_chat(_request(**fields), model, beta)
    return None if refused is None else (refused.status, refused.param)


def _loop(**assistant: Any) -> list[dict[str, Any]]:
    return [
        *HELLO,
        {"role": "assistant", "content": "", "tool_calls": [CALL], **assistant},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]


def test_a_plain_request_passes_and_thinks() -> None:
    assert _refused() is None
    ask = ask_of_chat(_request(), FLASH)
    assert (ask.thinking, ask.effort, ask.last_text, ask.stream) == (True, "high", "Say hello", False)


def test_thinking_can_be_switched_off_and_on() -> None:
    assert ask_of_chat(_request(thinking={"type": "disabled"}), FLASH).thinking is False
    assert ask_of_chat(_request(thinking={"type": "enabled"}), FLASH).thinking is True


@pytest.mark.parametrize("effort", ["low", "high", "max"])
def test_the_effort_is_read(effort: str) -> None:
    assert ask_of_chat(_request(reasoning_effort=effort), FLASH).effort == effort


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"user_id": "a b"}, "user_id"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 384_001}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"tools": [WEATHER], "tool_choice": "always"}, "tool_choice"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice"),
        ({"tools": [WEATHER] * 129}, "tools"),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": ""}]}, "messages[0]"),
    ],
)
def test_a_wrong_parameter_is_named(fields: dict[str, Any], param: str) -> None:
    assert _refused(**fields) == (400, param)


def test_penalties_and_temperature_are_ignored_while_thinking() -> None:
    odd: dict[str, Any] = {
        "temperature": 9.0,
        "top_p": 7.0,
        "presence_penalty": -9.0,
        "frequency_penalty": 9.0,
    }
    assert _refused(**odd) is None
    assert ask_of_chat(_request(**odd), FLASH) == ask_of_chat(_request(), FLASH)


@pytest.mark.parametrize("name", ["temperature", "top_p", "presence_penalty", "frequency_penalty"])
def test_penalties_and_temperature_have_ranges_and_effects_without_thinking(name: str) -> None:
    high: dict[str, Any] = {"thinking": {"type": "disabled"}, name: 9.0}
    fine: dict[str, Any] = {"thinking": {"type": "disabled"}, name: 0.5}
    assert _refused(**high) == (400, name)
    assert _refused(**fine) is None
    assert ask_of_chat(_request(**fine), FLASH).sampling != b""


@pytest.mark.parametrize("given", [{}, {"reasoning_content": None}, {"reasoning_content": ""}])
def test_a_tool_loop_needs_the_reasoning_back(given: dict[str, Any]) -> None:
    expected = (400, "messages[1].reasoning_content")
    assert _refused(messages=_loop(**given), tools=[WEATHER]) == expected
    refused = check_chat(_request(messages=_loop(**given), tools=[WEATHER]), FLASH, False)
    assert refused is not None
    assert refused.type == "invalid_request_error"


def test_a_tool_loop_with_the_reasoning_passes() -> None:
    assert _refused(messages=_loop(reasoning_content="hm"), tools=[WEATHER]) is None


def test_every_earlier_turn_needs_its_reasoning() -> None:
    turns = [*_loop(reasoning_content="hm"), {"role": "assistant", "content": "sunny"}, *HELLO]
    assert _refused(messages=turns, tools=[WEATHER]) == (400, "messages[3].reasoning_content")


def test_reasoning_need_not_come_back_without_tools_or_thinking() -> None:
    assert _refused(messages=_loop()) is None
    assert _refused(messages=_loop(), tools=[WEATHER], thinking={"type": "disabled"}) is None


def test_a_prefix_needs_beta_and_the_last_place() -> None:
    prefix = {"role": "assistant", "content": "```python\n", "prefix": True}
    assert _refused(beta=True, messages=[*HELLO, prefix]) is None
    assert _refused(messages=[*HELLO, prefix]) == (400, "messages[1].prefix")
    assert _refused(beta=True, messages=[prefix, *HELLO]) == (400, "messages[0].prefix")
    assert _refused(beta=True, messages=[{**HELLO[0], "prefix": True}]) == (400, "messages[0].prefix")


def test_strict_tools_need_beta_and_a_strict_schema() -> None:
    def tool(**changes: Any) -> dict[str, Any]:
        function = WEATHER["function"]
        assert isinstance(function, dict)
        parameters = {**function["parameters"], **changes}
        return {"type": "function", "function": {**function, "strict": True, "parameters": parameters}}

    assert _refused(beta=True, tools=[tool()]) is None
    assert _refused(tools=[tool()]) == (400, "tools[0].function.strict")
    loose: list[dict[str, Any]] = [{"required": []}, {"additionalProperties": True}]
    for changes in loose:
        assert _refused(beta=True, tools=[tool(**changes)]) == (400, "tools[0].function.parameters")
    nested = tool(properties={"a": {"type": "array", "items": {"type": "object"}}}, required=["a"])
    assert _refused(beta=True, tools=[nested]) == (400, "tools[0].function.parameters")


def test_json_mode_needs_the_word_json() -> None:
    mode = {"type": "json_object"}
    assert _refused(response_format=mode) == (400, "response_format")
    asking = [{"role": "system", "content": "Answer in JSON."}, *HELLO]
    assert _refused(response_format=mode, messages=asking) is None
    assert ask_of_chat(_request(response_format=mode, messages=asking), FLASH).form == "object"


def test_only_the_flash_model_sees() -> None:
    messages = [{"role": "user", "content": IMAGE}]
    assert _refused(messages=messages) is None
    assert _refused(messages=messages, model=PRO) == (400, "messages[0].content")
    assert ask_of_chat(_request(messages=messages), FLASH).last_text == "what?"


def test_a_tool_is_called_when_a_user_asks_and_not_after_its_answer() -> None:
    def called(**fields: Any) -> str | None:
        call = ask_of_chat(_request(tools=[WEATHER], **fields), FLASH).call
        return None if call is None else call.name

    assert called() == "weather"
    assert called(tool_choice="required") == "weather"
    assert called(tool_choice={"type": "function", "function": {"name": "weather"}}) == "weather"
    assert called(tool_choice="none") is None
    assert called(messages=_loop(reasoning_content="hm")) is None


def test_the_prompt_of_a_next_turn_begins_with_this_one() -> None:
    first = ask_of_chat(_request(), FLASH).prompt
    turns = [*HELLO, {"role": "assistant", "content": "hello"}, *HELLO]
    assert ask_of_chat(_request(messages=turns), FLASH).prompt.startswith(first)
