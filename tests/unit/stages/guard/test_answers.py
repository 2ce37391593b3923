"""Text of answers as it comes."""

from __future__ import annotations

import json

import pytest

from seekgate.stages.guard.answers import Watch, is_stream, payloads, plain
from seekgate.stages.guard.moderation import Outcome


def event(content: str, choice: int = 0, field: str = "content", finish: str | None = None) -> bytes:
    body = {"id": "c", "choices": [{"index": choice, "delta": {field: content}, "finish_reason": finish}]}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def test_each_piece_is_seen_with_what_came_before_it() -> None:
    watch = Watch(8)
    assert list(watch.views(event("Hello") + b": keep-alive\n\n" + event(" wor"))) == ["Hello wor"]
    assert list(watch.views(event('l"d'))) == ['ello worl"d']
    assert list(watch.views(event("你好") + b"data: [DONE]\n\n")) == ['o worl"d你好']
    assert watch.unsent == ["Hello wor", 'l"d', "你好"]
    assert watch.unsent_size == 14


def test_choices_and_fields_are_kept_apart() -> None:
    watch = Watch(100)
    stream = event("a") + event("b", 1) + event("c", field="reasoning_content") + event("d") + event("e", 1)
    assert list(watch.views(stream)) == ["ad", "be", "c"]


def test_what_says_nothing() -> None:
    watch = Watch(100)
    finish = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    assert list(watch.views(event("", finish=None) + finish + b"data: not json\n\ndata: [DONE]\n\n")) == []


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_payloads(end: bytes) -> None:
    assert list(payloads(b'data: {"a":1}' + end + b"event: x" + end + b"data:2" + end)) == [b'{"a":1}', b"2"]
    assert list(payloads(b"data: 1\ndata: 2\n\n")) == [b"1\n2"]
    assert list(payloads(b"data: 3")) == [b"3"]


def test_plain_answers() -> None:
    body = {
        "choices": [{"message": {"content": "a", "reasoning_content": "b"}}, {"message": {"content": "c"}}]
    }
    assert plain(json.dumps(body).encode()) == ["a", "b", "c"]
    assert plain(b'{"error": {}}') == []
    assert plain(b"garbage") == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"data: 1\n\n", True),
        (b": comment\n\n", True),
        (b"event: x\n\n", True),
        (b'{"a": 1}', False),
        (b"", False),
    ],
)
def test_streams_and_plain_answers(data: bytes, expected: bool) -> None:
    assert is_stream(data) is expected


def test_a_flagged_window_stays() -> None:
    watch = Watch(8)
    watch.tell(Outcome(True, ("x",)))
    watch.tell(Outcome())
    assert watch.outcome == Outcome(True, ("x",))
    watch.outcome = None
    watch.tell(Outcome(failure="late"))
    assert watch.outcome == Outcome(failure="late")


def test_events_of_one_form_and_of_others_are_seen_alike() -> None:
    """What the short way takes, and what it leaves to the long one, grows the same text."""

    def event(content: str, end: str = "\n\n", **more: object) -> bytes:
        delta = {"choices": [{"index": 0, "delta": {"content": content}}], **more}
        return f"data: {json.dumps(delta, ensure_ascii=False)}{end}".encode()

    watch = Watch(8, False)
    seen = [
        watch.views(data)
        for data in (
            event("ab"),
            event("cd"),
            event("好"),
            event('"'),
            event("\n"),
            event("e", "\r\n\r\n"),
            event("f") + event("g"),
            event("h", id="other"),
            event(""),
            b": comment\n\n" + event("i"),
            event("j"),
            b"data: [DONE]\n\n",
        )
    ]
    assert seen == [
        ["ab"], ["abcd"], ["abcd好"], ['abcd好"'], ['abcd好"\n'], ['abcd好"\ne'], ['abcd好"\nefg'],
        ['cd好"\nefgh'], [], ['d好"\nefghi'], ['好"\nefghij'], [],
    ]  # fmt: skip
    assert watch.unsent == []
