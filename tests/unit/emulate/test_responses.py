from __future__ import annotations

import json

import pytest

from tests.unit.emulate.support import events, make_api, named, reply

PATH = "/responses"
BODY = {"model": "deepseek-flash", "input": "Say hello"}
TOOL = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.mark.parametrize("path", ["/responses", "/v1/responses"])
def test_a_response_has_reasoning_then_a_message(path: str) -> None:
    body = reply(make_api(), BODY, path)
    assert (body["object"], body["status"]) == ("response", "completed")
    assert [item["type"] for item in body["output"]] == ["reasoning", "message"]
    assert body["output"][1]["content"][0]["text"]
    usage = body["usage"]
    assert usage["output_tokens_details"]["reasoning_tokens"] == 24
    assert usage["input_tokens"] + usage["output_tokens"] == usage["total_tokens"]


def test_a_tool_call_is_an_item() -> None:
    item = reply(make_api(), {**BODY, "tools": [TOOL]}, PATH)["output"][-1]
    assert (item["type"], item["name"]) == ("function_call", "weather")
    assert isinstance(json.loads(item["arguments"])["city"], str)


@pytest.mark.parametrize("tools", [[], [TOOL]])
def test_the_stream_says_the_same_as_the_response(tools: list[object]) -> None:
    wanted = {**BODY, "tools": tools}
    body = reply(make_api(), wanted, PATH)
    parts = named(events(make_api(), {**wanted, "stream": True}, PATH))
    assert [part["sequence_number"] for part in parts] == list(range(len(parts)))
    assert parts[0]["type"] == "response.created"
    assert parts[0]["response"]["usage"] is None
    assert parts[-1]["type"] == "response.completed"
    assert parts[-1]["response"] == body
    texts: dict[int, str] = {}
    for part in parts:
        if part["type"].endswith(".delta"):
            texts[part["output_index"]] = texts.get(part["output_index"], "") + part["delta"]
    for index, item in enumerate(body["output"]):
        assert texts[index] == item.get("arguments") or item["content"][0]["text"]
    done = [part["item"] for part in parts if part["type"] == "response.output_item.done"]
    assert done == body["output"]


def test_a_limit_makes_it_incomplete() -> None:
    body = reply(make_api(), {**BODY, "max_output_tokens": 30}, PATH)
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    parts = named(events(make_api(), {**BODY, "max_output_tokens": 30, "stream": True}, PATH))
    assert parts[-1]["type"] == "response.incomplete"


def test_text_can_be_json() -> None:
    form = {
        "type": "json_schema",
        "name": "x",
        "schema": {"type": "object", "properties": {"a": {"const": 1}}},
    }
    body = reply(make_api(), {**BODY, "text": {"format": form}}, PATH)
    assert json.loads(body["output"][1]["content"][0]["text"]) == {"a": 1}
