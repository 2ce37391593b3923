"""Whose fault an answer is, and what is read from it for the bill."""

from __future__ import annotations

import pytest

from seekgate.gateway.outcome import TAIL_BYTES, account_trouble, judge, read_usage
from seekgate.pipeline.exchange import Endpoint, Exchange
from seekgate.wire.message import Request
from seekgate.wire.sse import StreamReader
from seekgate.wire.usage import Usage

BODY = (
    b'{"model":"m","system_fingerprint":"f","choices":[{"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":4}}'
)


def exchange(status: int) -> Exchange:
    request = Request(b"POST", b"/v1/chat/completions", {}, b"", True, False)
    x = Exchange(request, Endpoint("chat", "/chat/completions"), "req_1", "127.0.0.1", 1.0, 2.0)
    x.status = status
    return x


@pytest.mark.parametrize(
    ("status", "outcome", "source"),
    [
        (200, "answered", ""),
        (304, "answered", ""),
        (400, "failed", "client"),
        (422, "failed", "client"),
        (404, "failed", "upstream"),
        (415, "failed", "upstream"),
        (429, "failed", "upstream"),
        (500, "failed", "upstream"),
    ],
)
def test_judge(status: int, outcome: str, source: str) -> None:
    x = exchange(status)
    judge(x)
    assert (x.outcome, x.error_source) == (outcome, source)


def test_a_plain_answer_is_read_whole_or_from_its_end() -> None:
    x = exchange(200)
    x.bytes_out = len(BODY)
    read_usage(x, None, [BODY[:30], BODY[30:]])
    assert x.usage == Usage(3, 4, 7, 0, 3, 0)
    assert (x.served_model, x.fingerprint, x.finish_reason) == ("m", "f", "stop")
    large = exchange(200)
    large.bytes_out = TAIL_BYTES + 1
    read_usage(large, None, [BODY[20:]])
    assert large.usage == x.usage
    assert large.served_model is None


def test_an_error_has_no_usage() -> None:
    x = exchange(400)
    read_usage(x, None, [BODY])
    assert x.usage is None


def test_a_stream_tells_its_error() -> None:
    events = StreamReader(hold=True)
    events.feed(b'data: {"error":{"message":"full"}}\n\n')
    x = exchange(200)
    read_usage(x, events, [])
    assert (x.error_type, x.error_source, x.events) == ("upstream_error", "upstream", 1)


def test_account_trouble_never_blames_the_caller() -> None:
    assert "balance" in account_trouble(402)
    for status in (401, 402, 403):
        assert "not your key" in account_trouble(status)
