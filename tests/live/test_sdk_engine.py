"""The `openai` SDK, sync and async, through a node to a real model in its own engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.support.live import KEY, Gateway, add_engine, gateway, settings
from tests.support.model import small_model

MODEL = "small"
ASK: Any = [{"role": "user", "content": "Name three colours."}]
LIMITS: Any = {"max_tokens": 16, "seed": 7, "temperature": 0}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    config = settings()
    add_engine(config)
    config["engines"]["vectors"] = {
        **config["engines"]["small"],
        "model": str(small_model()),
        "embeddings": True,
    }
    config["providers"]["vectors"] = {"type": "llamacpp", "engine": "vectors"}
    config["models"]["vectors"] = {"deployments": [{"provider": "vectors"}]}
    with gateway(tmp_path_factory.mktemp("engine"), config) as running:
        yield running


@pytest.fixture(scope="module")
def client(node: Gateway) -> Iterator[Any]:
    with OpenAI(base_url=f"{node.url}/v1", api_key=KEY, max_retries=0) as made:
        yield made


def test_an_answer(client: Any) -> None:
    done = client.chat.completions.create(model=MODEL, messages=ASK, **LIMITS)
    assert done.choices[0].message.content
    assert done.usage is not None
    assert 0 < done.usage.completion_tokens <= 16


def test_a_stream_says_what_the_answer_says(client: Any) -> None:
    whole = client.chat.completions.create(model=MODEL, messages=ASK, **LIMITS)
    chunks = list(client.chat.completions.create(model=MODEL, messages=ASK, stream=True, **LIMITS))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == whole.choices[0].message.content
    assert all(chunk.choices for chunk in chunks), "the usage that the gateway asked for was passed on"
    asked = list(
        client.chat.completions.create(
            model=MODEL, messages=ASK, stream=True, stream_options={"include_usage": True}, **LIMITS
        )
    )
    assert asked[-1].choices == []
    assert asked[-1].usage.completion_tokens == whole.usage.completion_tokens


def test_the_async_client_answers_and_streams_beside_itself(node: Gateway) -> None:
    async def use() -> tuple[str, ...]:
        async with AsyncOpenAI(base_url=f"{node.url}/v1", api_key=KEY, max_retries=0) as made:

            async def stream() -> str:
                chunks = await made.chat.completions.create(model=MODEL, messages=ASK, stream=True, **LIMITS)
                return "".join([c.choices[0].delta.content or "" async for c in chunks])

            async def answer() -> str:
                done = await made.chat.completions.create(model=MODEL, messages=ASK, **LIMITS)
                return done.choices[0].message.content or ""

            return await asyncio.gather(stream(), answer(), stream())

    assert all(asyncio.run(use()))


def test_a_json_schema_is_kept(client: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green", "blue"]}, "known": {"type": "boolean"}},
        "required": ["colour", "known"],
        "additionalProperties": False,
    }
    form: Any = {"type": "json_schema", "json_schema": {"name": "colour", "schema": schema, "strict": True}}
    limits = {**LIMITS, "max_tokens": 64}
    done = client.chat.completions.create(model=MODEL, messages=ASK, response_format=form, **limits)
    said = json.loads(done.choices[0].message.content or "")
    assert said["colour"] in ("red", "green", "blue")
    assert isinstance(said["known"], bool)


def test_logprobs(client: Any) -> None:
    done = client.chat.completions.create(model=MODEL, messages=ASK, logprobs=True, top_logprobs=3, **LIMITS)
    entries = done.choices[0].logprobs.content
    assert len(entries) == done.usage.completion_tokens or len(entries) == done.usage.completion_tokens - 1
    assert {len(entry.top_logprobs) for entry in entries} == {3}
    assert all(entry.logprob <= 0 for entry in entries)
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=ASK, logprobs=True, top_logprobs=3, stream=True, **LIMITS
        )
    )
    assert any(c.choices[0].logprobs and c.choices[0].logprobs.content for c in chunks)


def test_a_completion(client: Any) -> None:
    done = client.completions.create(model=MODEL, prompt="One, two, three,", **LIMITS)
    assert done.choices[0].text
    pieces = list(client.completions.create(model=MODEL, prompt="One, two, three,", stream=True, **LIMITS))
    assert "".join(piece.choices[0].text for piece in pieces) == done.choices[0].text


def test_embeddings(client: Any) -> None:
    done = client.embeddings.create(model="vectors", input=["red", "blue"])
    assert [len(item.embedding) for item in done.data] == [576, 576]
    assert done.data[0].embedding != done.data[1].embedding


def test_chinese_and_unknown_fields_are_taken(client: Any) -> None:
    asked: Any = [{"role": "user", "content": "请说你好。😀"}]
    done = client.chat.completions.create(
        model=MODEL, messages=asked, extra_body={"x_unknown": {"空": [1.0, None]}}, **LIMITS
    )
    assert done.choices[0].message.role == "assistant"


def test_models_and_errors(client: Any, node: Gateway) -> None:
    assert [model.id for model in client.models.list()] == ["small", "vectors"]
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=MODEL, messages=[{"role": "nobody"}])
    with (
        pytest.raises(openai.BadRequestError) as beta,
        OpenAI(base_url=f"{node.url}/beta", api_key=KEY) as made,
    ):
        made.chat.completions.create(model=MODEL, messages=ASK)
    assert beta.value.code == "unsupported_capability"
