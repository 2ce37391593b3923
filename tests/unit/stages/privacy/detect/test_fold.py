"""What is undone before anybody looks, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.privacy.detect.fold import Folded, narrow, numerals


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("plain", "plain"),
        ("", ""),
        ("1\u200b3\u200d8", "138"),
        ("\ufeffa\u00ad\u2060b\u200b", "ab"),
        ("\\u5f20\\u4e09 a", "张三 a"),
        ("a\\u200bb", "ab"),
        ("\\u00zz \\n", "\\u00zz \\n"),
        ("\\u0031\u200b\\u0033", "13"),
    ],
)
def test_folded(text: str, folded: str) -> None:
    assert Folded(text).text == folded


def test_places() -> None:
    folded = Folded("x\\u5f20\u200b\\u4e09y")
    assert folded.text == "x张三y"
    assert [folded.place(index, index + 1) for index in range(4)] == [(0, 1), (1, 7), (8, 14), (14, 15)]
    assert folded.place(1, 3) == (1, 14)
    assert folded.place(0, 4) == (0, 15)


PIECES = st.sampled_from(["a", "1", "张", "\u200b", "\u200c\u2060", "\\u5f20", "\\u0031", "\\", "\U0001f600"])


@given(st.lists(PIECES, max_size=12).map("".join))
def test_each_character_leads_back_to_what_it_stands_for(text: str) -> None:
    folded = Folded(text)
    last = 0
    for index, character in enumerate(folded.text):
        start, end = folded.place(index, index + 1)
        assert last <= start < end <= len(text)
        assert text[start:end] in (character, f"\\u{ord(character):04x}")
        last = end


def test_narrow_keeps_offsets() -> None:
    text = "Ａ１－（张）\u3000＠—·\\n1"
    assert narrow(text) == "A1-(张) @-·  1"
    assert len(narrow(text)) == len(text)
    assert narrow("plain") == "plain"


def test_numerals() -> None:
    assert numerals("幺三八〇零贰玖x") == "1380029x"
