"""The gate opens wherever a judge finds something, in a text and in the JSON around it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seekgate.stages.privacy.detect import Detector
from tests.privacy.labelled import MAKERS, positives

DETECTOR = Detector()


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_found_in_a_text_is_not_missed_in_its_bytes_or_its_json(kind: str) -> None:
    for case in positives(kind, 120, 17):
        if DETECTOR.scan(case.text):
            assert DETECTOR.scan_bytes(case.text.encode())
            for ascii_only in (True, False):
                body = {"messages": [{"role": "user", "content": case.text}]}
                assert DETECTOR.scan_bytes(json.dumps(body, ensure_ascii=ascii_only).encode()), case.text


AROUND = st.text(st.sampled_from('a1 \n\t"\\/我在，。:-+x'), max_size=6)
VALUE = st.sampled_from(
    [
        "13812345678",
        "1 3 8 1 2 3 4 5 6 7 8",
        "一三八一二三四五六七八",
        "１３８１２３４５６７８",
        "a@b.cn",
        "10.1.2.3",
        "京A12345",
    ]
)


@settings(max_examples=150)
@given(AROUND, VALUE, AROUND)
def test_whatever_stands_around_it(before: str, value: str, after: str) -> None:
    text = before + value + after
    if DETECTOR.scan(text):
        assert DETECTOR.scan_bytes(json.dumps(text, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "text",
    [
        "请根据以下会议记录写一份总结，重点说明第一季度的销售情况、存在的问题和下一步的计划。",
        "Please write a short summary of the following text and list three points that matter.",
        "def add(a: int, b: int) -> int:\n    return a + b  # std::vector",
        "2024年第三季度共有三十五个项目，增长了百分之十二。",
        "",
    ],
)
def test_it_stays_shut_for_what_most_prompts_are(text: str) -> None:
    assert not DETECTOR.scan_bytes(text.encode())
