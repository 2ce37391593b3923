"""Event data: what counts as an error, and what is left when usage is taken out."""

from __future__ import annotations

import pytest

from seekgate.wire.event_data import is_error, without_usage


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"choices":[{}],"usage":null}', b'{"choices":[{}]}'),
        (b'{"usage":null,"choices":[{}]}', b'{"choices":[{}]}'),
        (b'{"choices":[{}] , "usage" : {"a":[1]} , "b":1.0}', b'{"choices":[{}]  , "b":1.0}'),
        (b'{"choices":[],"usage":{"prompt_tokens":1}}', None),
        (b'{"choices": [ ] ,"usage":{}}', None),
        (b'{"choices":[],"usage":null}', b'{"choices":[]}'),
        (b'{"usage":{}}', b"{}"),
    ],
)
def test_what_is_left_of_an_event(data: bytes, expected: bytes | None) -> None:
    assert without_usage(data) == expected


@pytest.mark.parametrize(
    "data", [b"", b"[DONE]", b'["usage"]', b'{"usage":', b'{"a":{"usage":null}}', b"\xff"]
)
def test_an_event_without_usage_comes_back_itself(data: bytes) -> None:
    assert without_usage(data) is data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"error":{"message":"busy"}}', True),
        (b'{"id":"1", "error" : "busy"}', True),
        (b'{"error":0}', True),
        (b'{"object":"error","message":"no"}', True),
        (b'{"object":"chat.completion.chunk","choices":[]}', False),
        (b'{"error":null}', False),
        (b'{"choices":[{"error":{}}]}', False),
        (b'{"error":', False),
        (b'["error"]', False),
        (b"[" * 100_000, False),
        (b'{"error":"\xff"}', True),
    ],
)
def test_what_is_an_error(data: bytes, expected: bool) -> None:
    assert is_error(data) is expected
