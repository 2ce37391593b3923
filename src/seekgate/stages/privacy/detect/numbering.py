"""Telephone numbering: which digits may begin a number, and how many follow. Pure; digits without separators."""

from __future__ import annotations

import re

# The ranges that China's ministry (MIIT) has given to mobile networks, machines' numbers (14x) among them.
MOBILE_PREFIXES = frozenset(
    block + digit
    for block, last in (
        ("13", "0123456789"),
        ("14", "1456789"),
        ("15", "012356789"),
        ("16", "2567"),
        ("17", "012345678"),
        ("18", "0123456789"),
        ("19", "012356789"),
    )
    for digit in last
)
_SHORT_AREAS = frozenset(("010", "020", "021", "022", "023", "024", "025", "027", "028", "029"))

# Calling codes (ITU-T E.164) and how many digits a number has with its code, fewest and most.
_CODES = {
    code: (int(fewest), int(most))
    for code, fewest, most in re.findall(
        r"(\d+):(\d+)-(\d+)",
        "1:11-11 7:11-11 20:11-12 27:11-11 30:12-12 31:11-11 32:10-11 33:11-11 34:11-11 36:10-11 39:9-13 "
        "40:11-11 41:11-11 43:9-14 44:12-12 45:10-10 46:9-12 47:10-10 48:11-11 49:9-14 52:12-13 55:12-13 "
        "60:10-12 61:11-11 62:10-14 63:12-12 64:10-12 65:10-10 66:10-11 81:11-12 82:10-12 84:11-12 90:12-12 "
        "91:12-12 351:12-12 352:8-12 353:10-12 354:10-10 355:11-12 356:11-11 357:11-11 358:9-13 359:11-12 370:11-11 "
        "371:11-11 372:10-11 380:12-12 381:11-12 385:11-12 386:11-11 420:12-12 421:12-12 852:11-11 853:11-11 886:11-12 "
        "966:12-12 971:11-12 972:11-12 ",
    )
}


def mobile(digits: str) -> bool:
    """Eleven digits that are a mobile number of mainland China."""
    return digits[:3] in MOBILE_PREFIXES


def area_length(digits: str) -> int:
    """How many digits the Chinese area code has that ``digits`` (with its zero) begins with; 0 if none."""
    if digits[:3] in _SHORT_AREAS:
        return 3
    return 4 if digits[0] == "0" and digits[1] in "3456789" and digits[2] in "123456789" else 0


def local_number(digits: str, area: int) -> bool:
    """Whether ``digits`` may be a local number under an area code of ``area`` digits."""
    return len(digits) in ((8,) if area == 3 else (7, 8)) and digits[0] in "2345678"


def north_american(digits: str) -> bool:
    """Ten digits that the North American Numbering Plan allows: area and exchange do not begin with 0 or 1."""
    return digits[0] in "23456789" and digits[3] in "23456789" and digits[1:3] != "11"


def international(digits: str) -> bool:
    """Digits after a ``+``: a calling code other than China's, and as many digits as numbers there have."""
    if digits[:2] == "86":
        return False
    for length in (3, 2, 1):
        bounds = _CODES.get(digits[:length])
        if bounds is not None:
            if digits[0] == "1" and not north_american(digits[1:].ljust(10, "0")):
                return False
            return bounds[0] <= len(digits) <= bounds[1]
    return False
