"""Detectors of an installation's own."""

from __future__ import annotations

import json

import pytest

from seekgate.stages.privacy.detect import Detector, Own, PatternError


def _found(own: Own, text: str) -> list[tuple[str, str]]:
    return [(kind, text[start:end]) for start, end, kind in Detector((), [own]).scan(text)]


def test_words_are_found_as_they_are_written() -> None:
    own = Own("PROJECT", words=("猎鹰计划", "Falcon (v2)", "a.c"))
    assert _found(own, "说说猎鹰计划和FALCON (V2),不是abc,是a.c") == [
        ("PROJECT", "猎鹰计划"),
        ("PROJECT", "FALCON (V2)"),
        ("PROJECT", "a.c"),
    ]
    assert _found(own._replace(cased=True), "falcon (v2)") == []


def test_patterns_match_the_longest_from_the_leftmost() -> None:
    own = Own("STAFF", patterns=(r"\bEMP-\d{3,6}", "员工.."))
    assert _found(own, "找emp-12345678和员工甲乙丙") == [("STAFF", "emp-123456"), ("STAFF", "员工甲乙")]


def test_they_see_through_what_built_in_ones_see_through() -> None:
    assert _found(Own("STAFF", patterns=(r"EMP-\d{4}",)), "ＥＭＰ－１２３\u200b４!") == [
        ("STAFF", "ＥＭＰ－１２３\u200b４")
    ]


def test_an_own_type_may_stand_beside_built_in_ones() -> None:
    detector = Detector(("CN_MOBILE",), [Own("STAFF", patterns=("E[0-9]{5}",))])
    assert [span.type for span in detector.scan("E12345 13812345678 a@b.cn")] == ["STAFF", "CN_MOBILE"]


@pytest.mark.parametrize("pattern", ["(", "(?<=a)b", r"(a)\1", "a*"])
def test_what_hyperscan_cannot_use_is_told(pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        Detector((), [Own("X", patterns=("fine", pattern))])
    assert caught.value.pattern == pattern


def test_an_empty_word_is_refused() -> None:
    with pytest.raises(PatternError):
        Detector((), [Own("X", words=("",))])


@pytest.mark.parametrize(
    ("own", "text"),
    [
        (Own("X", words=('a"b',)), 'say a"b'),
        (Own("X", words=("C:\\secret",)), "C:\\secret"),
        (Own("X", words=("foo/bar",)), "foo/bar"),
        (Own("X", words=("one\ttwo",)), "one\ttwo"),
        (Own("X", patterns=(r"project\s+x",)), "project\nx"),
        (Own("X", patterns=(r"\bSTF\d",)), "a\tSTF1"),
        (Own("X", patterns=(r'key=[^"\\]+;',)), "key=a\nb;"),
        (Own("X", patterns=("^STF",)), "STF1"),
        (Own("X", patterns=(r"STF\d$",)), "STF1"),
        (Own("X", patterns=(r"\Bx\d",)), "yx1"),
    ],
)
def test_the_quick_look_at_json_text_misses_nothing(own: Own, text: str) -> None:
    assert _found(own, text)
    for written in (json.dumps(text), json.dumps(text).replace("/", "\\/")):
        assert Detector((), [own]).scan_bytes(written.encode())


def test_plain_words_and_patterns_leave_the_quick_look_quick() -> None:
    assert not Detector((), [Own("X", words=("secret plan",))]).scan_bytes(b'"one\\ntwo"')
    assert not Detector((), [Own("X", patterns=(r"\$[^0]\^",))]).scan_bytes(b'"one two"')


@pytest.mark.parametrize("word", ["ＡＢＣ计划", "项目：甲", "a\u200bb"])
def test_words_of_characters_that_are_seen_through_are_found_too(word: str) -> None:
    assert _found(Own("X", words=(word,)), f"１:{word}") == [("X", word)]
