"""The chunked coding, split at every byte; the scenes show what is refused."""

from __future__ import annotations

import pytest

from seekgate.wire.chunked import ChunkedDecoder
from seekgate.wire.message import Refusal

WHOLE = b"4\r\nWiki\r\n5\r\npedia\r\n0E\r\n in\r\n\r\nchunks.\r\n0\r\n\r\n"
TEXT = b"Wikipedia in\r\n\r\nchunks."


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_cut_in_two(cut: int) -> None:
    decoder, body = ChunkedDecoder(100), bytearray()
    assert decoder.feed(WHOLE[:cut], body) is None
    assert decoder.feed(WHOLE[cut:] + b"GET", body) == b"GET"
    assert body == TEXT


def test_byte_by_byte() -> None:
    decoder, body = ChunkedDecoder(100), bytearray()
    for at in range(len(WHOLE) - 1):
        assert decoder.feed(WHOLE[at : at + 1], body) is None
    assert decoder.feed(WHOLE[-1:], body) == b""
    assert body == TEXT


def test_nothing_but_the_end() -> None:
    body = bytearray()
    assert ChunkedDecoder(0).feed(b"0\r\n\r\n", body) == b""
    assert body == b""


@pytest.mark.parametrize("extra", [-1, 0])
def test_the_limit_counts_decoded_bytes(extra: int) -> None:
    outcome = ChunkedDecoder(len(TEXT) + extra).feed(WHOLE, bytearray())
    if extra:
        assert isinstance(outcome, Refusal)
        assert outcome.status == 413
    else:
        assert outcome == b""


@pytest.mark.parametrize("line", [b"g", b"5;", b"5 ", b"123456789", b"\n", b"5\rx", b"-"])
def test_what_cannot_become_a_size_is_refused_at_once(line: bytes) -> None:
    outcome = ChunkedDecoder(100).feed(line, bytearray())
    assert isinstance(outcome, Refusal)
    assert outcome.status == 400
