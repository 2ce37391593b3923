"""The quick look at a request's body: "nothing" is certain, and is what most requests get.

The body is JSON text. Where a string of it has no escapes, it stands in the body as it is, between two quotes, and
whatever pattern matches in the string matches in the body too: a quote is no letter, so that `\\b` and `\\B` hold there
as they do at the ends of a text. Three escapes are usual, for line ends, tabs and quotes, and are undone by replacing
them; a quote within a string becomes U+0001, which no JSON text has as it is (RFC 8259, section 7), so that the quotes
around strings are not taken for quotes in them. A body with any other escape is looked at by its decoded strings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from seekgate.config.compiled.guard import PatternList
from seekgate.stages.guard.matcher import Matcher
from seekgate.stages.guard.signs import FOREIGN, HIDDEN, NAMED, PERCENT, Sign
from seekgate.stages.guard.strings import collect
from seekgate.stages.guard.views import leet

LISTS, INJECTION = 1, 2
"""What there may be something of: bits of a sum."""

Make = Callable[[Sequence[str]], Matcher]

_LONG = 8192
"""A body from here on may have a picture in it, which is not looked at."""
_LEET = [list(HIDDEN).index("leet")]
_MARK = "\x01"
_BACKSLASH = 0x5C  # a number is looked for in a fraction of the time that bytes are
_ANCHOR = re.compile(r"(?<![\[\\])\^|(?<!\\)\$|\\[AZzG]")
_ODD = re.compile(r'[\["]|\\[^\WbBdDsSwW]')


class Quick:
    """The look. ``lists`` is the matcher of `patterns <PatternList>` that requests are held against, if there are any;
    ``signs`` are those of an injection (none where it is not looked for), and matter from ``threshold`` on."""

    __slots__ = ("_all", "_always", "_doubts", "_enough", "_foreign", "_hidden", "_lists", "_plain", "_signs")

    def __init__(
        self,
        make: Make,
        asked: Sequence[PatternList],
        lists: Matcher | None,
        signs: Sequence[Sign],
        threshold: float,
    ) -> None:
        patterns = [pattern for one in asked for pattern in one.patterns]
        bare = [pattern.replace("\\\\", "") for pattern in patterns]
        self._lists = lists
        self._plain = not any(map(_ODD.search, bare))
        # What holds at the ends of a string or a line says nothing about a place in the body.
        self._always = LISTS if any(map(_ANCHOR.search, bare)) else 0
        self._all = (LISTS if patterns else 0) | (INJECTION if signs else 0)
        self._foreign = make(list(FOREIGN.values()))
        self._signs = make([*map(sought, signs), *NAMED.values()]) if signs else None
        self._hidden = make([*HIDDEN.values(), PERCENT]) if signs else None
        # A name of a way to hide something counts as enough, because what is hidden is not seen here.
        self._doubts = [*(-math.log(1 - sign.tool) for sign in signs), *(math.inf for _ in NAMED)]
        self._enough = -math.log(1 - threshold) - 1e-9 if threshold < 1 else math.inf

    def look(self, body: bytes, tree: dict[str, Any]) -> int:
        """What there may be something of in a request, `LISTS` and `INJECTION`; of what is not in it there is
        certainly nothing. ``tree`` is the decoded body."""
        if len(body) > _LONG and b";base64," in body:
            return self._decoded(tree)
        if _BACKSLASH in body:
            plain = unescaped(body)
            if plain is None or (not self._plain and b"\x01" in plain):
                return self._decoded(tree)
            body = plain
        return self._seen(body, body)

    def may_hold(self, body: bytes) -> bool:
        """Whether there may be something in an answer's body, which need not even be JSON. False is certain."""
        if _BACKSLASH in body:
            plain = unescaped(body)
            if plain is None or (not self._plain and b"\x01" in plain):
                return True
            body = plain
        try:
            body.decode()
        except UnicodeDecodeError:  # the matchers take nothing else
            return True
        return self._seen(body, body) != 0

    def _decoded(self, tree: dict[str, Any]) -> int:
        text = "\n".join([text for texts in collect(tree).by_role for text in texts])
        if _MARK in text:
            return self._all
        data = text.encode("utf-8", "replace")
        return self._seen(data, data.replace(b'"', b"\x01"))

    def _seen(self, data: bytes, marked: bytes) -> int:
        """``marked`` is ``data`` with U+0001 instead of the quotes in strings."""
        if not data.isascii() and self._foreign.scan_bytes(data):
            return self._all
        seen = self._always
        if not seen and self._lists is not None and self._lists.scan_bytes(data):
            seen = LISTS
        if self._signs is not None and self._hidden is not None:
            hidden = self._hidden.scan_bytes(data)
            # A word such as utf8 is common; three of them, which it takes, are not.
            if hidden and (hidden != _LEET or leet(data.decode())):
                return seen | INJECTION
            found = self._signs.scan_bytes(marked)
            if found:
                doubts = self._doubts
                if sum([doubts[one] for one in found]) >= self._enough:
                    return seen | INJECTION
        return seen


def unescaped(body: bytes) -> bytes | None:
    """JSON text with its escapes undone, U+0001 for a quote; None where there are others than the usual ones.

    Of several backslashes in a row only the last can be part of what is replaced, so that one is left of each pair
    which means a backslash.
    """
    body = body.replace(b"\\n", b"\n").replace(b'\\"', b"\x01")
    if b"\\" in body:
        body = body.replace(b"\\t", b"\t").replace(b"\\r", b"\r")
        if b"\\" in body:
            return None
    return body


def sought(sign: Sign) -> str:
    """A pattern for a body which is found there wherever the sign is found in a string: a quote is U+0001, and what has
    to stand at the beginning of a line may stand anywhere."""
    return re.sub(r"(?<![\[\\])\^", "", re.sub(r'\\?"', r"\\x01", sign.pattern))
