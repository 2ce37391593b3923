"""The fold: a text as the judges read it, and where its characters came from.

Undone are: JSON's ``\\uXXXX`` (in a text that is itself JSON or was pasted from it), characters without width,
full-width letters, digits and signs, and digits of mathematics and of Arabic scripts. `narrow` changes no offsets, so
it is done to the pieces that are judged; the others remove characters, so `fold` keeps a map.
"""

from __future__ import annotations

import re
from bisect import bisect_right

_WIDE = {
    **{code + 0xFEE0: code for code in range(0x21, 0x7F)},
    **dict.fromkeys((0x3000, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F), 0x20),
    **{0x1D7CE + digit: 0x30 + digit % 10 for digit in range(50)},
    **{zero + digit: 0x30 + digit for zero in (0x660, 0x6F0) for digit in range(10)},
    0x2010: 0x2D, 0x2011: 0x2D, 0x2012: 0x2D, 0x2013: 0x2D, 0x2014: 0x2D, 0x2212: 0x2D, 0x30FB: 0xB7, 0x2022: 0xB7,
}  # fmt: skip
# All of these, and as few ranges as there can be: most text has none of them.
_MAY_BE_WIDE = re.compile(
    "[\u00a0\u0660-\u06f9\u1680\u2000-\u2212\u3000\u30fb\uff01-\uff5e\U0001d7ce-\U0001d7ff]+"
)
_NUMERALS = {
    ord(character): str(value)
    for value, characters in enumerate(
        ("〇零○", "一壹幺弌", "二贰弍", "三叁弎", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
    )
    for character in characters
}

# What Unicode calls default ignorable (soft hyphen, joiners, marks of direction, fillers, selectors, tags …), control
# characters but white space, and circles, squares and keys around a character.
INVISIBLE = (
    "\x00-\x07\x0e-\x1f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u20dd-\u20e4\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_REMOVED = re.compile(rf"\\u([0-9a-fA-F]{{4}})|[{INVISIBLE}]+")


def narrow(text: str) -> str:
    """``text`` with full-width characters and unusual spaces and dashes as ASCII has them, and without JSON's line
    ends and tabs. Offsets stay."""
    if "\\" in text:  # the n of JSON's \\n is not the first letter of a number
        text = text.replace("\\n", "  ").replace("\\r", "  ").replace("\\t", "  ")
    return text if text.isascii() else _MAY_BE_WIDE.sub(_narrowed, text)


def _narrowed(match: re.Match[str]) -> str:
    return match[0].translate(_WIDE)


def numerals(text: str) -> str:
    """``text`` with Chinese numerals as digits, also the capital ones and 幺. Offsets stay."""
    return text.translate(_NUMERALS)


class Folded:
    """A text without escapes and invisible characters (``text``); `place` leads back to the text as it came."""

    def __init__(self, text: str) -> None:
        pieces: list[str] = []
        self._starts: list[int] = []
        self._sources: list[int] = []
        self._widths: list[int] = []
        at = length = 0
        for match in _REMOVED.finditer(text):
            if at < match.start():
                self._segment(length, at, 1)
                pieces.append(text[at : match.start()])
                length += match.start() - at
            kept = "" if match[1] is None else _character(match[1])
            if kept:
                self._segment(length, match.start(), len(match[0]))
                pieces.append(kept)
                length += 1
            at = match.end()
        self._segment(length, at, 1)
        pieces.append(text[at:])
        self.text = "".join(pieces)

    def _segment(self, start: int, source: int, width: int) -> None:
        self._starts.append(start)
        self._sources.append(source)
        self._widths.append(width)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where the characters from ``start`` to ``end`` (exclusive) stand in the text as it came."""
        first, last = bisect_right(self._starts, start) - 1, bisect_right(self._starts, end - 1) - 1
        return (
            self._sources[first] + start - self._starts[first],
            self._sources[last] + end - 1 - self._starts[last] + self._widths[last],
        )


def _character(code: str) -> str:
    character = chr(int(code, 16))
    return "" if _REMOVED.match(character) else character
