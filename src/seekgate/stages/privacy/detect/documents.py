"""Numbers of passports and permits, and identity numbers that are masked already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seekgate.stages.privacy.detect import checks, cues
from seekgate.stages.privacy.detect.kinds import Span

PASSPORT_WORDS = re.compile(r"护照|passport", re.IGNORECASE)
_PERMIT_WORDS = re.compile(r"通行证|回乡证|台胞证|来往内地|来往大陆|permit", re.IGNORECASE)
_MASKED = re.compile(
    r"(?<![0-9A-Za-z])([1-9](?:[ -]?\d){3,13})[ -]?([*Xx●×•■]{4,14})(?: ?([0-9]{1,4}[Xx]?|[Xx]))?(?![0-9A-Za-z*])"
)

# Letters and digits of a permit: of Hong Kong and Macao to the mainland, and of the mainland to them and to Taiwan.
_PERMITS = frozenset("HMCLTRW")
# Lengths (letters, digits) of passports that only a word beside them gives away: old Chinese ones and other countries'.
_PASSPORTS = frozenset(((1, 8), (1, 7), (2, 7), (2, 6)))


def document(text: str, joined: str, start: int, end: int) -> str | None:
    """The type of ``joined``, a letter or two and digits, which stands at ``start``; None if it is no document's."""
    letters = joined.rstrip("0123456789").upper()
    count = len(joined) - len(letters)
    if len(letters) > 2 or not 6 <= count <= 10:
        return None
    if letters in _PERMITS and count in (8, 10):
        if cues.near(text, start, end, _PERMIT_WORDS) or _vouched(text, start, end, letters in "HM"):
            return "TRAVEL_PERMIT"
        if count == 10:
            return None
    if cues.near(text, start, end, PASSPORT_WORDS):
        return "PASSPORT" if (len(letters), count) in _PASSPORTS else None
    if (letters == "E" and count == 8) or (len(letters) == 2 and letters[0] == "E" and count == 7):
        return "PASSPORT" if cues.before(text, start) != cues.AGAINST else None
    return "PASSPORT" if count == 8 and _vouched(text, start, end, letters in "GDSP") else None


def _vouched(text: str, start: int, end: int, usual: bool) -> bool:
    """Whether a number with one of the ``usual`` letters stands alone in its line, or after a word for such numbers."""
    if not usual:
        return False
    if cues.before(text, start) == cues.FOR:
        return True
    return text[max(start - 1, 0) : start] in ("", "\n") and text[end : end + 1] in ("", "\n", "\r")


def masked(text: str) -> Iterator[Span]:
    """Identity numbers that somebody has masked in part: region, as much of the date as is left, and the length."""
    for match in _MASKED.finditer(text):
        shown, hidden, tail = re.sub(r"[ -]", "", match[1]), match[2], match[3]
        if len(shown) + len(hidden) + len(tail or "") not in (15, 18) or shown[:2] not in checks.PROVINCES:
            continue
        if len(shown) >= 14 and not checks.date(shown[6:14]):
            continue
        if 8 <= len(shown) < 14 and shown[6:8] not in ("18", "19", "20"):
            continue
        yield Span(match.start(), match.end(), "CN_ID")
