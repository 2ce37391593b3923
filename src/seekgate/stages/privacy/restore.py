"""Tokens in text become values again, also where a model has altered them, and also when the text comes in pieces.

A token is recognised by its plain form (`tokens`): letters of any case and width, with separators (white space,
underscores, hyphens, quotes, Markdown's and JSON's marks) added, removed or changed anywhere behind its first word.
That is unambiguous, because the whole plain form must follow, and only tokens that this exchange has issued count.

`Restorer` gives the same text for every way of cutting it into pieces: what is held back is always the end of the text
from the first character on from which a token may still grow, and it is read again with the next piece. It holds back
at most `MAX_HELD` characters.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from seekgate.stages.privacy.nested import inside
from seekgate.stages.privacy.tokens import WORD, Vault

MAX_HELD = 128
"""Characters of the longest form of a token that is recognised."""

MAX_GAP = 8
"""Separators between two characters of a token."""

_SEPARATORS = (
    " \t\n\r_-*`'\"\\~.\u00a0\u00ad\u2002\u2003\u2009\u202f\u200b\u200c\u200d\u2060\ufeff\u3000\uff3f\u2010\u2011"
    "\u2012\u2013\u2014\u2212\uff0d\u2018\u2019\u201c\u201d"
)
_START = re.compile("[pP\uff30\uff50](?:[iI\uff29\uff49]{2}|[iI\uff29\uff49]?\\Z)")
MAY_START = re.compile(
    rb"[pP](?:[iI\xef\\]|\Z)|\xef\xbc\xb0|\xef\xbd\x90|\\u(?:00[57]0|[fF][fF][35]0)"
).search
"""Whether the JSON text of a piece may hold the start of a token."""

MAY_BE_ALIKE = re.compile(
    rb"[pP\xef\\](?:(?<=[pP])[iI\xef\\]|(?<=\xef)(?:\xbc\xb0|\xbd\x90)|(?<=\\)u(?:00[57]0|[fF][fF][35]0))"
).search
"""Whether JSON text may hold the start of a token in one of its strings."""

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/"}


def _plain_forms() -> dict[str, str]:
    forms = dict.fromkeys(_SEPARATORS, "")
    for code in (*range(48, 58), *range(65, 91), *range(97, 123)):
        forms[chr(code)] = forms[chr(code + 0xFEE0)] = chr(code).lower()
    return forms


_PLAIN = _plain_forms()
_FAILED = -1
_OPEN = -2


class State(NamedTuple):
    """How far the reading of a token has come: its plain form, the separators since, and how many characters were
    read."""

    plain: str
    gap: int
    at: int


class Restorer:
    """Restores one text that comes in pieces. ``nested``: it is JSON text, so values are escaped to stand in its
    strings, and its own escapes are understood."""

    __slots__ = ("_nested", "_state", "_vault", "held")

    def __init__(self, vault: Vault, nested: bool = False) -> None:
        self._vault = vault
        self._nested = nested
        self._state = _BEGIN
        self.held = ""

    def feed(self, text: str) -> str:
        """What can be said now, after this piece."""
        state = _BEGIN
        if self.held:
            text = self.held + text
            state = self._state
            self.held = ""
        search, at, pieces = _START.search, 0, []
        while (found := search(text, at)) is not None:
            start = found.start()
            if start:
                state = _BEGIN  # what was held was no token after all
            end, value, state = match(self._vault, text, start, self._nested, state)
            if end == _FAILED:
                pieces.append(text[at : start + 1])
                at = start + 1
            elif end == _OPEN:
                pieces.append(text[at:start])
                self.held = text[start:]
                self._state = state
                return "".join(pieces)
            else:
                pieces += (text[at:start], inside(value) if self._nested else value)
                at = end
        if not at:
            return text
        pieces.append(text[at:])
        return "".join(pieces)

    def flush(self) -> str:
        """What was held back, because nothing follows."""
        held, self.held = self.held, ""
        return held


_BEGIN = State("", 0, 0)


def alike_count(text: str) -> int:
    """How many places of a text could be the start of a token: what `look_alikes` costs."""
    return sum(1 for _ in _START.finditer(text))


def look_alikes(vault: Vault, text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where between ``start`` and ``end`` a text would be taken for a token of the vault: (start, end), in order."""
    found = []
    part = text[start:end]
    at = 0
    while (candidate := _START.search(part, at)) is not None:
        stop = match(vault, part, candidate.start(), False)[0]
        if stop >= 0:
            found.append((start + candidate.start(), start + stop))
            at = stop
        else:
            at = candidate.start() + 1
    return found


def match(vault: Vault, text: str, start: int, nested: bool, state: State = _BEGIN) -> tuple[int, str, State]:
    """Read a token at ``start``: where it ends, its value, and `_BEGIN`.

    A negative end says that there is none (-1), or none yet (-2: the text ends too early); the `State` then says how
    to go on when the text, from ``start`` on, has become longer.
    """
    values, prefixes = vault.values, vault.prefixes
    plain, gap, at = state
    at += start
    limit = min(len(text), start + MAX_HELD)
    while at < limit:
        character, after = text[at], at + 1
        if nested and (character == "\\" or character == '"'):
            if character == '"':
                return _FAILED, "", _BEGIN  # the string ends here
            character, after = _escape(text, after)
            if after == _OPEN:
                break
        at = after
        form = _PLAIN.get(character)
        if form:
            plain += form
            gap = 0
            if plain not in prefixes:
                value = values.get(plain)
                return (_FAILED, "", _BEGIN) if value is None else (at, value, _BEGIN)
        elif form is None or len(plain) < len(WORD) or gap >= MAX_GAP:
            return _FAILED, "", _BEGIN
        else:
            gap += 1
    if len(text) - start >= MAX_HELD:
        return _FAILED, "", _BEGIN
    return _OPEN, "", State(plain, gap, at - start)


def _escape(text: str, at: int) -> tuple[str, int]:
    """The character of the JSON escape whose backslash stands before ``at``, and where it ends (-2: not here)."""
    letter = text[at : at + 1]
    if not letter:
        return "", _OPEN
    if letter != "u":
        return _ESCAPES.get(letter, "\0"), at + 1
    digits = text[at + 1 : at + 5]
    try:
        code = int(digits, 16) if digits else 0
    except ValueError:
        return "\0", at + 1
    return (chr(code), at + 5) if len(digits) == 4 else ("", _OPEN)
