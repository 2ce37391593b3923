"""The texts of answers are found by their bytes, in every spelling, and in nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.wire.deltas import Mould, Part, Reading, read, text_of
from tests.support.json_texts import texts

WORDS = st.text(st.sampled_from(["a", '"', "\\", "\n", "张", "😀", "{", "]", ":"]), max_size=6)


def said(data: bytes) -> list[tuple[int, str, int, str | None]]:
    reading = read(data)
    assert reading is not None
    return [(p.choice, p.field, p.call, text_of(data[p.start : p.end])) for p in reading.parts]


def spelled(value: Any, space: bool = False, ascii_only: bool = False) -> bytes:
    return json.dumps(
        value, ensure_ascii=ascii_only, separators=(", ", ": ") if space else (",", ":")
    ).encode()


@given(WORDS, WORDS, WORDS, WORDS, st.booleans(), st.booleans())
def test_all_three_fields_of_a_message_and_of_a_delta(
    content: str, reasoning: str, first: str, second: str, space: bool, ascii_only: bool
) -> None:
    calls = [{"index": 4, "id": "c", "function": {"name": "f", "arguments": first}}]
    calls += [{"function": {"arguments": second}}]
    for name in ("message", "delta"):
        inner = {"role": "assistant", "reasoning_content": reasoning, "content": content, "tool_calls": calls}
        choice = {name: inner, "finish_reason": None, "index": 2}
        answer = {"id": '"choices":[', "choices": [choice], "usage": None}
        data = spelled(answer, space, ascii_only)
        assert said(data) == [
            (2, "reasoning_content", -1, reasoning),
            (2, "content", -1, content),
            (2, "arguments", 4, first),
            (2, "arguments", 1, second),
        ]


def test_other_texts_and_their_absence() -> None:
    deltas: list[Any] = [
        {"content": None, "reasoning": "r"},
        {"refusal": "no"},
        {"content": [{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}]},
        {"function_call": {"name": "f", "arguments": "{}"}},
        {"tool_calls": None},
        {},
        None,
    ]
    data = spelled({"choices": [{"delta": delta} for delta in deltas]})
    assert said(data) == [
        (0, "reasoning", -1, "r"),
        (1, "refusal", -1, "no"),
        (2, "content", -1, "a"),
        (2, "content", -1, "b"),
        (3, "function_call", -1, "{}"),
    ]
    assert said(spelled({"choices": [{"text": "t", "index": 1}, {"text": None}]})) == [(1, "text", -1, "t")]


def test_which_texts_are_json_themselves() -> None:
    assert [Part(0, field, 0, 0, 0).nested for field in ("arguments", "function_call", "content")] == [
        True,
        True,
        False,
    ]


def test_finish_reasons() -> None:
    choices = [
        {"index": 3, "finish_reason": "stop"},
        {"index": 1, "finish_reason": None},
        {"finish_reason": "length"},
    ]
    reading = read(spelled({"choices": choices}))
    assert reading == Reading([], [3, 2])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[DONE]",
        b"{",
        b"[]",
        b'{"choices"',
        b'{"error":{}}',
        b'{"choices":[}',
        b"\xff",
        b'"choices"',
        b"{}",
    ],
)
def test_what_is_no_answer(data: bytes) -> None:
    assert read(data) is None


@pytest.mark.parametrize("choices", ["null", "{}", "[]", "[1]", '["a"]', "[null,{}]", '[{"delta":[1]}]'])
def test_odd_choices_have_no_text(choices: str) -> None:
    assert read(b' {"choices" : %b } ' % choices.encode()) == Reading([], [])


def test_escaped_keys_are_the_same_keys() -> None:
    assert said(b'{"choic\\u0065s":[{"d\\u0065lta":{"\\u0063ontent":"x"}}]}') == [(0, "content", -1, "x")]


@given(texts())
def test_any_json_text_is_read_without_harm(data: bytes) -> None:
    reading = read(b'{"choices":[{"delta":%b}]}' % data)
    for part in reading.parts if reading else ():
        assert 0 < part.start <= part.end


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert text_of(b"\\ud83d") is None
    assert text_of(b"\xe5\xbc") is None
    assert text_of(b"\xe5\xbc\\n") is None
    assert said(b'{"choices":[{"delta":{"content":"\\ud83d"}}]}') == [(0, "content", -1, None)]
    assert text_of(b"\\ud83d\\ude00 \\n") == "😀 \n"


@given(WORDS, WORDS)
def test_a_mould_reads_what_a_parse_reads(first: str, second: str) -> None:
    def event(text: str) -> bytes:
        return b"data: " + spelled({"choices": [{"delta": {"content": text}}], "id": "c"}) + b"\n\n"

    one, other = event(first), event(second)
    reading = read(one[6:])
    assert reading is not None
    (part,) = reading.parts
    mould = Mould(one[: 6 + part.start], one[6 + part.end :])
    text = mould.text(other)
    assert text is None or text_of(text) == second
    assert text is not None or '"' in second or second.endswith("\\")
    if text is not None:
        assert mould.filled(text) == other


def test_a_mould_refuses_other_forms() -> None:
    mould = Mould(b'{"a":"', b'"}')
    assert mould.text(b'{"a":"x"}') == b"x"
    assert mould.text(b'{"a":"') is None
    assert mould.text(b'{"a":"}') is None
    assert mould.text(b'{"a":"x","b":"y"}') is None
    assert mould.text(b'{"a":"x\\"}') is None
    assert mould.text(b'{"b":"x"}') is None


def test_where_log_probabilities_stand() -> None:
    data = b'{"choices":[{"logprobs":{"content":[{"token":"a"}]},"text":"a"},{"logprobs" : null},{"logprobs": {}}]}'
    reading = read(data)
    assert reading is not None
    assert [data[start:end] for start, end in reading.logprobs] == [b'{"content":[{"token":"a"}]}', b"{}"]
