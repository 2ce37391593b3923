"""The Valkey protocol."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.store.resp import ProtocolError, Replies, ServerError, command


def test_commands_are_arrays_of_bulk_strings() -> None:
    assert command("SET", b"k\r\n", 12) == b"*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$2\r\n12\r\n"
    assert command("x", "é") == b"*2\r\n$1\r\nx\r\n$2\r\n\xc3\xa9\r\n"


def written(reply: Any) -> bytes:
    """A reply as a server writes it."""
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    return b"*%d\r\n" % len(reply) + b"".join(written(each) for each in reply)


simple = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=20))
replies = st.recursive(simple, lambda inner: st.lists(inner, max_size=4), max_leaves=12)


@given(st.lists(replies, max_size=5), st.lists(st.integers(1, 7), min_size=1, max_size=20))
def test_replies_are_read_whole_from_pieces_of_any_size(sent: list[Any], sizes: list[int]) -> None:
    data = b"".join(written(each) for each in sent)
    reader, found, at, turn = Replies(), [], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        found += reader.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert found == sent


def test_words_and_errors() -> None:
    word, error, empty = Replies().feed(b"+OK\r\n-NOSCRIPT no such\r\n*-1\r\n")
    assert word == b"OK"
    assert isinstance(error, ServerError)
    assert str(error) == "NOSCRIPT no such"
    assert empty is None


@pytest.mark.parametrize("data", [b"HTTP/1.1 400\r\n", b"$x\r\n", b"%1\r\n", b"*1\r\n" * 20 + b":1\r\n"])
def test_anything_else_is_an_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Replies().feed(data)
