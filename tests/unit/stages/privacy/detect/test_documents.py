"""Passports, permits, and identity numbers that are masked already."""

from __future__ import annotations

import pytest

from seekgate.stages.privacy.detect import documents


@pytest.mark.parametrize(
    ("before", "joined", "after", "kind"),
    [
        ("", "E12345678", "", "PASSPORT"),
        ("乘客", "EA1234567", "登机", "PASSPORT"),
        ("订单", "E12345678", "", None),
        ("护照", "G12345678", "", "PASSPORT"),
        ("", "G12345678", "", "PASSPORT"),
        ("列车", "G12345678", "", None),
        ("持", "L1234567", "的passport", "PASSPORT"),
        ("护照", "E123456", "", None),
        ("通行证", "C12345678", "", "TRAVEL_PERMIT"),
        ("证件号", "H12345678", "", "TRAVEL_PERMIT"),
        ("型号", "H12345678", "", None),
        ("货", "M1234567890", "", None),
        ("", "M1234567890", "", "TRAVEL_PERMIT"),
        ("abc", "ABC123456", "", None),
    ],
)
def test_documents(before: str, joined: str, after: str, kind: str | None) -> None:
    text = before + joined + after
    assert documents.document(text, joined, len(before), len(before) + len(joined)) == kind


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("11010519900307XXXX。", "11010519900307XXXX"),
        ("110105********1234", "110105********1234"),
        ("1101**********002X", "1101**********002X"),
        ("110105 19900307 XXXX", "110105 19900307 XXXX"),
        ("110105●●●●●●123", "110105●●●●●●123"),  # fifteen characters, as the old form has
        ("11010519901307XXXX", None),
        ("99010519900307XXXX", None),
        ("110105399003XXXXXX", None),
        ("6222 **** **** 7894", None),
    ],
)
def test_identity_numbers_that_somebody_masked(text: str, value: str | None) -> None:

    assert [text[start:end] for start, end, _ in documents.masked(text)] == ([value] if value else [])
