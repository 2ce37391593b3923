"""Heads that come again, but for their Content-Length."""

from __future__ import annotations

import pytest

from seekgate.wire.repeated import RepeatedHead

HEAD = b"POST / HTTP/1.1\r\nContent-Length: 5\r\nX: 1\r\n\r\n"


def learned() -> RepeatedHead:
    head = RepeatedHead()
    assert head.learn(HEAD + b"hello", len(HEAD))
    return head


@pytest.mark.parametrize(("digits", "size"), [(b"5", 5), (b"0", 0), (b"123456", 123456), (b"007", 7)])
def test_the_same_head_with_another_length(digits: bytes, size: int) -> None:
    data = HEAD.replace(b": 5", b": " + digits)
    assert learned().match(data + b"hello") == (len(data), len(data) + size)
    assert learned().match(bytearray(data)) == (len(data), len(data) + size)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD[:-1],
        HEAD.replace(b"X: 1", b"X: 2"),
        HEAD.replace(b"POST", b"POSt"),
        HEAD.replace(b": 5", b": "),
        HEAD.replace(b": 5", b": +5"),
        HEAD.replace(b": 5", b": 5 "),
        HEAD.replace(b": 5", b": 12345678901"),
        HEAD.replace(b": 5", b": 5\r\nContent-Length: 6"),
        HEAD.replace(b": 5", ": ５".encode()),
    ],
)
def test_anything_else(data: bytes) -> None:
    assert learned().match(data) is None


@pytest.mark.parametrize("data", [b"\n", b"\n5", b"\n5\r", b"\n5\r\n", b"\n0\xfd", b"\n0\n", HEAD])
def test_nothing_is_known_at_first(data: bytes) -> None:
    assert RepeatedHead().match(data) is None


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_what_cannot_be_learned(head: bytes) -> None:
    before = learned()
    assert not before.learn(head, len(head))
    assert before.match(HEAD) is not None, "what was learned stays"
    assert RepeatedHead().match(head) is None
