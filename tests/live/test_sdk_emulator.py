"""The `openai` SDK, sync and async, through a node to the emulator of DeepSeek's API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from seekgate.emulate import BackgroundEmulator, Settings
from tests.support.live import KEY, UPSTREAM_KEY, Gateway, gateway, settings
from tests.support.live_emulators import by_user

MODEL = "deepseek-flash"
ASK = [{"role": "user", "content": "Which river is the longest?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
QUIET = {"thinking": {"type": "disabled"}}

# Clients are Any here: what is tested is what they do, and their types change with every release.

# What shall go wrong is chosen by the request's user_id, which every client can send.
FAULTS = {
    "cut-4": "cut=4",
    "cut-unary": "cut=0",
    "busy": "status=503",
    "broke": "status=402",
    "limited": "status=429,retry-after=7",
    "garbage": "garbage=head",
    "waits": "keepalive=3",
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[BackgroundEmulator]:
    with BackgroundEmulator(Settings(rules=by_user(FAULTS))) as running:
        yield running


@pytest.fixture(scope="module")
def node(emulator: BackgroundEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("emulator")
    config = settings(emulator.url)
    nowhere = {"type": "openai", "base_url": "http://127.0.0.1:9/v1"}
    config["providers"]["nowhere"] = nowhere
    config["models"]["unreachable"] = {"deployments": [{"provider": "nowhere"}]}
    config["routes"].append({"prefix": "/only", "models": ["deepseek-v4-pro"]})
    with gateway(folder, config) as running:
        yield running


@pytest.fixture(scope="module")
def client(node: Gateway) -> Iterator[Any]:
    with OpenAI(base_url=f"{node.url}/v1", api_key=KEY, max_retries=0) as made:
        yield made


def _client(node: Gateway, path: str, key: str = KEY) -> Any:
    return OpenAI(base_url=f"{node.url}{path}", api_key=key, max_retries=0)


def _async(node: Gateway, use: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with AsyncOpenAI(base_url=f"{node.url}/v1", api_key=KEY, max_retries=0) as made:
            return await use(made)

    return asyncio.run(run())


def _content(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def _reasoning(chunks: list[Any]) -> str:
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    return "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)


def test_an_answer_has_content_reasoning_and_usage(client: Any, emulator: BackgroundEmulator) -> None:
    done = client.chat.completions.create(model=MODEL, messages=ASK)
    message = done.choices[0].message
    assert message.content
    assert message.reasoning_content
    assert done.choices[0].finish_reason == "stop"
    assert done.usage is not None
    assert done.usage.completion_tokens_details.reasoning_tokens == 24
    assert (
        done.usage.prompt_cache_hit_tokens + done.usage.prompt_cache_miss_tokens == done.usage.prompt_tokens
    )
    assert emulator.emulator.requests[-1].header("authorization") == f"Bearer {UPSTREAM_KEY}"


def test_a_stream_says_what_the_answer_says(client: Any) -> None:
    whole = client.chat.completions.create(model=MODEL, messages=ASK).choices[0].message
    chunks = list(client.chat.completions.create(model=MODEL, messages=ASK, stream=True))
    assert _content(chunks) == whole.content
    assert _reasoning(chunks) == whole.reasoning_content
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len(chunks) > 30


def test_a_stream_reports_usage_to_whom_it_asked_for_it(client: Any) -> None:
    with client.chat.completions.create(
        model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens > 24
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_the_async_client_answers_and_streams(node: Gateway, client: Any) -> None:
    async def use(made: Any) -> tuple[Any, list[Any]]:
        async def stream() -> list[Any]:
            return [
                c async for c in await made.chat.completions.create(model=MODEL, messages=ASK, stream=True)
            ]

        answers = await asyncio.gather(
            *(made.chat.completions.create(model=MODEL, messages=ASK) for _ in range(4)),
            *(stream() for _ in range(4)),
        )
        assert len({answer.choices[0].message.content for answer in answers[:4]}) == 1
        return answers[0], answers[-1]

    whole, chunks = _async(node, use)
    assert _content(chunks) == whole.choices[0].message.content
    assert whole.choices[0].message.content == (
        client.chat.completions.create(model=MODEL, messages=ASK).choices[0].message.content
    )


def test_thinking_is_switched_by_extra_body(client: Any) -> None:
    quiet = client.chat.completions.create(model=MODEL, messages=ASK, extra_body=QUIET)
    assert not hasattr(quiet.choices[0].message, "reasoning_content")
    low = client.chat.completions.create(
        model=MODEL, messages=ASK, reasoning_effort="low", extra_body={"thinking": {"type": "enabled"}}
    )
    assert low.usage is not None
    assert low.usage.completion_tokens_details.reasoning_tokens == 8
    chunks = list(client.chat.completions.create(model=MODEL, messages=ASK, stream=True, extra_body=QUIET))
    assert _reasoning(chunks) == ""
    assert _content(chunks) == quiet.choices[0].message.content


def test_an_alias_is_its_model(client: Any) -> None:
    done = client.chat.completions.create(model="deepseek-v4-flash", messages=ASK)
    assert done.model == MODEL


def test_a_waiting_stream_is_read_through_its_comments(client: Any) -> None:
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=ASK, stream=True, extra_body={"user_id": "waits"}
        )
    )
    assert _content(chunks)
    waited = client.chat.completions.create(model=MODEL, messages=ASK, extra_body={"user_id": "waits"})
    assert waited.choices[0].message.content


def test_a_tool_is_called_and_its_loop_needs_the_reasoning(client: Any) -> None:
    asked: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
    first = client.chat.completions.create(model=MODEL, messages=asked, tools=[TOOL])
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    call = message.tool_calls[0]
    assert call.function.name == "weather"
    assert set(json.loads(call.function.arguments)) == {"city", "days"}
    turn = {"role": "assistant", "content": message.content, "tool_calls": [call.model_dump()]}
    result = {"role": "tool", "tool_call_id": call.id, "content": "snow"}
    with pytest.raises(openai.BadRequestError, match="reasoning_content") as refused:
        client.chat.completions.create(model=MODEL, messages=[*asked, turn, result], tools=[TOOL])
    assert refused.value.type == "invalid_request_error"
    turn["reasoning_content"] = message.reasoning_content
    done = client.chat.completions.create(model=MODEL, messages=[*asked, turn, result], tools=[TOOL])
    assert done.choices[0].finish_reason == "stop"
    assert done.choices[0].message.content


def test_a_tool_call_streams_in_pieces(client: Any, node: Gateway) -> None:
    chunks = list(client.chat.completions.create(model=MODEL, messages=ASK, tools=[TOOL], stream=True))
    calls = [c.choices[0].delta.tool_calls[0] for c in chunks if c.choices[0].delta.tool_calls]
    assert calls[0].function.name == "weather"
    assert set(json.loads("".join(c.function.arguments or "" for c in calls))) == {"city", "days"}
    assert len(calls) > 2
    assert chunks[-1].choices[0].finish_reason == "tool_calls"

    async def use(made: Any) -> Any:
        async with made.chat.completions.stream(model=MODEL, messages=ASK, tools=[TOOL]) as stream:
            return await stream.get_final_completion()

    assert _async(node, use).choices[0].message.tool_calls[0].function.name == "weather"


def test_a_json_schema_is_kept(client: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"river": {"type": "string"}, "km": {"type": "integer"}},
        "required": ["river", "km"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "river", "schema": schema, "strict": True}}
    done = client.chat.completions.create(model=MODEL, messages=ASK, response_format=form)
    assert set(json.loads(done.choices[0].message.content or "")) == {"river", "km"}
    chunks = list(
        client.chat.completions.create(model=MODEL, messages=ASK, response_format=form, stream=True)
    )
    assert set(json.loads(_content(chunks))) == {"river", "km"}


def test_json_mode_wants_the_word(client: Any) -> None:
    form: Any = {"type": "json_object"}
    with pytest.raises(openai.BadRequestError, match="json"):
        client.chat.completions.create(model=MODEL, messages=ASK, response_format=form)
    asked: Any = [{"role": "user", "content": "Answer in JSON."}]
    done = client.chat.completions.create(model=MODEL, messages=asked, response_format=form)
    assert isinstance(json.loads(done.choices[0].message.content or ""), dict)


def test_logprobs(client: Any) -> None:
    done = client.chat.completions.create(model=MODEL, messages=ASK, logprobs=True, top_logprobs=3)
    entries = done.choices[0].logprobs.content
    assert "".join(entry.token for entry in entries) == done.choices[0].message.content
    assert {len(entry.top_logprobs) for entry in entries} == {3}
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=ASK, logprobs=True, top_logprobs=3, stream=True, extra_body=QUIET
        )
    )
    streamed = [c.choices[0].logprobs.content[0] for c in chunks if c.choices[0].delta.content]
    assert all(entry.top_logprobs[0].token == entry.token for entry in streamed)


def test_embeddings(client: Any, node: Gateway) -> None:
    done = client.embeddings.create(model="emulated-embedding", input=["长江", "Nile"], dimensions=32)
    assert [len(item.embedding) for item in done.data] == [32, 32]
    plain = client.embeddings.create(
        model="emulated-embedding", input="长江", dimensions=32, encoding_format="float"
    )
    assert plain.data[0].embedding == pytest.approx(done.data[0].embedding)

    async def use(made: Any) -> Any:
        return await made.embeddings.create(model="emulated-embedding", input="长江", dimensions=32)

    assert _async(node, use).data[0].embedding == done.data[0].embedding


def test_embeddings_of_a_model_that_has_none(client: Any) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.embeddings.create(model=MODEL, input="x")
    assert refused.value.code == "unsupported_capability"


# Beta, prefixes, lists.


def test_a_prefix_is_completed_under_beta(node: Gateway) -> None:
    messages: Any = [*ASK, {"role": "assistant", "content": "The longest is", "prefix": True}]
    with _client(node, "/beta") as beta:
        done = beta.chat.completions.create(model=MODEL, messages=messages, extra_body=QUIET)
        assert done.choices[0].message.content
        filled = beta.completions.create(model=MODEL, prompt="def add(", suffix="return a + b", logprobs=2)
        assert filled.choices[0].text
        assert filled.object == "text_completion"
        pieces = list(beta.completions.create(model=MODEL, prompt="def add(", suffix="return", stream=True))
        assert "".join(piece.choices[0].text for piece in pieces)
    with _client(node, "/v1") as plain, pytest.raises(openai.BadRequestError, match="beta"):
        plain.chat.completions.create(model=MODEL, messages=messages)


@pytest.mark.parametrize("path", ["", "/v1", "/beta", "/api/v1/deepseek", "/api/v1/deepseek/v1"])
def test_every_path_answers(node: Gateway, emulator: BackgroundEmulator, path: str) -> None:
    with _client(node, path) as made:
        done = made.chat.completions.create(model=MODEL, messages=ASK)
        assert done.choices[0].message.content
        assert MODEL in [model.id for model in made.models.list()]
    wanted = "/beta/chat/completions" if path == "/beta" else "/chat/completions"
    assert emulator.emulator.requests[-1].path == wanted


def test_models_are_listed_and_found(client: Any, node: Gateway) -> None:
    names = [model.id for model in client.models.list()]
    assert {MODEL, "deepseek-v4-pro", "emulated-embedding", "unreachable"} <= set(names)
    assert client.models.retrieve("deepseek-v4-pro").id == "deepseek-v4-pro"
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("no-such-model")
    assert missing.value.code == "model_not_found"

    async def use(made: Any) -> list[str]:
        return [model.id async for model in made.models.list()]

    assert _async(node, use) == names


def test_a_route_limits_its_models(node: Gateway) -> None:
    with _client(node, "/only") as made:
        assert [model.id for model in made.models.list()] == ["deepseek-v4-pro"]
        assert made.chat.completions.create(model="deepseek-v4-pro", messages=ASK).choices[0].message.content
        with pytest.raises(openai.NotFoundError):
            made.chat.completions.create(model=MODEL, messages=ASK)


# Errors.


def test_a_wrong_key_is_refused(node: Gateway) -> None:
    with _client(node, "/v1", "sk-wrong") as made:
        with pytest.raises(openai.AuthenticationError) as refused:
            made.chat.completions.create(model=MODEL, messages=ASK)
        with pytest.raises(openai.AuthenticationError):
            made.models.list()
    assert refused.value.code == "invalid_api_key"
    assert refused.value.request_id
    assert refused.value.body["request_id"] == refused.value.request_id


def test_an_unknown_model_is_not_found(client: Any) -> None:
    with pytest.raises(openai.NotFoundError, match="deepseek-flash") as missing:
        client.chat.completions.create(model="deepseek-flush", messages=ASK)
    assert missing.value.code == "model_not_found"
    assert missing.value.param == "model"


def test_what_the_upstream_refuses_comes_through(client: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="max_tokens"):
        client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=10**9)
    with pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model=MODEL, messages="no list")
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model=MODEL, messages=ASK, extra_body={"user_id": "limited"})
    assert limited.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.InternalServerError) as busy:
        client.chat.completions.create(model=MODEL, messages=ASK, extra_body={"user_id": "busy"})
    assert busy.value.status_code == 503


@pytest.mark.parametrize("user", ["broke", "garbage"])
def test_the_upstream_s_fault_is_never_the_caller_s(client: Any, user: str) -> None:
    with pytest.raises(openai.APIStatusError) as failed:
        client.chat.completions.create(model=MODEL, messages=ASK, extra_body={"user_id": user})
    assert failed.value.status_code == 502
    assert failed.value.type == "api_error"


def test_a_plain_answer_that_is_cut_never_looks_whole(client: Any) -> None:
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model=MODEL, messages=ASK, extra_body={"user_id": "cut-unary"})


def test_an_unreachable_upstream_is_502(client: Any) -> None:
    with pytest.raises(openai.APIStatusError, match="refused") as failed:
        client.chat.completions.create(model="unreachable", messages=ASK)
    assert failed.value.status_code == 502
    assert failed.value.code == "upstream_connect_failed"


def test_a_stream_that_is_cut_raises(client: Any, node: Gateway) -> None:
    chunks: list[Any] = []
    stream = client.chat.completions.create(
        model=MODEL, messages=ASK, stream=True, extra_body={"user_id": "cut-4"}
    )
    with pytest.raises(openai.APIError, match="answer was complete"):
        chunks.extend(stream)
    assert len(chunks) == 4

    async def use(made: Any) -> None:
        stream = await made.chat.completions.create(
            model=MODEL, messages=ASK, stream=True, extra_body={"user_id": "cut-4"}
        )
        async for _ in stream:
            continue

    with pytest.raises(openai.APIError):
        _async(node, use)


def test_a_wrong_path_is_not_found(node: Gateway) -> None:
    with _client(node, "/v2") as made, pytest.raises(openai.NotFoundError) as missing:
        made.chat.completions.create(model=MODEL, messages=ASK)
    assert missing.value.code == "unknown_url"
