from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seekgate.emulate.anthropic_request import MessagesRequest, ask_of_messages, check_messages
from seekgate.emulate.settings import FLASH, PRO, ModelSpec

HELLO = {"role": "user", "content": "Say hello"}
TOOL = {"name": "weather", "input_schema": {"type": "object", "properties": {}}}
USE = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "sunny"}]}


def _request(**fields: Any) -> MessagesRequest:
    return msgspec.convert({"model": "m", "max_tokens": 100, "messages": [HELLO], **fields}, MessagesRequest)


def _refused(model: ModelSpec = FLASH, **fields: Any) -> str | None:
    refused = check_messages(_request(**fields), model)
    return None if refused is None else refused.param


def test_thinking_is_on_unless_switched_off() -> None:
    assert ask_of_messages(_request(), FLASH).thinking is True
    assert ask_of_messages(_request(thinking={"type": "enabled", "budget_tokens": 9}), FLASH).thinking is True
    assert ask_of_messages(_request(thinking={"type": "disabled"}), FLASH).thinking is False


def test_the_effort_is_in_output_config() -> None:
    assert ask_of_messages(_request(output_config={"effort": "max"}), FLASH).effort == "max"
    assert _refused(output_config={"effort": "extreme"}) == "output_config.effort"


def test_the_user_is_in_metadata() -> None:
    assert ask_of_messages(_request(metadata={"user_id": "u1"}), FLASH).user_id == "u1"
    assert _refused(metadata={"user_id": "a b"}) == "metadata.user_id"


def test_wrong_parameters_are_named() -> None:
    assert _refused(messages=[]) == "messages"
    assert _refused(max_tokens=0) == "max_tokens"


def test_only_the_flash_model_sees() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "AA=="}
    messages = [{"role": "user", "content": [{"type": "image", "source": source}]}]
    assert _refused(messages=messages) is None
    assert _refused(model=PRO, messages=messages) == "messages"


@pytest.mark.parametrize("blocks", [[USE], [{"type": "thinking", "thinking": ""}, USE]])
def test_a_tool_loop_needs_the_thinking_back(blocks: list[dict[str, Any]]) -> None:
    messages = [HELLO, {"role": "assistant", "content": blocks}, RESULT]
    assert _refused(messages=messages, tools=[TOOL]) == "messages[1].content"
    assert _refused(messages=messages, tools=[TOOL], thinking={"type": "disabled"}) is None
    assert _refused(messages=messages) is None


def test_a_tool_loop_with_the_thinking_passes_and_ends() -> None:
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "s"}, USE]
    messages = [HELLO, {"role": "assistant", "content": blocks}, RESULT]
    assert _refused(messages=messages, tools=[TOOL]) is None
    assert ask_of_messages(_request(messages=messages, tools=[TOOL]), FLASH).call is None


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        (None, "weather"),
        ({"type": "any"}, "weather"),
        ({"type": "none"}, None),
        ({"type": "tool", "name": "b"}, "b"),
    ],
)
def test_a_tool_is_chosen(choice: dict[str, Any] | None, name: str | None) -> None:
    ask = ask_of_messages(_request(tools=[TOOL, {**TOOL, "name": "b"}], tool_choice=choice), FLASH)
    assert (ask.call.name if ask.call else None) == name


def test_the_system_prompt_comes_first() -> None:
    prompt = ask_of_messages(_request(system=[{"type": "text", "text": "Be brief."}]), FLASH).prompt
    assert prompt.index(b"Be brief.") < prompt.index(b"Say hello")
