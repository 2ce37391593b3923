"""What stays readable of a finding."""

from __future__ import annotations

import pytest

from seekgate.stages.privacy.detect import KINDS
from seekgate.stages.privacy.mask import mask
from tests.privacy.labelled import Case, positives


@pytest.mark.parametrize(
    ("kind", "text", "masked"),
    [
        ("CN_ID", "11010519900307XXXX", "1101**********XXXX"),
        ("CN_ID", "11010519491231002X", "1101**********002X"),
        ("CN_ID", "110105 19491231 002X", "1101** ******** 002X"),
        ("CN_MOBILE", "13812345678", "138****5678"),
        ("CN_MOBILE", "138-1234-5678", "138-****-5678"),
        ("CN_MOBILE", "+86 138 1234 5678", "+86 138 **** 5678"),
        ("CN_MOBILE", "１３８１２３４５６７８", "１３８****５６７８"),
        ("CN_MOBILE", "138\u200b12345678", "138****5678"),
        ("CN_LANDLINE", "010-62345678", "010-6*****78"),
        ("BANK_CARD", "6222 0212 3456 7894", "6222 02** **** 7894"),
        ("PLATE", "京A12345", "京A****5"),
        ("PASSPORT", "E12345678", "E******78"),
        ("US_SSN", "123-45-6789", "***-**-6789"),
        ("PHONE", "(415) 555-2671", "(***) ***-2671"),
        ("EMAIL", "zhang.san@example.com", "z***@example.com"),
        ("IP", "10.20.30.40", "10.20.*.*"),
        ("IP", "2001:db8:1::7", "2001:db8:*:*"),
        ("NAME", "张三", "张*"),
        ("NAME", "\\u5f20\\u4e09", "张*"),
        ("NAME", "欧阳修文", "欧阳**"),
        ("NAME", "John Smith", "J*** S***"),
        ("ADDRESS", "北京市朝阳区望京路1号", "北京市朝阳区******"),
        ("ADDRESS", "望京路1号", "******"),
        ("API_KEY", "sk-1234567890abcdef", "sk-1********"),
        ("JWT", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "eyJ********"),
        ("PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\nMII", "*** private key ***"),
        ("SECRET", "hunter2", "******"),
        ("SECRET", "mysql://root:s3cr@t@db:3306/x", "mysql://root:***@db:3306/x"),
        ("SECRET", "amqp://a:b1@mq/v?tls=1&key_password=s3cr@t", "amqp://a:***@t"),
        ("SECRET", "amqp://a:b1@mq/v?tls&password=x9&k=1", "amqp://a:***@mq/v?tls&password=***&k=***"),
        ("PROJECT", "Falcon", "******"),
    ],
)
def test_mask(kind: str, text: str, masked: str) -> None:
    assert mask(kind, text) == masked


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "SECRET"])
def test_masking_a_mask_changes_nothing_and_a_mask_is_not_what_it_hides(kind: str) -> None:
    for case in positives(kind, 50, 7):
        for found in _of(case, kind):
            once = mask(kind, found)
            assert mask(kind, once) == once
            assert once != found or "*" in found or "X" in found.upper()


def _of(case: Case, kind: str) -> list[str]:
    return [
        case.text[start:end] for start, end, name in case.labels if name == kind and "\\u" not in case.text
    ]


def test_half_of_a_short_finding_is_hidden() -> None:
    assert mask("CN_ID", "12345678") == "********"
