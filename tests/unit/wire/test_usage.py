"""Usage: every dialect's shape, and what is not believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.wire.usage import MAX_TOKENS, NOTHING, Usage, from_body, from_event, from_tail


def answer(usage: Any, **more: Any) -> bytes:
    return json.dumps(
        {"id": "x", "choices": [{"finish_reason": "stop", "index": 0}], "usage": usage, **more}
    ).encode()


SHAPES: list[tuple[str, dict[str, Any], Usage]] = [
    (
        "deepseek",
        {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_cache_hit_tokens": 64,
            "prompt_cache_miss_tokens": 36,
            "completion_tokens_details": {"reasoning_tokens": 7},
            "prompt_tokens_details": {"cached_tokens": 64},
        },
        Usage(100, 20, 120, 64, 36, 7),
    ),
    (
        "openai",
        {
            "prompt_tokens": 19,
            "completion_tokens": 10,
            "total_tokens": 29,
            "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "accepted_prediction_tokens": 0},
        },
        Usage(19, 10, 29, 5, 14, 0),
    ),
    ("llama.cpp", {"completion_tokens": 4, "prompt_tokens": 9, "total_tokens": 13}, Usage(9, 4, 13, 0, 9, 0)),
    ("embeddings", {"prompt_tokens": 8, "total_tokens": 8}, Usage(8, 0, 8, 0, 8, 0)),
    (
        "null details",
        {
            "prompt_tokens": 8,
            "completion_tokens": 1,
            "total_tokens": 9,
            "prompt_tokens_details": None,
            "completion_tokens_details": None,
        },
        Usage(8, 1, 9, 0, 8, 0),
    ),
    ("misses only", {"prompt_tokens": 8, "prompt_cache_miss_tokens": 6}, Usage(8, 0, 8, 2, 6, 0)),
    ("no total", {"prompt_tokens": 8, "completion_tokens": 3}, Usage(8, 3, 11, 0, 8, 0)),
    (
        "thinking counted beside the completion",
        {
            "prompt_tokens": 8,
            "completion_tokens": 3,
            "total_tokens": 61,
            "completion_tokens_details": {"reasoning_tokens": 50},
        },
        Usage(8, 3, 61, 0, 8, 50),
    ),
]


@pytest.mark.parametrize(("usage", "expected"), [s[1:] for s in SHAPES], ids=[s[0] for s in SHAPES])
def test_each_dialect(usage: dict[str, Any], expected: Usage) -> None:
    body = answer(usage, model="deepseek-flash", system_fingerprint="fp_1")
    assert from_body(body) == (expected, "deepseek-flash", "fp_1", "stop")
    assert from_event(body) == from_body(body)
    assert from_tail(body) == expected
    assert expected.hit + expected.miss == expected.prompt


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        "many",
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": 1, "completion_tokens": -1},
        {"prompt_tokens": 1, "total_tokens": -1},
        {"prompt_tokens": MAX_TOKENS + 1},
        {"prompt_tokens": 1, "total_tokens": MAX_TOKENS + 1},
        {"prompt_tokens": 10**30},
        {"prompt_tokens": "7"},
        {"prompt_tokens": 7.5},
        {"prompt_tokens": True},
        {"prompt_tokens": 5, "prompt_cache_hit_tokens": 6},
        {"prompt_tokens": 5, "prompt_cache_hit_tokens": -1},
        {"prompt_tokens": 5, "prompt_cache_miss_tokens": 6},
        {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}},
        {"prompt_tokens": 5, "completion_tokens_details": {"reasoning_tokens": -2}},
        {"prompt_tokens": 5, "completion_tokens_details": {"reasoning_tokens": MAX_TOKENS + 1}},
        {"completion_tokens": 5},
    ],
)
def test_what_is_not_believed_is_none(usage: Any) -> None:
    body = answer(usage, model="m")
    assert from_body(body) == (None, "m", None, "stop")
    assert from_tail(body) is None


def test_a_field_of_another_type_spoils_only_itself() -> None:
    body = json.dumps(
        {
            "usage": {"prompt_tokens": 3},
            "model": 7,
            "system_fingerprint": ["x"],
            "choices": [{"finish_reason": 1}],
        }
    )
    assert from_body(body.encode()) == (Usage(3, 0, 3, 0, 3, 0), None, None, None)
    assert from_body(b'{"usage":"x","model":"m","choices":{}}') == (None, "m", None, None)
    assert from_body(b'{"model":"m","choices":[]}') == (None, "m", None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"x"',
        b'{"usage":',
        b"\xff",
        b'{"model":"\xff"}',
        b"[" * 100_000,
        b"[DONE]",
    ],
)
def test_what_is_not_an_answer_gives_nothing(body: bytes) -> None:
    assert from_body(body) == NOTHING
    assert from_tail(body) is None


def test_empty_lines_before_a_queued_answer() -> None:
    assert from_body(b"\n\n\n" + answer({"prompt_tokens": 2}))[0] == Usage(2, 0, 2, 0, 2, 0)


def test_the_tail_may_begin_anywhere() -> None:
    text = 'She said "usage": {"prompt_tokens": 99} and \\ left'
    body = json.dumps(
        {
            "choices": [{"message": {"content": text}}],
            "usage": {"prompt_tokens": 2, "d": {"a": "}"}},
            "x": [1],
        }
    ).encode()
    at = body.index(b'"usage": {"prompt_tokens": 2')
    for start in range(at + 1):
        assert from_tail(body[start:]) == Usage(2, 0, 2, 0, 2, 0)
    assert all(from_tail(body[start:]) is None for start in range(at + 1, len(body)))


def test_the_last_complete_usage_of_a_tail_wins() -> None:
    assert from_tail(b'"usage":{"prompt_tokens":1}} "usage" : {"prompt_tokens":2} "usage":{"prompt') == Usage(
        2, 0, 2, 0, 2, 0
    )
    assert from_tail(b'"usage":{"prompt_tokens":1},"usage":null') == Usage(1, 0, 1, 0, 1, 0)


@given(st.binary(max_size=200))
def test_bytes_never_raise(noise: bytes) -> None:
    from_body(noise)
    from_tail(noise)
    from_tail(b'"usage":{' + noise)


numbers = st.one_of(
    st.none(), st.integers(-3, 50), st.just(MAX_TOKENS), st.floats(allow_nan=False, allow_infinity=False)
)


@given(
    st.fixed_dictionaries(
        {"prompt_tokens": st.integers(0, 50)},
        optional={
            "completion_tokens": numbers,
            "total_tokens": numbers,
            "prompt_cache_hit_tokens": numbers,
            "prompt_cache_miss_tokens": numbers,
            "prompt_tokens_details": st.one_of(st.none(), st.fixed_dictionaries({"cached_tokens": numbers})),
        },
    )
)
def test_what_is_believed_adds_up(usage: dict[str, Any]) -> None:
    found = from_body(answer(usage))[0]
    if found is not None:
        assert found.hit + found.miss == found.prompt
        assert min(found.prompt, found.completion, found.hit, found.miss, found.reasoning) >= 0
        assert found.prompt + found.completion <= found.total <= MAX_TOKENS
