"""Numbers with a form: identity, telephone, card, organisation, passport and permit numbers.

The text is cut into *tokens* (letters and digits with at least one digit) that may be *linked* by a short separator.
Every row of linked tokens that is short enough is joined and asked what it is. So a separator inside a number is seen
through, and one that stands between two numbers does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from seekgate.stages.privacy.detect import checks, cues, documents, layouts, numbering
from seekgate.stages.privacy.detect.kinds import Span

# From the first digit on: what is searched for begins with one of few characters, which is ten times as fast.
_TOKEN = re.compile(
    r"[0-9Xx](?:(?<=[0-9])[0-9A-Za-z_]*+|(?<=\d[ .-][Xx])(?![0-9A-Za-z_]))",
)
_WORD = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_LONGEST = 22
_SPELLED = re.compile(
    r"(?:tel|phone|mobile|mob|cell|call|fax|id|card|ssn|no|wx|wechat)(?=\d{9,})", re.IGNORECASE
)

_SIGNS = frozenset("¥$€#")
_ITEM = re.compile(r"(?:\A|\n)\s{0,4}[1-9]\d?\.\Z")
_FRACTION = re.compile(r"\.\d{1,2}(?!\d)|\.\d{5,}|,\d{3}|%")
_PHONE_WORDS = re.compile(r"手机|电话|phone|mobile|tel", re.IGNORECASE)
_CARD_WORDS = re.compile(r"卡|账号|帐号|账户|帐户|card|visa|amex|account|转账|pay", re.IGNORECASE)
_SSN_WORDS = re.compile(r"ssn|social security|社保号|社会安全|taxpayer", re.IGNORECASE)


class Row(NamedTuple):
    """Linked tokens: their characters joined, the length of each, the separators between them, and their place."""

    joined: str
    lengths: tuple[int, ...]
    gaps: tuple[str, ...]
    start: int
    end: int

    @property
    def even(self) -> bool:
        """Whether all separators are the same."""
        return len(set(self.gaps)) < 2


def judge(text: str) -> Iterator[Span]:
    """The numbers in ``text``, which is ASCII where it matters. Spans may overlap."""
    tokens = [_whole(text, *match.span()) for match in _TOKEN.finditer(text)]
    index = 0
    while index < len(tokens):
        spaced = _spaced(text, tokens, index)
        if spaced > 1:
            yield from _row(text, tokens[index : index + spaced], tokens[index][0])
            index += spaced
        else:
            yield from _rows_from(text, tokens, index)
            index += 1


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    """A token with the letters before its first digit."""
    while start and text[start - 1] in _WORD:
        start -= 1
    return start, end


def _spaced(text: str, tokens: list[tuple[int, int]], index: int) -> int:
    """How many single characters with one separator each follow from ``index`` on: `1 3 8 …` is one number."""
    place = index
    while place < len(tokens):
        start, end = tokens[place]
        if end - start != 1 or (place > index and text[tokens[place - 1][1] : start] not in layouts.SINGLE):
            break
        place += 1
    return place - index


def _rows_from(text: str, tokens: list[tuple[int, int]], index: int) -> Iterator[Span]:
    """The numbers that begin with one token, and take in as many more as a layout has."""
    start, end = tokens[index]
    spelled = _SPELLED.match(text, start, end)
    if spelled:
        start = spelled.end()
    row = [(start, end)]
    lengths: tuple[int, ...] = (end - start,)
    most = _most(text, start, end)
    while True:
        if len(row) <= most or lengths in layouts.WHOLE:
            yield from _row(text, row, start)
        if len(row) >= most and lengths not in layouts.BEGINNINGS:
            return
        index += 1
        if index == len(tokens) or text[row[-1][1] : tokens[index][0]] not in layouts.LINKS:
            return
        row.append(tokens[index])
        lengths = (*lengths, tokens[index][1] - tokens[index][0])
        if most == 1 and lengths == (2, 2) and text[start] not in "08":  # a table of small numbers
            return


def _most(text: str, start: int, end: int) -> int:
    """How many tokens a number may have here whatever its layout: more if it has an area's or a country's code."""
    if text[max(start - 1, 0) : start] == "+" or (text[start : start + 2] == "00" and end - start > 2):
        return 8
    return 4 if text[start] == "0" and end - start in (3, 4) else 1


def _row(text: str, tokens: list[tuple[int, int]], start: int) -> Iterator[Span]:
    joined = "".join([text[begin:end] for begin, end in tokens])
    if not 8 <= len(joined) <= _LONGEST:
        return
    end = tokens[-1][1]
    gaps = tuple([text[left[1] : right[0]] for left, right in pairwise(tokens)])
    row = Row(joined, tuple([end - begin for begin, end in tokens]), gaps, start, end)
    attached = text[max(start - 1, 0) : start] == "-" and _alphanumeric(text, start - 2)
    follows = text[end : end + 1] == "-" and _alphanumeric(text, end + 1)
    kind = _kind(text, row, attached, follows)
    if kind:
        yield Span(*_bracketed(text, start, end, kind), kind)


def _alphanumeric(text: str, place: int) -> bool:
    return 0 <= place < len(text) and text[place].isascii() and text[place].isalnum()


def _bracketed(text: str, start: int, end: int, kind: str) -> tuple[int, int]:
    """The place with the ``+`` and the bracket that belong to it."""
    if start and text[start - 1] == "+":
        start -= 1
    if start and text[start - 1] == "(" and ")" in text[start:end]:
        start -= 1
    if kind == "CN_LANDLINE":
        extension = re.compile(r"-\d{1,5}(?![\d-])").match(text, end)
        if extension:
            end = extension.end()
    return start, end


def _kind(text: str, row: Row, attached: bool, follows: bool) -> str | None:
    joined = row.joined
    if joined.isdigit():
        if len(joined) >= 13:
            return _long(text, row)
        return _short(text, row, attached, follows)
    if len(joined) == 18:
        if joined[:17].isdigit() and joined[17] in "Xx":
            return "CN_ID" if checks.cn_id(joined) else _uscc(joined)
        return _uscc(joined)
    if len(row.lengths) == 1 and joined[0].isalpha() and joined.isascii():
        return documents.document(text, row.joined, row.start, row.end)
    return None


def _uscc(joined: str) -> str | None:
    return "USCC" if checks.uscc(joined.upper()) else None


def _long(text: str, row: Row) -> str | None:
    """Thirteen digits and more: identity number, organisation, card, mobile or telephone number with its code."""
    joined = row.joined
    if len(joined) == 18:
        if checks.cn_id(joined):
            return "CN_ID"
        if checks.uscc(joined):
            return "USCC"
    if len(joined) in (13, 15):
        code = 2 if len(joined) == 13 else 4
        if joined[:code] in ("86", "0086") and numbering.mobile(joined[code:]) and _coded(row, code):
            return "CN_MOBILE"
    if _foreign(text, row):
        return "PHONE"
    old = row.lengths in ((15,), (6, 6, 3)) and row.even and checks.cn_id_15(joined)
    card = len(joined) <= 19 and _card_layout(row) and checks.bank_card(joined)
    if not (old or card):
        return _landline(text, row)
    if _fraction(text, row) or cues.before(text, row.start) == cues.AGAINST:
        return None
    if old and not (card and cues.near(text, row.start, row.end, _CARD_WORDS, 16, 0)):
        return None if cues.near(text, row.start, row.end, _PHONE_WORDS, 8, 0) else "CN_ID"
    return "BANK_CARD" if card else None


def _card_layout(row: Row) -> bool:
    lengths = row.lengths
    fours = all(length == 4 for length in lengths[:-1]) and lengths[-1] <= 4
    return row.even and (len(lengths) == 1 or fours or lengths in layouts.CARD)


def _coded(row: Row, code: int) -> bool:
    """Whether what follows the country's code is laid out as a mobile number."""
    if row.lengths[0] == code:
        return row.lengths[1:] in layouts.MOBILE and len(set(row.gaps[1:])) < 2
    return len(row.lengths) == 1 or (row.lengths[0] == code + 3 and row.even)


