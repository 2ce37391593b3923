"""A search for what must not be anywhere: marks, in part too, in every form in which text usually travels.

Every run of nine characters of a mark is found: as it is, in capital or small letters, in base64 (at each of its three
alignments), hexadecimal, percent-encoded, as ``\\uXXXX`` or ``\\xXX`` escapes, and in UTF-16. A mark of digits only is
looked for as a whole: parts of it would be found in numbers that have nothing to do with it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import hyperscan

WINDOW = 8
_STEP = 2


def mark(name: str, length: int = 32) -> str:
    """A text that stands nowhere else: letters and digits, the same in every run."""
    digest = hashlib.sha512(f"a mark of the search for leaks: {name}".encode()).digest()
    return re.sub("[^A-Za-z0-9]", "", base64.b64encode(digest).decode())[:length]


@dataclass(frozen=True)
class Leak:
    """What was found: the mark's name, its form, where, and what stands around it."""

    mark: str
    form: str
    place: str
    around: str

    def __str__(self) -> str:
        return f"{self.mark} ({self.form}) in {self.place}: {self.around}"


class Searcher:
    """Finds marks by name, given as text or, for secrets that are no text, as bytes."""

    def __init__(self, marks: Mapping[str, str | bytes]) -> None:
        self._needles: list[tuple[str, str]] = []
        patterns: dict[bytes, int] = {}
        for name, value in marks.items():
            for piece in _pieces(value):
                for form, needle in _forms(piece):
                    pattern = b"".join(b"\\x%02x" % byte for byte in needle)
                    if patterns.setdefault(pattern, len(self._needles)) == len(self._needles):
                        self._needles.append((name, form))
        flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH
        self._database = hyperscan.Database()
        self._database.compile(
            expressions=list(patterns), ids=list(patterns.values()), flags=[flags] * len(patterns)
        )
        self._scratch = hyperscan.Scratch(self._database)
        self._database.scratch = self._scratch

    def find(self, data: bytes, place: str = "") -> list[Leak]:
        """Every mark that is in these bytes, once for each form."""
        found: dict[tuple[str, str], Leak] = {}

        def hit(number: int, start: int, end: int, flags: int, context: object) -> None:
            name, form = self._needles[number]
            around = data[max(0, end - 120) : end + 60].decode("utf-8", "backslashreplace")
            found.setdefault((name, form), Leak(name, form, place, around))

        if data:
            self._database.scan(data, match_event_handler=hit)
        return list(found.values())

    def find_all(self, places: Iterable[tuple[str, bytes]]) -> list[Leak]:
        """`find` in each of these places."""
        return [leak for place, data in places for leak in self.find(data, place)]


def _pieces(value: str | bytes) -> Iterator[str | bytes]:
    """The parts of a mark that are looked for."""
    assert len(value) >= WINDOW, "too short a mark is found everywhere"
    if isinstance(value, str) and value.isdigit():
        yield value
        return
    for start in (*range(0, len(value) - WINDOW, _STEP), len(value) - WINDOW):
        yield value[start : start + WINDOW]


def _forms(piece: str | bytes) -> Iterator[tuple[str, bytes]]:
    """How a part of a mark may be written."""
    data = piece.encode() if isinstance(piece, str) else piece
    yield "raw", data
    yield "hex", data.hex().encode()
    yield "percent", b"".join(b"%%%02X" % byte for byte in data)
    yield "\\x", b"".join(b"\\x%02x" % byte for byte in data)
    for alignment in range(3):
        # Only those characters that are made of this part alone.
        first, last = -(-alignment * 8 // 6), (alignment + len(data)) * 8 // 6
        encoded = base64.b64encode(bytes(alignment) + data)[first:last]
        yield "base64", encoded
        yield "base64url", encoded.replace(b"+", b"-").replace(b"/", b"_")
    if isinstance(piece, str):
        yield "\\u", "".join(f"\\u{ord(character):04x}" for character in piece).encode()
        yield "utf-16", piece.encode("utf-16-le")
