from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seekgate.emulate.responses_request import ResponsesRequest, ask_of_responses, check_responses
from seekgate.emulate.settings import FLASH

TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
HELLO = {"role": "user", "content": [{"type": "input_text", "text": "Say hello"}]}


def _request(**fields: Any) -> ResponsesRequest:
    return msgspec.convert({"model": "m", "input": "Say hello", **fields}, ResponsesRequest)


def _refused(**fields: Any) -> str | None:
    refused = check_responses(_request(**fields), FLASH)
    return None if refused is None else refused.param


def test_the_effort_is_in_reasoning() -> None:
    assert ask_of_responses(_request(reasoning={"effort": "low"}), FLASH).effort == "low"
    assert _refused(reasoning={"effort": "extreme"}) == "reasoning.effort"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"user_id": "a b"}, "user_id"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
        ({"text": {"format": {"type": "json_object"}}}, "text.format"),
        ({}, None),
        ({"text": {"format": {"type": "json_object"}}, "input": "as JSON"}, None),
    ],
)
def test_a_wrong_parameter_is_named(fields: dict[str, Any], param: str | None) -> None:
    assert _refused(**fields) == param


def test_the_last_users_text_is_found_in_both_forms() -> None:
    assert ask_of_responses(_request(), FLASH).last_text == "Say hello"
    assert ask_of_responses(_request(input=[HELLO]), FLASH).last_text == "Say hello"


def test_instructions_come_first() -> None:
    prompt = ask_of_responses(_request(instructions="Be brief."), FLASH).prompt
    assert prompt.index(b"Be brief.") < prompt.index(b"Say hello")


def test_a_tool_is_called_when_a_user_asks_and_not_after_its_answer() -> None:
    def called(**fields: Any) -> bool:
        return ask_of_responses(_request(tools=[TOOL], **fields), FLASH).call is not None

    assert called()
    assert called(tool_choice={"type": "function", "name": "weather"})
    assert not called(tool_choice="none")
    assert not called(input=[HELLO, {"type": "function_call_output", "call_id": "c", "output": "sunny"}])
