"""Errors: the shape that OpenAI's SDKs read, and a table without gaps."""

from __future__ import annotations

import json

import pytest

from seekgate.wire import errors
from seekgate.wire.errors import KINDS, ErrorKind, Refusal, error_body, kind_body, sse_error_event

TYPES = {
    400: {"invalid_request_error"},
    401: {"authentication_error"},
    403: {"permission_error"},
    404: {"invalid_request_error"},
    405: {"invalid_request_error"},
    408: {"invalid_request_error"},
    413: {"invalid_request_error"},
    415: {"invalid_request_error"},
    417: {"invalid_request_error"},
    429: {"rate_limit_error", "insufficient_quota"},
    431: {"invalid_request_error"},
    500: {"server_error"},
    502: {"api_error"},
    503: {"server_error"},
    504: {"api_error"},
}


def test_a_body_has_the_five_members_in_order() -> None:
    body = error_body("no", "api_error", "broken", "model", "req-1")
    assert list(json.loads(body)["error"].items()) == [
        ("message", "no"),
        ("type", "api_error"),
        ("param", "model"),
        ("code", "broken"),
        ("request_id", "req-1"),
    ]


def test_absent_members_are_null() -> None:
    error = json.loads(error_body("no", "api_error"))["error"]
    assert error["param"] is error["code"] is error["request_id"] is None


@pytest.mark.parametrize("text", ['a "quote"', "line\nbreak", "中文 🐋", "\x00\x1f", "\\"])
def test_any_text_survives_on_one_line(text: str) -> None:
    body = error_body(text, "api_error")
    assert b"\n" not in body
    assert b"\r" not in body
    assert json.loads(body)["error"]["message"] == text


def test_a_lone_surrogate_is_replaced_not_raised() -> None:
    assert json.loads(error_body("a\ud800b", "api_error", param="\udfff"))["error"]["message"] == "a?b"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_is_complete(kind: ErrorKind) -> None:
    assert kind.type in TYPES[kind.status]
    assert kind.message.endswith((".", "'."))
    assert kind.code
    assert json.loads(kind_body(kind, "req"))["error"]["message"] == kind.message


def test_only_what_may_succeed_unchanged_is_retryable() -> None:
    assert not any(
        kind.retryable for kind in KINDS.values() if kind.status in (400, 401, 403, 404, 405, 413, 415)
    )
    passing = [kind for kind in KINDS.values() if kind.status in (408, 429, 502, 503, 504)]
    assert [kind.name for kind in passing if not kind.retryable] == ["budget_exceeded", "upstream_account"]


def test_every_constant_is_in_the_table_once() -> None:
    constants = [value for value in vars(errors).values() if isinstance(value, ErrorKind)]
    assert sorted(kind.name for kind in constants) == sorted(KINDS)


def test_a_refusal_writes_its_own_body() -> None:
    refusal = Refusal(errors.MISSING_MODEL, "no model", "model")
    error = json.loads(refusal.body("req-2"))["error"]
    assert error == {
        "message": "no model",
        "type": "invalid_request_error",
        "param": "model",
        "code": "missing_required_parameter",
        "request_id": "req-2",
    }


def test_an_error_event_is_one_event() -> None:
    event = sse_error_event(kind_body(errors.UPSTREAM_CUT))
    assert event.startswith(b'data: {"error":{')
    assert event.endswith(b"}}\n\n")
    assert event.count(b"\n") == 2
