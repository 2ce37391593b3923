from __future__ import annotations

import base64
import math
import struct

import pytest

from seekgate.emulate.embeddings import vector
from tests.unit.emulate.support import error, make_api, reply, send

PATH = "/v1/embeddings"


def _body(**fields: object) -> dict[str, object]:
    return {"model": "emulated-embedding", "input": ["one", "二"], **fields}


def test_each_input_has_a_vector_of_length_one() -> None:
    body = reply(make_api(), _body(), PATH)
    assert (body["object"], body["model"]) == ("list", "emulated-embedding")
    assert [entry["index"] for entry in body["data"]] == [0, 1]
    for entry in body["data"]:
        assert len(entry["embedding"]) == 256
        assert math.hypot(*entry["embedding"]) == pytest.approx(1, abs=1e-6)
    assert body["usage"] == {"prompt_tokens": 2, "total_tokens": 2}


def test_vectors_depend_on_the_text_and_the_seed_only() -> None:
    assert vector("one", 8, 1) == vector("one", 8, 1)
    assert len({tuple(vector(text, 8, seed)) for text in ("one", "two") for seed in (1, 2)}) == 4
    assert (
        reply(make_api(), _body(input="one"), PATH)["data"][0] == reply(make_api(), _body(), PATH)["data"][0]
    )


def test_base64_tells_the_same_numbers() -> None:
    floats = reply(make_api(), _body(dimensions=5), PATH)["data"][0]["embedding"]
    packed = reply(make_api(), _body(dimensions=5, encoding_format="base64"), PATH)["data"][0]["embedding"]
    assert list(struct.unpack("<5f", base64.b64decode(packed))) == floats


@pytest.mark.parametrize(("given", "count"), [([1, 2, 3], 1), ([[1], [2, 3]], 2)])
def test_token_numbers_are_taken(given: list[object], count: int) -> None:
    body = reply(make_api(), _body(input=given), PATH)
    assert len(body["data"]) == count
    assert body["usage"]["prompt_tokens"] == 3


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"input": []}, 400, "input"),
        ({"input": ""}, 400, "input"),
        ({"input": ["a", ""]}, 400, "input"),
        ({"dimensions": 0}, 400, "dimensions"),
        ({"dimensions": 4_097}, 400, "dimensions"),
        ({"model": "deepseek-flash"}, 400, "model"),
        ({"model": "unknown"}, 400, "model"),
        ({"encoding_format": "hex"}, 422, None),
    ],
)
def test_wrong_parameters_are_named(fields: dict[str, object], status: int, param: str | None) -> None:
    assert error(send(make_api(), _body(**fields), PATH), status)["param"] == param


def test_the_embedding_model_does_not_chat() -> None:
    body = {"model": "emulated-embedding", "messages": [{"role": "user", "content": "x"}]}
    assert error(send(make_api(), body), 400)["param"] == "model"
