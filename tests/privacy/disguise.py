"""How values are hidden from a plain expression: full-width and zero-width characters, Chinese numerals, escapes."""

from __future__ import annotations

from random import Random

from tests.privacy.values import words

ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
NUMERIC = frozenset(
    words("CN_ID CN_MOBILE CN_LANDLINE BANK_CARD USCC PASSPORT TRAVEL_PERMIT US_SSN PHONE IBAN")
)
SPOKEN = frozenset(("CN_ID", "CN_MOBILE", "BANK_CARD"))
INVISIBLE = NUMERIC | {"EMAIL", "PLATE", "API_KEY", "NAME", "ADDRESS"}
WIDE = {code: code + 0xFEE0 for code in (*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B))}


def disguised(r: Random, kind: str, value: str) -> str:
    """``value`` as somebody writes it who wants to pass a filter; most of the time as it is."""
    way = r.random()
    if kind in SPOKEN and way < 0.03 and value.isascii():
        one = r.choice("一幺")
        return "".join("〇一二三四五六七八九"[int(c)].replace("一", one) if c.isdigit() else c for c in value)
    if kind in SPOKEN and way < 0.06 and value.isdigit():
        return r.choice(" -.").join(value) if kind == "CN_MOBILE" else value
    if kind in NUMERIC and 0.06 <= way < 0.10:
        return value.translate(WIDE)
    if kind in INVISIBLE and 0.10 <= way < 0.14:
        return invisible(r, value)
    return value


def invisible(r: Random, value: str) -> str:
    letters = list(value)
    for place in sorted(r.sample(range(1, len(letters)), min(3, len(letters) - 1)), reverse=True):
        letters.insert(place, r.choice(ZERO_WIDTH))
    return "".join(letters)


def escaped(text: str, spans: list[tuple[int, int, str]]) -> tuple[str, list[tuple[int, int, str]]]:
    """``text`` as the inside of a JSON string of ASCII only, and where its spans are then."""
    pieces, places, length = [], [], 0
    for character in text:
        places.append(length)
        piece = character if " " <= character <= "~" else f"\\u{ord(character):04x}"
        piece = {"\n": "\\n", '"': '\\"', "\\": "\\\\"}.get(character, piece)
        pieces.append(piece)
        length += len(piece)
    places.append(length)
    return "".join(pieces), [(places[start], places[end], kind) for start, end, kind in spans]