def _short(text: str, row: Row, attached: bool, follows: bool) -> str | None:
    """Eight to twelve digits: mobile, landline, social security and telephone numbers, permits."""
    joined, lengths = row.joined, row.lengths
    if _foreign(text, row):
        return "PHONE"
    if attached or follows or _decimal(text, row):
        return "CN_LANDLINE" if not attached and follows and _landline(text, row) else None
    if len(joined) == 11 and lengths in layouts.MOBILE and row.even and numbering.mobile(joined):
        return None if cues.before(text, row.start) == cues.AGAINST else "CN_MOBILE"
    if len(joined) == 9:
        nine = _nine(text, row)
        if nine:
            return nine
    if joined[0] == "0":
        landline = _landline(text, row)
        ours = landline and (len(lengths) < 3 or row.gaps[0] != " ")
        return "PHONE" if not ours and _european(text, row) else landline
    if joined[:2] == "86" and _landline(text, row):
        return "CN_LANDLINE"
    if lengths == (8,) and "台胞证" in text[max(row.start - 16, 0) : row.start]:
        return "TRAVEL_PERMIT"
    return _american(text, row)


def _nine(text: str, row: Row) -> str | None:
    """Nine digits: a social security number by its layout, or what the words before it say."""
    written = row.lengths == layouts.SOCIAL_SECURITY and row.even and row.gaps[0] in "- "
    plain = row.lengths == (9,)
    if written or (plain and cues.near(text, row.start, row.end, _SSN_WORDS, 24, 0)):
        fine = checks.us_ssn(row.joined) and cues.before(text, row.start) != cues.AGAINST
        return "US_SSN" if fine else None
    if plain and cues.near(text, row.start, row.end, documents.PASSPORT_WORDS, 16, 0):
        return "PASSPORT"
    return None


