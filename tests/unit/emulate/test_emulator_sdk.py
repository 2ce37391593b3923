"""The `openai` and `anthropic` SDKs against the emulator, over real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from seekgate.emulate import BackgroundEmulator
from tests.unit.emulate.support import HELLO, WEATHER

CHAT: dict[str, Any] = {"model": "deepseek-flash", "messages": HELLO}
MESSAGE: dict[str, Any] = {"model": "deepseek-flash", "max_tokens": 500, "messages": HELLO}


@pytest.fixture(scope="module")
def client(served: BackgroundEmulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="sk-test", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def beta(client: openai.OpenAI, served: BackgroundEmulator) -> openai.OpenAI:
    return client.with_options(base_url=f"{served.url}/beta")


@pytest.fixture(scope="module")
def claude(served: BackgroundEmulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=f"{served.url}/anthropic", api_key="sk-test", max_retries=0) as client:
        yield client


def _emulate(faults: str) -> dict[str, str]:
    return {"x-emulate": faults}


def test_a_unary_answer_has_reasoning_and_usage(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(**CHAT)
    message = answer.choices[0].message
    assert message.content
    assert message.reasoning_content
    usage = answer.usage
    assert usage is not None
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens == 24
    assert answer.system_fingerprint


def test_a_stream_has_reasoning_then_content_then_usage(client: openai.OpenAI) -> None:
    content, reasoning, last = "", "", None
    for chunk in client.chat.completions.create(**CHAT, stream=True):
        delta = chunk.choices[0].delta
        content += delta.content or ""
        reasoning += getattr(delta, "reasoning_content", None) or ""
        last = chunk
    message = client.chat.completions.create(**CHAT).choices[0].message
    assert (content, reasoning) == (message.content, message.reasoning_content)
    assert last is not None
    assert last.usage is not None


def test_the_async_client_works_too(served: BackgroundEmulator) -> None:
    async def main() -> str:
        async with openai.AsyncOpenAI(base_url=served.url, api_key="sk-test") as client:
            stream = await client.chat.completions.create(**CHAT, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert asyncio.run(main())


def test_a_tool_loop_works_with_the_reasoning_and_is_refused_without(client: openai.OpenAI) -> None:
    tools: Any = [WEATHER]
    first = client.chat.completions.create(**CHAT, tools=tools).choices[0]
    assert first.finish_reason == "tool_calls"
    assert first.message.tool_calls
    call = first.message.tool_calls[0]
    turn = first.message.model_dump(exclude_none=True)
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    messages: Any = [*HELLO, turn, result]
    second = client.chat.completions.create(model="deepseek-flash", messages=messages, tools=tools).choices[0]
    assert second.finish_reason == "stop"
    assert second.message.content
    for wrong in ({}, {"reasoning_content": ""}):
        without = {name: value for name, value in turn.items() if name != "reasoning_content"}
        messages = [*HELLO, {**without, **wrong}, result]
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(model="deepseek-flash", messages=messages, tools=tools)
        assert raised.value.type == "invalid_request_error"
        assert raised.value.param == "messages[1].reasoning_content"


def test_the_stream_helper_puts_a_tool_call_together(client: openai.OpenAI) -> None:
    tools: Any = [WEATHER]
    with client.chat.completions.stream(**CHAT, tools=tools) as stream:
        completion = stream.get_final_completion()
    calls = completion.choices[0].message.tool_calls
    assert calls
    assert set(json.loads(calls[0].function.arguments)) == {"city", "days"}


def test_json_mode_and_json_schema(client: openai.OpenAI) -> None:
    class Weather(BaseModel):
        city: str
        days: list[int]

    messages: Any = [{"role": "user", "content": "The weather as JSON"}]
    answer = client.chat.completions.create(
        model="deepseek-flash", messages=messages, response_format={"type": "json_object"}
    )
    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(**CHAT, response_format={"type": "json_object"})
    parsed = client.chat.completions.parse(**CHAT, response_format=Weather).choices[0].message.parsed
    assert isinstance(parsed, Weather)


def test_logprobs(client: openai.OpenAI) -> None:
    logprobs = client.chat.completions.create(**CHAT, logprobs=True, top_logprobs=3).choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content
    assert len(logprobs.content[0].top_logprobs) == 3


@pytest.mark.parametrize("stream", [True, False])
def test_a_queue_is_waited_for(client: openai.OpenAI, stream: bool) -> None:
    headers = _emulate("keepalive=3@1ms")
    if stream:
        chunks = list(client.chat.completions.create(**CHAT, stream=True, extra_headers=headers))
        assert chunks[-1].choices[0].finish_reason == "stop"
    else:
        assert client.chat.completions.create(**CHAT, extra_headers=headers).choices[0].message.content


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        ("status=400", openai.BadRequestError),
        ("status=401", openai.AuthenticationError),
        ("status=402", openai.APIStatusError),
        ("status=422", openai.UnprocessableEntityError),
        ("status=429, retry-after=1", openai.RateLimitError),
        ("status=500", openai.InternalServerError),
        ("status=503, octet-error", openai.InternalServerError),
    ],
)
def test_errors_are_the_sdks_errors(
    client: openai.OpenAI, faults: str, error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error) as raised:
        client.chat.completions.create(**CHAT, extra_headers=_emulate(faults))
    assert str(raised.value.status_code) in faults
    assert raised.value.response.headers["x-ds-trace-id"]


def test_a_spent_balance_is_402(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        client.with_options(api_key="sk-emulate-broke").chat.completions.create(**CHAT)
    assert raised.value.status_code == 402
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-emulate-invalid").chat.completions.create(**CHAT)


@pytest.mark.parametrize("faults", ["cut=2", "reset=2", "reset=0", "garbage=head"])
def test_a_broken_stream_is_an_error(client: openai.OpenAI, faults: str) -> None:
    import httpx2

    with pytest.raises((openai.APIConnectionError, httpx2.TransportError)):
        list(client.chat.completions.create(**CHAT, stream=True, extra_headers=_emulate(faults)))


def test_chinese_text_comes_back_unchanged(client: openai.OpenAI) -> None:
    text = "请逐字返回:「你好,世界」𠮷\n第二行"
    messages: Any = [{"role": "user", "content": text}]
    for faults in ("echo", "echo, chunk-bytes=1"):
        stream = client.chat.completions.create(
            model="deepseek-flash", messages=messages, stream=True, extra_headers=_emulate(faults)
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == text


def test_a_prefix_is_continued(beta: openai.OpenAI) -> None:
    messages: Any = [*HELLO, {"role": "assistant", "content": "```python\n", "prefix": True}]
    answer = beta.chat.completions.create(model="deepseek-flash", messages=messages, stop=["```"])
    assert answer.choices[0].message.content


def test_the_middle_is_filled_in(beta: openai.OpenAI, client: openai.OpenAI) -> None:
    fim: dict[str, Any] = {"model": "deepseek-flash", "prompt": "def fib(n):", "suffix": "    return a"}
    whole = beta.completions.create(**fim).choices[0].text
    assert "".join(chunk.choices[0].text for chunk in beta.completions.create(**fim, stream=True)) == whole
    with pytest.raises(openai.BadRequestError):
        client.completions.create(**fim)


def test_embeddings_come_in_both_encodings(client: openai.OpenAI) -> None:
    wanted: dict[str, Any] = {"model": "emulated-embedding", "input": ["one", "二"]}
    packed = client.embeddings.create(**wanted).data
    floats = client.embeddings.create(**wanted, encoding_format="float").data
    assert [entry.embedding for entry in packed] == [pytest.approx(entry.embedding) for entry in floats]
    assert len(packed[0].embedding) == 256


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert "deepseek-flash" in [model.id for model in client.models.list()]


def test_responses(client: openai.OpenAI) -> None:
    wanted: dict[str, Any] = {"model": "deepseek-flash", "input": "Say hello", "reasoning": {"effort": "low"}}
    response = client.responses.create(**wanted)
    assert response.output_text
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens == 8
    with client.responses.stream(**wanted) as stream:
        assert stream.get_final_response().output_text == response.output_text


def test_messages(claude: anthropic.Anthropic) -> None:
    message = claude.messages.create(**MESSAGE)
    assert [block.type for block in message.content] == ["thinking", "text"]
    with claude.messages.stream(**MESSAGE) as stream:
        streamed = stream.get_final_message()
    assert [block.model_dump(exclude={"signature"}) for block in streamed.content] == [
        block.model_dump(exclude={"signature"}) for block in message.content
    ]
    assert streamed.usage.output_tokens == message.usage.output_tokens


def test_messages_call_tools_and_need_the_thinking_back(claude: anthropic.Anthropic) -> None:
    tools: Any = [
        {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
    ]
    with claude.messages.stream(**MESSAGE, tools=tools) as stream:
        first = stream.get_final_message()
    assert first.stop_reason == "tool_use"
    use = first.content[-1]
    assert use.type == "tool_use"
    assert isinstance(use.input["city"], str)
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}]}
    messages: Any = [*HELLO, {"role": "assistant", "content": first.content}, result]
    second = claude.messages.create(model="deepseek-flash", max_tokens=500, messages=messages, tools=tools)
    assert second.stop_reason == "end_turn"
    messages[1] = {"role": "assistant", "content": [use]}
    with pytest.raises(anthropic.BadRequestError):
        claude.messages.create(model="deepseek-flash", max_tokens=500, messages=messages, tools=tools)


def test_leaving_a_stream_is_seen(client: openai.OpenAI, served: BackgroundEmulator) -> None:
    stream = client.chat.completions.create(**CHAT, stream=True, extra_headers=_emulate("slow=1m"))
    next(iter(stream))
    record = served.emulator.requests[-1]
    left = time.monotonic()
    stream.close()
    seen = asyncio.run_coroutine_threadsafe(
        served.emulator.until(lambda: record.outcome != "open"), served.loop
    )
    seen.result(timeout=30)
    assert record.outcome == "aborted"
    assert record.ended is not None
    assert record.ended >= left
