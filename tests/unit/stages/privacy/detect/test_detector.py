"""The detector as a whole."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seekgate.stages.privacy.budget import MAX_PLACES, Budget, TooMuch
from seekgate.stages.privacy.detect import Detector, Span
from seekgate.stages.privacy.detect.fold import INVISIBLE

DETECTOR = Detector()


def _found(text: str) -> list[tuple[str, str]]:
    return [(kind, text[start:end]) for start, end, kind in DETECTOR.scan(text)]


def test_the_example() -> None:
    assert DETECTOR.scan("张三的身份证是11010519900307XXXX,电话是13812345678") == [
        Span(0, 2, "NAME"),
        Span(7, 25, "CN_ID"),
        Span(29, 40, "CN_MOBILE"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("手机１３８１２３４５６７８。", [("CN_MOBILE", "１３８１２３４５６７８")]),
        ("手机138\u200b1234\u20605678。", [("CN_MOBILE", "138\u200b1234\u20605678")]),
        ("手机一三八一二三四五六七八。", [("CN_MOBILE", "一三八一二三四五六七八")]),
        ("手机幺三八 幺二三四 五六七八。", [("CN_MOBILE", "幺三八 幺二三四 五六七八")]),
        ("手机一3八1二3四5六7八。", [("CN_MOBILE", "一3八1二3四5六7八")]),
        ("手机138123456七八。", [("CN_MOBILE", "138123456七八")]),
        ("手机138－1234－5678。", [("CN_MOBILE", "138－1234－5678")]),
        ("手机138\u30001234\u30005678。", [("CN_MOBILE", "138\u30001234\u30005678")]),
        ("\\u624b\\u673a\\u003113812345678", []),
        ("\\u624b\\u673a\\u0031\\u0033812345678", [("CN_MOBILE", "\\u0031\\u0033812345678")]),
        (
            '{"a": "\\u5f20\\u4e09\\u7684\\u7535\\u8bdd13812345678\\n"}',
            [("NAME", "\\u5f20\\u4e09"), ("CN_MOBILE", "13812345678")],
        ),
        ("第一行\\n13812345678\\n", [("CN_MOBILE", "13812345678")]),
        ("邮箱ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ", [("EMAIL", "ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ")]),
        ("👨\u200d👩\u200d👧 13812345678", [("CN_MOBILE", "13812345678")]),
    ],
)
def test_disguises_are_seen_through(text: str, found: list[tuple[str, str]]) -> None:
    assert _found(text) == found


def test_overlaps_are_settled() -> None:
    assert _found("redis://:pw123456@10.1.2.3:6379/0") == [("SECRET", "redis://:pw123456@10.1.2.3:6379/0")]


def test_offsets_behind_characters_of_every_width() -> None:
    for lead in ("é", "中", "\U0001f600", "\ud800", "\x00", "a"):
        text = lead * 700 + " 13812345678 " + lead * 700 + " 13912345678"
        assert DETECTOR.scan(text) == [Span(701, 712, "CN_MOBILE"), Span(1414, 1425, "CN_MOBILE")]


def test_only_what_is_asked_for() -> None:
    text = "13812345678 a@b.cn 10.1.2.3"
    assert [span.type for span in Detector(("EMAIL",)).scan(text)] == ["EMAIL"]
    assert [span.type for span in Detector(("IP", "CN_MOBILE")).scan(text)] == ["CN_MOBILE", "IP"]
    assert not Detector(("EMAIL",)).scan_bytes(b"13812345678")
    assert Detector(("EMAIL",)).scan_bytes(text.encode())


def test_a_long_text_is_looked_at_near_its_findings() -> None:
    filler = "这是一段很长的文字，" * 4000
    text = filler + "电话13812345678" + filler
    (span,) = DETECTOR.scan(text)
    assert text[span.start : span.end] == "13812345678"


@settings(max_examples=300)
@given(st.text(st.sampled_from("0123456789一三八X*-. ()+@:/=\\u\n\u200b１京A王先生号路eyJ"), max_size=60))
def test_any_text_is_judged(text: str) -> None:
    spans = DETECTOR.scan(text)
    assert spans == sorted(spans)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    if not DETECTOR.scan_bytes(text.encode()):
        assert spans == []


@pytest.mark.parametrize("text", ["1234 ", "0086 ", "138\u200b12345678 ", "张三的电话 13812345678 "])
def test_a_text_with_too_many_places_is_refused_and_not_looked_at(text: str) -> None:
    budget = Budget(100)
    with pytest.raises(TooMuch):
        DETECTOR.scan(text * 1_000, budget)
    DETECTOR.scan(text * 20, budget := Budget(100))
    assert 0 <= budget.left < 82
    with pytest.raises(TooMuch):
        DETECTOR.scan(text * 2 * MAX_PLACES)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("1．2．3．4", "IP"), ("li@example．org", "EMAIL"), ("110105－19491231－002X", "CN_ID")],
)
def test_full_width_signs_among_letters_and_digits_are_seen_through(text: str, kind: str) -> None:
    assert DETECTOR.scan_bytes(text.encode())
    assert DETECTOR.scan(text) == [Span(0, len(text), kind)]


def test_text_around_few_places_counts_too() -> None:
    DETECTOR.scan("12345678\n" * 100, alone := Budget())
    DETECTOR.scan(("1," * 150 + "12345678\n") * 100, among := Budget())
    assert among.left <= alone.left - 100


def test_every_invisible_character_is_seen_through() -> None:
    unseen = [c for c in map(chr, range(0xE1000)) if re.match(f"[{INVISIBLE}]", c)]
    assert len(unseen) > 4096
    for c in [*unseen[:400], *unseen[400::97]]:
        for text, kind in ((f"138{c}1234{c}5678", "CN_MOBILE"), (f"li@ex{c}ample.or{c}g", "EMAIL")):
            assert DETECTOR.scan_bytes(json.dumps(text, ensure_ascii=False).encode()), ascii(c)
            assert DETECTOR.scan(text) == [Span(0, len(text), kind)], ascii(c)


@pytest.mark.parametrize("zero", [0x660, 0x6F0, 0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6])
def test_digits_of_other_scripts_are_digits(zero: int) -> None:
    text = "".join(chr(zero + int(digit)) for digit in "13812345678")
    assert DETECTOR.scan_bytes(text.encode())
    assert DETECTOR.scan(text) == [Span(0, 11, "CN_MOBILE")]
