"""Chat completions in their two renderings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.emulate.support import HELLO, WEATHER, chat, chunks, events, make_api, reply


def _joined(parts: list[Any], field: str) -> str:
    deltas = [part["choices"][0]["delta"] for part in parts if part["choices"]]
    return "".join(delta.get(field) or "" for delta in deltas)


def test_thinking_is_on_and_shows_beside_the_content() -> None:
    message = reply(make_api(), chat())["choices"][0]["message"]
    assert message["role"] == "assistant"
    assert message["content"]
    assert message["reasoning_content"]


def test_without_thinking_there_is_no_reasoning_content() -> None:
    body = reply(make_api(), chat(thinking={"type": "disabled"}))
    assert "reasoning_content" not in body["choices"][0]["message"]
    assert "completion_tokens_details" not in body["usage"]


def test_the_stream_says_the_same_as_the_body() -> None:
    body = reply(make_api(), chat())
    parts = chunks(events(make_api(), chat(stream=True)))
    message = body["choices"][0]["message"]
    assert _joined(parts, "content") == message["content"]
    assert _joined(parts, "reasoning_content") == message["reasoning_content"]
    assert parts[0]["choices"][0]["delta"]["role"] == "assistant"
    assert parts[-1]["choices"][0]["finish_reason"] == "stop"
    for part in parts:
        assert part["object"] == "chat.completion.chunk"
        assert [part[name] for name in ("id", "model", "created", "system_fingerprint")] == [
            body[name] for name in ("id", "model", "created", "system_fingerprint")
        ]


def test_reasoning_comes_before_content_and_never_together() -> None:
    deltas = [part["choices"][0]["delta"] for part in chunks(events(make_api(), chat(stream=True)))]
    kinds = ["r" if delta["reasoning_content"] else "c" for delta in deltas[1:-1]]
    assert "".join(kinds) == "r" * kinds.count("r") + "c" * kinds.count("c")
    assert all(not (delta["content"] and delta["reasoning_content"]) for delta in deltas)


def test_usage_comes_in_the_last_chunk() -> None:
    parts = chunks(events(make_api(), chat(stream=True)))
    assert all("usage" not in part for part in parts[:-1])
    assert parts[-1]["usage"] == reply(make_api(), chat())["usage"]


def test_include_usage_adds_a_chunk_and_a_null_to_the_others() -> None:
    parts = chunks(events(make_api(), chat(stream=True, stream_options={"include_usage": True})))
    assert all(part["usage"] is None for part in parts[:-1])
    assert parts[-1]["choices"] == []
    assert parts[-1]["usage"] == reply(make_api(), chat())["usage"]


def test_usage_can_be_left_out_unless_asked_for() -> None:
    api = make_api()
    assert all("usage" not in part for part in chunks(events(api, chat(stream=True), emulate="usage-on-ask")))
    asked = chat(stream=True, stream_options={"include_usage": True})
    assert chunks(events(api, asked, emulate="usage-on-ask"))[-1]["usage"]["total_tokens"] > 0


def test_usage_counts_reasoning_and_adds_up() -> None:
    usage = reply(make_api(), chat())["usage"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 24
    assert usage["completion_tokens"] > 24
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]


def test_a_tool_call_is_whole_in_the_body() -> None:
    choice = reply(make_api(), chat(tools=[WEATHER]))["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    call = choice["message"]["tool_calls"][0]
    assert (call["type"], call["function"]["name"]) == ("function", "weather")
    arguments = json.loads(call["function"]["arguments"])
    assert isinstance(arguments["city"], str)
    assert 1 <= arguments["days"] <= 7


def test_a_tool_call_is_streamed_in_pieces() -> None:
    body = chat(tools=[WEATHER])
    whole = reply(make_api(), body, emulate="tool-calls=2")["choices"][0]["message"]["tool_calls"]
    parts = chunks(events(make_api(), {**body, "stream": True}, emulate="tool-calls=2"))
    calls: dict[int, dict[str, Any]] = {}
    pieces = 0
    for part in parts:
        for delta in part["choices"][0]["delta"].get("tool_calls", ()):
            call = calls.setdefault(delta["index"], {"id": delta.get("id"), "name": "", "arguments": ""})
            call["name"] += delta["function"].get("name", "")
            call["arguments"] += delta["function"]["arguments"]
            pieces += 1
    assert [(call["id"], call["name"], call["arguments"]) for call in calls.values()] == [
        (call["id"], call["function"]["name"], call["function"]["arguments"]) for call in whole
    ]
    assert pieces > 4
    assert parts[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_json_mode_gives_an_object() -> None:
    messages = [{"role": "user", "content": "Say hello in json"}]
    body = reply(make_api(), chat(messages=messages, response_format={"type": "json_object"}))
    assert isinstance(json.loads(body["choices"][0]["message"]["content"]), dict)


def test_a_json_schema_is_matched() -> None:
    function = WEATHER["function"]
    assert isinstance(function, dict)
    form = {"type": "json_schema", "json_schema": {"name": "w", "schema": function["parameters"]}}
    body = reply(make_api(), chat(response_format=form))
    assert set(json.loads(body["choices"][0]["message"]["content"])) == {"city", "days"}


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_logprobs_have_an_entry_for_each_token(field: str) -> None:
    body = chat(logprobs=True, top_logprobs=2)
    choice = reply(make_api(), body)["choices"][0]
    entries = choice["logprobs"][field]
    assert "".join(entry["token"] for entry in entries) == choice["message"][field]
    assert all(len(entry["top_logprobs"]) == 2 for entry in entries)
    streamed = chunks(events(make_api(), {**body, "stream": True}))
    joined = [
        entry
        for part in streamed
        if part["choices"][0]["logprobs"]
        for entry in part["choices"][0]["logprobs"][field] or ()
    ]
    assert joined == entries


def test_without_asking_there_are_no_logprobs() -> None:
    assert reply(make_api(), chat())["choices"][0]["logprobs"] is None
    assert (
        reply(make_api(), chat(logprobs=True))["choices"][0]["logprobs"]["content"][0]["top_logprobs"] == []
    )


def test_the_finish_reason_tells_of_a_limit() -> None:
    choice = reply(make_api(), chat(max_tokens=30))["choices"][0]
    assert choice["finish_reason"] == "length"
    assert reply(make_api(), chat(max_tokens=30))["usage"]["completion_tokens"] == 30


def test_the_finish_reason_can_be_insufficient_system_resource() -> None:
    emulate = "finish=insufficient_system_resource"
    assert (
        reply(make_api(), chat(), emulate=emulate)["choices"][0]["finish_reason"]
        == "insufficient_system_resource"
    )
    last = chunks(events(make_api(), chat(stream=True), emulate=emulate))[-1]
    assert last["choices"][0]["finish_reason"] == "insufficient_system_resource"


def test_an_echo_gives_chinese_text_back_unchanged() -> None:
    text = '请逐字返回:「你好,世界」 — 𠮷野家 👩‍👩‍👧 \\u4f60 "引号"\n第二行\t末尾'
    messages = [*HELLO, {"role": "user", "content": text}]
    body = reply(make_api(), chat(messages=messages), emulate="echo")
    assert body["choices"][0]["message"]["content"] == text
    parts = chunks(events(make_api(), chat(messages=messages, stream=True), emulate="echo"))
    assert _joined(parts, "content") == text


def test_n_is_ignored() -> None:
    assert len(reply(make_api(), chat(n=3))["choices"]) == 1


def test_stop_ends_the_text() -> None:
    whole = reply(make_api(), chat())["choices"][0]["message"]["content"]
    stop = whole[10:16]
    body = reply(make_api(), chat(stop=[stop]))
    assert body["choices"][0]["message"]["content"] == whole[: whole.index(stop)]
