"""Checksums and ranges of identifiers: pure arithmetic on text without separators. False for anything else."""

from __future__ import annotations

import re

# GB/T 2260: the first two digits of a resident identity number, which stay as they were at its first issue.
PROVINCES = frozenset(
    re.findall(r"\d\d", "1112131415 212223 31323334353637 414243444546 5051525354 6162636465 71 818283")
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CENTURIES = ("17", "18", "19", "20")
_ID_CHECKS = "10X98765432"
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_USCC = {character: value for value, character in enumerate("0123456789ABCDEFGHJKLMNPQRTUWXY")}
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_USCC_KINDS = frozenset(
    re.findall(
        r"\w\w",
        "11121319 2129 313233343539 4149 515253545559 616269 7172 79 8189 919293 A1A9 N1N2N3N9 Y1",
    )
)
_REGIONS = PROVINCES | {"10"}  # registered with the state itself

# Length of an IBAN by country: the registry of ISO 13616.
IBAN_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18"
        "FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20"
        "LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SE24"
        "SI19 SK24 SM27 ST25 SV28 TN24 TR26 UA29 VA22 VG24 XK20",
    )
}


def date(text: str) -> bool:
    """Whether ``text`` (YYYYMMDD) is a day on which somebody who lives may have been born."""
    year, month, day = int(text[:4]), int(text[4:6]), int(text[6:])
    if not (1850 <= year <= 2040 and 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]):
        return False
    return month != 2 or day < 29 or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))


def cn_id(text: str) -> bool:
    """A resident identity number of 18 characters (GB 11643-1999): region, date of birth, ISO 7064 MOD 11-2."""
    if text[:2] not in PROVINCES or text[2:6] == "0000" or not date(text[6:14]):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11] == text[17].upper()


def cn_id_15(text: str) -> bool:
    """The form of 15 digits that was issued until 1999: region and date; it has no checksum."""
    city = int(text[2:4])
    return (
        text[:2] in PROVINCES
        and (1 <= city <= 34 or city == 90 or 51 <= city <= 53)
        and text[4:6] != "00"
        and date("19" + text[6:12])
    )


def luhn(text: str) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    total = 0
    for index, digit in enumerate(reversed(text)):
        value = int(digit)
        if index % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def bank_card(text: str) -> bool:
    """A card number: an issuer's range (BIN), its length, and Luhn's digit; no identity number that is wrong."""
    if len(text) == 18 and (date(text[6:14]) or (text[:2] in PROVINCES and text[6:8] in _CENTURIES)):
        return False
    return len(text) in _card_lengths(text) and luhn(text)


def _card_lengths(text: str) -> tuple[int, ...] | range:
    two, three, four = text[:2], text[:3], int(text[:4])
    if two == "62":
        return range(16, 20)
    if text[0] == "4":
        return (13, 16, 19)
    if "51" <= two <= "55" or 2221 <= four <= 2720:
        return (16,)
    if two in ("34", "37"):
        return (15,)
    if 3528 <= four <= 3589 or four == 6011 or two == "65" or "644" <= three <= "649":
        return range(16, 20)
    if "300" <= three <= "305" or two in ("36", "38", "39"):
        return (14, 16)
    if (
        two == "60"
        or four in (9558, 5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763)
        or three in _CHINESE_BINS
    ):
        return (16, 18, 19)
    return ()


_CHINESE_BINS = frozenset(("685", "690", "940", "955", "968", "984"))


def uscc(text: str) -> bool:
    """A unified social credit code (GB 32100-2015): kind, region, and its check character MOD 31."""
    if text[:2] not in _USCC_KINDS or not text[2:8].isdigit() or text[2:4] not in _REGIONS:
        return False
    try:
        total = sum(_USCC[character] * weight for character, weight in zip(text, _USCC_WEIGHTS, strict=False))
        return (31 - total % 31) % 31 == _USCC[text[17]]
    except KeyError:
        return False


def iban(text: str) -> bool:
    """An international bank account number (ISO 13616): the country's length and MOD 97-10 (ISO 7064)."""
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def us_ssn(text: str) -> bool:
    """A social security number of nine digits that may have been issued: SSA's rules since 2011."""
    return text[:3] not in ("000", "666") and text[0] != "9" and text[3:5] != "00" and text[5:] != "0000"
