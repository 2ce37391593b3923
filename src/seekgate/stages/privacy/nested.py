"""JSON text inside a string, as tool calls have their arguments: what is put into it must leave it JSON."""

from __future__ import annotations

import re

import msgspec

from seekgate.wire.texts import string_inside

_MARKS = re.compile(r'["\\]')
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_decode = msgspec.json.Decoder(str).decode


class Quotes:
    """Whether the place that has been reached is inside a string. ``inside`` is read between calls."""

    __slots__ = ("_escaped", "inside")

    def __init__(self) -> None:
        self.inside = False
        self._escaped = False

    def read(self, text: str, start: int, end: int) -> None:
        """Go on over characters ``start`` to ``end``."""
        if start >= end:
            return
        at = start + self._escaped
        self._escaped = False
        while (mark := _MARKS.search(text, at, end)) is not None:
            at = mark.end()
            if mark[0] == '"':
                self.inside = not self.inside
            elif self.inside:
                at += 1
                self._escaped = at > end

    def bare(self, value: str) -> bool:
        """Whether ``value``, which stands here, is a number without quotes: other text in its place needs them."""
        return not self.inside and _NUMBER.fullmatch(value) is not None


def inside(value: str) -> str:
    """``value`` as it stands in a string of JSON text."""
    return string_inside(value).decode()


def outside(text: str) -> str:
    """What a piece of a string of JSON text says; the piece itself if it begins or ends within an escape."""
    if "\\" not in text:
        return text
    try:
        return _decode(f'"{text}"')
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text
