"""Numbers with a form, in text."""

from __future__ import annotations

import pytest

from seekgate.stages.privacy.detect import KINDS, numbers
from seekgate.stages.privacy.detect.overlap import resolve


def _found(text: str) -> list[tuple[str, str]]:
    ranks = {name: kind.rank for name, kind in KINDS.items()}
    return [(kind, text[start:end]) for start, end, kind in resolve(numbers.judge(text), ranks)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("身份证11010519491231002X号", "CN_ID", "11010519491231002X"),
        ("110105 19491231 002X", "CN_ID", "110105 19491231 002X"),
        ("110105-19491231-002 x", "CN_ID", "110105-19491231-002 x"),
        ("老身份证110105491231002", "CN_ID", "110105491231002"),
        ("打13812345678找我", "CN_MOBILE", "13812345678"),
        ("Tel13812345678", "CN_MOBILE", "13812345678"),
        ("+86 138 1234 5678", "CN_MOBILE", "+86 138 1234 5678"),
        ("(+86)13812345678", "CN_MOBILE", "(+86)13812345678"),
        ("0086-13812345678", "CN_MOBILE", "0086-13812345678"),
        ("1 3 8 1 2 3 4 5 6 7 8", "CN_MOBILE", "1 3 8 1 2 3 4 5 6 7 8"),
        ("2024年1月5日 138.1234.5678", "CN_MOBILE", "138.1234.5678"),
        ("010-62345678", "CN_LANDLINE", "010-62345678"),
        ("010-62345678-1234转", "CN_LANDLINE", "010-62345678-1234"),
        ("(0755)26123456", "CN_LANDLINE", "(0755)26123456"),
        ("+86 10 6234 5678", "CN_LANDLINE", "+86 10 6234 5678"),
        ("6222 0212 3456 7894", "BANK_CARD", "6222 0212 3456 7894"),
        ("378282-2463-10005", "", ""),
        ("3782 822463 10005", "BANK_CARD", "3782 822463 10005"),
        ("税号91350100M000100Y43", "USCC", "91350100M000100Y43"),
        ("税号91350100m000100y43", "USCC", "91350100m000100y43"),
        ("护照E12345678", "PASSPORT", "E12345678"),
        ("EA1234567", "PASSPORT", "EA1234567"),
        ("passport no. 123456789", "PASSPORT", "123456789"),
        ("passport C01X00T47", "", ""),
        ("通行证C12345678", "TRAVEL_PERMIT", "C12345678"),
        ("回乡证H1234567890", "TRAVEL_PERMIT", "H1234567890"),
        ("台胞证12345678", "TRAVEL_PERMIT", "12345678"),
        ("SSN 123-45-6789", "US_SSN", "123-45-6789"),
        ("social security 123456789", "US_SSN", "123456789"),
        ("(415) 555-2671", "PHONE", "(415) 555-2671"),
        ("call 4155552671", "PHONE", "4155552671"),
        ("1-415-555-2671", "PHONE", "1-415-555-2671"),
        ("+44 (0)20 7946 0958", "PHONE", "+44 (0)20 7946 0958"),
        ("0044 20 7946 0958", "PHONE", "0044 20 7946 0958"),
        ("Tel: 020 7946 0958", "PHONE", "020 7946 0958"),
        ("电话020 7946 0958", "CN_LANDLINE", "020 7946 0958"),
        ("call 01 42 68 53 00", "PHONE", "01 42 68 53 00"),
        ("01 42 68 53 00", "", ""),
    ],
)
def test_found(text: str, kind: str, value: str) -> None:
    assert _found(text) == ([(kind, value)] if kind else [])


def test_the_number_of_an_item_is_no_part_of_a_number() -> None:
    assert _found("1.13812345678\n 2.6222021234567894") == [
        ("CN_MOBILE", "13812345678"),
        ("BANK_CARD", "6222021234567894"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "订单号13812345678",
        "金额13812345678.00元",
        "¥13812345678",
        "A13812345678",
        "138123456789",
        "20240115-13812345678",
        "0.13812345678",
        "0.2235294117647059",
        "slope=3.02447542484",
        "Decimal('+35236450.6')",
        "43+8658888-168713",
        "92×37+0062225-780047=?",
        "e9e2e57d-0339-4901-9688-7bfd47b963bc",
        "4155552671",
        "订单123-45-6789",
        "123-45-6789-0",
        "型号E12345678",
        "货物H12345678",
        "手机152309580917469",
        "2024-01-15 10:30:00",
        "1700000000 1700000000000",
    ],
)
def test_not_found(text: str) -> None:
    assert _found(text) == []