def _european(text: str, row: Row) -> bool:
    """Whether the row is a national number of Europe: without Chinese around it, after a word for telephones."""
    if len(row.joined) < 9 or row.joined[1] == "0" or row.lengths not in layouts.EUROPEAN:
        return False
    if text[max(row.start - 2, 0) : row.start - 1].isdigit():  # the middle of a row of numbers
        return False
    if cues.before(text, row.start) != cues.FOR:
        return False
    around = text[max(row.start - 24, 0) : row.end + 8]
    return not any("\u4e00" <= character <= "\u9fff" for character in around)


def _decimal(text: str, row: Row) -> bool:
    """Whether the row is a part of a number with a decimal point, or an amount."""
    return (
        bool(_FRACTION.match(text, row.end))
        or _fraction(text, row)
        or text[max(row.start - 1, 0) : row.start] in _SIGNS
    )


def _fraction(text: str, row: Row) -> bool:
    """Whether the row is what follows a decimal point, and not what follows the number of an item of a list."""
    if text[max(row.start - 1, 0) : row.start] != "." or not _alphanumeric(text, row.start - 2):
        return False
    return not _ITEM.search(text, max(row.start - 8, 0), row.start)


def _american(text: str, row: Row) -> str | None:
    joined, lengths = row.joined, row.lengths
    if len(joined) == 11 and joined[0] == "1" and lengths[0] == 1:
        joined, lengths = joined[1:], lengths[1:]
    written = lengths in layouts.AMERICAN
    if len(joined) != 10 or not (written or lengths == (10,)) or not numbering.north_american(joined):
        return None
    said = cues.before(text, row.start)
    if said == cues.AGAINST:
        return None
    punctuated = written and (row.gaps[-1] in ("-", ".") or ")" in "".join(row.gaps))
    return "PHONE" if punctuated or said == cues.FOR else None


def _foreign(text: str, row: Row) -> bool:
    """Whether the row is an international number: after ``+``, or after ``00`` with separators."""
    joined = row.joined
    if _plus(text, row):
        tail = joined
    elif (
        joined[:2] == "00"
        and text[max(row.start - 1, 0) : row.start] != "+"
        and (len(row.lengths) > 1 or cues.before(text, row.start) == cues.FOR)
    ):
        tail = joined[2:]
    else:
        return False
    if _FRACTION.match(text, row.end) or (row.gaps[-1:] == (".",) and row.lengths[-1] < 2):
        return False
    if numbering.international(tail):
        return True
    digits = row.lengths[0]
    return ("(" in "".join(row.gaps)) and numbering.international(tail[:digits] + tail[digits + 1 :])


def _plus(text: str, row: Row) -> bool:
    """Whether a ``+`` stands before the row that adds nothing to anything."""
    return text[max(row.start - 1, 0) : row.start] == "+" and not _alphanumeric(text, row.start - 2)


def _landline(text: str, row: Row) -> str | None:
    joined, lengths, gaps = row.joined, row.lengths, row.gaps
    code = "86" if joined[:2] == "86" else "0086" if joined[:4] == "0086" else ""
    if code:
        national = joined[len(code) :]
        national = national if national[:1] == "0" else "0" + national
        coded = _plus(text, row) or len(code) == 4 or (lengths[0] == 2 and gaps[0] == "-")
        if not coded or len(national) < 10:
            return None
        area = numbering.area_length(national)
        return "CN_LANDLINE" if area and numbering.local_number(national[area:], area) else None
    area = numbering.area_length(joined)
    if not area or not numbering.local_number(joined[area:], area):
        return None
    if lengths[0] not in (area, len(joined)):
        return None
    said = cues.before(text, row.start)
    if said == cues.AGAINST:
        return None
    return "CN_LANDLINE" if gaps or said == cues.FOR or len(joined) >= 11 else None
