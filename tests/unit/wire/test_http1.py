"""What the scenes (`tests/scenes/test_framing.py`) and the fuzzers do not show of the reader of requests."""

from __future__ import annotations

import pytest

from seekgate.config.snapshot import Limits
from seekgate.wire.http1 import RequestReader
from seekgate.wire.message import Refusal, Request

POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nX-Key: 1\r\n"


def reader(**limits: int) -> RequestReader:
    return RequestReader(Limits(**limits))


def taken(message: Request | Refusal | None) -> Request:
    assert isinstance(message, Request), message
    return message


def refused(message: Request | Refusal | None) -> Refusal:
    assert isinstance(message, Refusal), message
    return message


def test_what_it_waits_for() -> None:
    read = reader()
    assert (read.in_head, read.in_body, read.buffered) == (False, False, 0)
    assert read.feed(POST) is None
    assert (read.in_head, read.in_body, read.buffered) == (True, False, len(POST))
    assert read.feed(b"Content-Length: 4\r\n\r\nab") is None
    assert (read.in_head, read.in_body, read.buffered) == (False, True, 2)
    assert taken(read.feed(b"cdGET")).body == b"abcd"
    assert (read.in_head, read.in_body, read.buffered) == (True, False, 3)


def test_headers_are_joined_and_the_framing_is_used_up() -> None:
    request = taken(reader().feed(POST + b"ACCEPT: a\r\naccept: b\r\nContent-Length: 2\r\n\r\nhi"))
    assert request.headers[b"accept"] == b"a, b"
    assert request.headers[b"x-key"] == b"1"
    assert b"content-length" not in request.headers


@pytest.mark.parametrize("name", [b"Content-Length", b"content-length", b"CONTENT-LENGTH"])
@pytest.mark.parametrize("after", [b"", b"X-Last: 1\r\n"])
def test_a_head_that_comes_again(name: bytes, after: bytes) -> None:
    read = reader()
    for body in (b"one", b"", b"three and more", b"four"):
        data = POST + name + b": %d\r\n" % len(body) + after + b"\r\n" + body
        request = taken(read.feed(data))
        assert (request.body, request.headers[b"x-key"]) == (body, b"1")
        assert (read.in_head, read.in_body) == (False, False)


def test_a_head_that_comes_again_in_pieces() -> None:
    read = reader()
    data = POST + b"Content-Length: 3\r\n\r\none"
    taken(read.feed(data))
    for cut in range(1, len(data)):
        assert read.feed(data[:cut]) is None
        assert taken(read.feed(data[cut:])).body == b"one"


@pytest.mark.parametrize(
    "length", [b"+3", b"3 ,3", b"0x3", b"-3", b"", b"3\r\nContent-Length: 4", b"99999999999999999999"]
)
def test_a_head_that_nearly_comes_again(length: bytes) -> None:
    read = reader()
    taken(read.feed(POST + b"Content-Length: 3\r\n\r\none"))
    refused(read.feed(POST + b"Content-Length: " + length + b"\r\n\r\none"))


def test_an_empty_line_before_each_head_that_comes_again() -> None:
    read = reader()
    for _ in range(3):
        assert taken(read.feed(b"\r\n" + POST + b"Content-Length: 3\r\n\r\none")).body == b"one"


def test_limits_hold_for_a_head_that_comes_again() -> None:
    read = reader(body_bytes=10)
    taken(read.feed(POST + b"Content-Length: 3\r\n\r\none"))
    assert refused(read.feed(POST + b"Content-Length: 11\r\n\r\n" + b"x" * 11)).status == 413


def test_a_further_head_differs_from_the_one_before() -> None:
    read = reader()
    taken(read.feed(POST + b"Content-Length: 3\r\n\r\none"))
    request = taken(read.feed(POST.replace(b"X-Key: 1", b"X-Key: 2") + b"Content-Length: 3\r\n\r\ntwo"))
    assert request.headers[b"x-key"] == b"2"
    assert taken(read.feed(b"GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n")).headers == {b"host": b"h"}


def test_continue_is_wanted_while_the_body_is_missing_only() -> None:
    read = reader()
    head = POST + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    taken(read.feed(head + b"2\r\nhi\r\n0\r\n\r\n"))
    assert not read.expects_continue
    assert read.feed(head) is None
    assert read.expects_continue


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"http://h/v1/models", b"/v1/models"),
        (b"HTTP://H/v1/models?a=/b", b"/v1/models?a=/b"),
        (b"https://h", b"/"),
        (b"http://h?a=b", b"/?a=b"),
    ],
)
def test_absolute_form(target: bytes, path: bytes) -> None:
    assert taken(reader().feed(b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % target)).target == path


def test_no_message_of_a_refusal_repeats_what_was_sent() -> None:
    for data in (
        POST + b"X: secret\nX",
        b"secret / HTTP/1.1\r\n\r\n",
        POST + b"Content-Length: secret\r\n\r\n",
    ):
        assert "secret" not in refused(reader().feed(data)).message


def test_a_head_without_an_end_is_looked_at_once() -> None:
    """Each read looks at its own bytes only: a head in drips costs no more than one in a piece."""
    read = reader(header_bytes=1_000_000)
    assert read.feed(b"GET / HTTP/1.1\r\nX: ") is None
    for _ in range(20_000):
        assert read.feed(b"aaaaaaaaaa") is None
    assert read.buffered == 200_019
