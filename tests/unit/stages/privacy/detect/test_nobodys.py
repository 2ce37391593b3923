"""Numbers that need no judge, and those that do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seekgate.stages.privacy.detect import Detector
from tests.privacy.labelled import negatives

DETECTOR = Detector()


def nothing(data: bytes) -> bool:
    """It was looked at, and certainly holds nothing."""
    places = DETECTOR.look(data)
    return places is not None and len(places) == 0


@pytest.mark.parametrize(
    "text",
    [
        "It took 1733155200123 nanoseconds.",
        "Release 1.2 with build 20260718.1, and the tests.",
        "订单号是2026031448210973,下单时间如下。",
        "时间戳是1767225600,错误码如下",
        "Your order number is 48210973, and it was placed on 2026-03-14 at noon.",
        "开始于 2026-03-14 10:15:30，结束于2026/03/15。",
        "It was on 2026-03-14T10:15:30Z, we paid 1234567.89, no more.",
        "Commit 9f86d081884c7d659a breaks it.",
    ],
)
def test_they_are_passed(text: str) -> None:
    assert nothing(text.encode())
    assert nothing(json.dumps({"content": text}, ensure_ascii=False).encode())
    assert DETECTOR.scan(text) == []


def test_numbers_outside_of_strings_are_passed() -> None:
    assert nothing(b'{"seed":1733155200,"content":"x"}')


@pytest.mark.parametrize(
    "text",
    [
        "call 12345678 9, please",
        "call 1733155200 123, please",
        "台胞证12345678,已过期",
        "see 20260314-5 there",
        "see 1767225600\n2",
        "see +1767225600, there",
        "see a1 2026031448210973, there",
        "see 2026031448210973 a1 there",
    ],
)
def test_what_is_not_alone_is_judged(text: str) -> None:
    assert DETECTOR.look(text.encode())


NUMBERS = st.one_of(
    st.from_regex(r"[0-9]{6,20}", fullmatch=True),
    st.from_regex(
        r"(1[3-9]|86|0086|622202|4|20|0?10|110105)[0-9]{6,14}([-. ][0-9]{1,8}){0,3}", fullmatch=True
    ),
    st.from_regex(r"(19|20)[0-9]{2}([-/.])[01][0-9]\2[0-3][0-9]( [0-2][0-9]:[0-5][0-9])?", fullmatch=True),
    st.from_regex(r"[0-9]{5,9}\.[0-9]{1,3}", fullmatch=True),
    st.from_regex(r"[AEHMNYX][0-9]{6,8}[0-9A-Za-z]{0,10}", fullmatch=True),
)
AROUND = st.sampled_from(
    [
        "",
        *' ,-.+\n"，。在/',
        *[", ", ": ", ". ", " (", ") ", " 电话", "台胞证", "护照", " call ", " X ", " a1 "],
    ]
)


@settings(max_examples=400)
@given(st.lists(st.tuples(AROUND, NUMBERS), min_size=1, max_size=4), AROUND)
def test_nothing_that_a_judge_accepts_is_passed(numbers: list[tuple[str, str]], end: str) -> None:
    text = "".join(around + number for around, number in numbers) + end
    if DETECTOR.scan(text):
        assert told(text.encode(), 0, len(text.encode()))
        body = json.dumps({"first": "x", "second": text, "third": "y"}, ensure_ascii=False).encode()
        start = body.index(b'"second": "') + 11
        assert told(body, start, len(body) - 15)


def told(data: bytes, start: int, end: int) -> bool:
    """Whether an offset lies in the string between these."""
    places = DETECTOR.look(data)
    return places is None or any(start <= place <= end + 1 for place in places)


def test_what_says_nothing_says_nothing_when_it_is_passed() -> None:
    for case in negatives("CN_MOBILE", 300, 7):
        if nothing(case.text.encode()):
            assert DETECTOR.scan(case.text) == []
