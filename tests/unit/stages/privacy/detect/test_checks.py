"""Checksums, with numbers from the standards and near-misses."""

from __future__ import annotations

import pytest

from seekgate.stages.privacy.detect import checks
from tests.privacy import values


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("11010519491231002X", True),  # GB 11643-1999, annex
        ("11010519491231002x", True),
        ("440524188001010014", True),
        ("110105194912310021", False),
        ("990105194912310020", False),
        ("110000194912310021", False),
        ("110105194913310029", False),
        ("110105190002290010", False),
    ],
)
def test_cn_id(text: str, fine: bool) -> None:
    assert checks.cn_id(text) is fine


def test_any_other_check_character_is_wrong() -> None:
    body = "11010519491231002"
    assert [character for character in "0123456789X" if checks.cn_id(body + character)] == ["X"]


@pytest.mark.parametrize(
    ("text", "fine"),
    [("19000228", True), ("19000229", False), ("20000229", True), ("20230431", False), ("18490101", False)],
)
def test_date(text: str, fine: bool) -> None:
    assert checks.date(text) is fine


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("110105491231002", True),
        ("110105491331002", False),
        ("190105491231002", False),
        ("114605491231002", False),
    ],
)
def test_cn_id_15(text: str, fine: bool) -> None:
    assert checks.cn_id_15(text) is fine


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("4111111111111111", True),
        ("4111111111111112", False),
        ("378282246310005", True),
        ("5555555555554444", True),
        ("2223003122003222", True),
        ("3530111333300000", True),
        ("6011111111111117", True),
        ("36700102000000", True),
        ("6222021234567894", True),
        ("1234567812345670", False),  # Luhn's digit is right, but nobody issues it
        ("411111111111111", False),
        ("690101201409066891", False),  # a wrong identity number is no card
    ],
)
def test_bank_card(text: str, fine: bool) -> None:
    assert checks.bank_card(text) is fine


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("91350100M000100Y43", True),
        ("91350100M000100Y44", False),
        ("91350100I000100Y43", False),
        ("9135O100M000100Y43", False),
        ("00350100M000100Y43", False),
        ("91990100M000100Y43", False),
    ],
)
def test_uscc(text: str, fine: bool) -> None:
    assert checks.uscc(text) is fine


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("DE89370400440532013000", True),  # ISO 13616's examples
        ("GB29NWBK60161331926819", True),
        ("NO9386011117947", True),
        ("DE88370400440532013000", False),
        ("DE8937040044053201300", False),
        ("ZZ89370400440532013000", False),
    ],
)
def test_iban(text: str, fine: bool) -> None:
    assert checks.iban(text) is fine


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("123456789", True),
        ("000456789", False),
        ("666456789", False),
        ("912345678", False),
        ("123006789", False),
    ],
)
def test_us_ssn(text: str, fine: bool) -> None:
    assert checks.us_ssn(text) is fine
    assert not checks.us_ssn("123450000")


def test_the_labelled_sets_own_arithmetic_agrees() -> None:
    from random import Random

    r = Random(3)
    for _ in range(300):
        assert checks.cn_id(values.cn_id18(r))
        assert checks.uscc(values.uscc(r))
        assert checks.bank_card(values.bank_card(r).replace(" ", "").replace("-", ""))
        assert checks.iban(values.iban(r).replace(" ", ""))
