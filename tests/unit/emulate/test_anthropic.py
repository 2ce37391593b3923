from __future__ import annotations

import json

import pytest

from tests.unit.emulate.support import events, make_api, named, reply, send

PATH = "/anthropic/v1/messages"
TOOL = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
BODY = {
    "model": "deepseek-flash",
    "max_tokens": 200,
    "messages": [{"role": "user", "content": "Say hello" * 40}],
}


def test_a_message_has_thinking_then_text() -> None:
    body = reply(make_api(), BODY, PATH)
    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "end_turn")
    assert [block["type"] for block in body["content"]] == ["thinking", "text"]
    assert all(block.get("thinking") or block.get("text") for block in body["content"])


def test_usage_counts_the_cache_apart() -> None:
    api = make_api()
    first, second = (reply(api, BODY, PATH)["usage"] for _ in range(2))
    assert first["cache_read_input_tokens"] == 0
    assert second["cache_read_input_tokens"] == 64
    assert second["input_tokens"] + 64 == first["input_tokens"]


@pytest.mark.parametrize("tools", [[], [TOOL]])
def test_the_stream_says_the_same_as_the_message(tools: list[object]) -> None:
    wanted = {**BODY, "tools": tools}
    body = reply(make_api(), wanted, PATH)
    parts = named(events(make_api(), {**wanted, "stream": True}, PATH))
    assert parts[0]["type"] == "message_start"
    assert parts[0]["message"]["id"] == body["id"]
    assert parts[-1]["type"] == "message_stop"
    texts: dict[int, str] = {}
    kinds: list[str] = []
    for part in parts:
        if part["type"] == "content_block_start":
            kinds.append(part["content_block"]["type"])
        elif part["type"] == "content_block_delta":
            delta = part["delta"]
            text = delta.get("thinking") or delta.get("text") or delta.get("partial_json") or ""
            texts[part["index"]] = texts.get(part["index"], "") + text
    assert kinds == [block["type"] for block in body["content"]]
    for index, block in enumerate(body["content"]):
        if block["type"] == "tool_use":
            assert json.loads(texts[index]) == block["input"]
        else:
            assert texts[index] == block.get("thinking") or block.get("text")
    end = next(part for part in parts if part["type"] == "message_delta")
    assert end["delta"]["stop_reason"] == body["stop_reason"] == ("tool_use" if tools else "end_turn")
    assert end["usage"] == body["usage"]


@pytest.mark.parametrize(
    ("emulate", "limit", "reason"),
    [("", 30, "max_tokens"), ("finish=content_filter", 200, "refusal"), ("finish=other", 200, "other")],
)
def test_stop_reasons_are_translated(emulate: str, limit: int, reason: str) -> None:
    assert reply(make_api(), {**BODY, "max_tokens": limit}, PATH, emulate=emulate)["stop_reason"] == reason


def test_a_tool_call_that_was_cut_has_no_input() -> None:
    body = reply(make_api(), {**BODY, "tools": [TOOL], "max_tokens": 25}, PATH)
    assert (body["content"][-1]["input"], body["stop_reason"]) == ({}, "max_tokens")


@pytest.mark.parametrize(
    ("key", "status", "kind"),
    [("sk-emulate-invalid", 401, "authentication_error"), ("sk-emulate-broke", 402, "billing_error")],
)
def test_errors_have_the_form_of_this_api(key: str, status: int, kind: str) -> None:
    answer = send(make_api(), BODY, PATH, key=key).answer
    assert answer.status == status
    body = json.loads(answer.body)
    assert (body["type"], body["error"]["type"]) == ("error", kind)
