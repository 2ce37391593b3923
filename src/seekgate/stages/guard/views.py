"""Text as it is meant: letters that look like others, invisible ones, spelt-out words, and encodings undone.

Every view is made only where its sign was found (see `seekgate.stages.guard.signs`), so that ordinary text costs
nothing here, and is bounded in size.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from urllib.parse import unquote

MAX_CHARACTERS = 32_768
"""At the beginning and at the end of a text, what is looked at when it has to be undone: it takes milliseconds."""
MAX_BLOBS = 16

_UNSEEN: dict[int, str | None] = dict.fromkeys(
    [
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2065),
        *range(0xFE00, 0xFE10),
        0xFEFF,
        0xAD,
    ]
)
_UNSEEN |= {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}  # tags: a text within the text
_ALIKE = str.maketrans(
    "аеорсхіјѕԁһкмтнвАВЕКМНОРСТХІЅαορνικτεΑΒΕΖΗΙΚΜΝΟΡΤΧ",
    "aeopcxijsdhkmtnbABEKMHOPCTXISaopviktеABEZHIKMNOPTX".replace("е", "e"),
)
_LEET = str.maketrans("4310$7@85", "aeiostabs")
_LEET_WORD = re.compile(r"\b(?:[A-Za-z]+[013457$@8][A-Za-z0-9$@]*|[013457$@8][A-Za-z]+[A-Za-z0-9$@]*)")
_LEET_WORDS = 3
_RUN = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_SPACED = re.compile(r"(?:(?<!\w)\w(?:[ ._*-]{1,3}|$)){5,}")


def undone(text: str, signs: Iterable[str]) -> Iterator[str]:
    """The views that these signs call for. Of a text that is too long its beginning and its end are looked at."""
    parts = [text]
    if len(text) > MAX_CHARACTERS:
        parts = [text[:MAX_CHARACTERS], text[MAX_CHARACTERS:][-MAX_CHARACTERS:]]
    for view in dict.fromkeys(_VIEWS[sign] for sign in signs):
        for part in parts:
            yield from view(part)


def _letters(text: str) -> Iterator[str]:
    """Without what cannot be seen, and with the usual letter for each that looks like it (Unicode TR 39)."""
    plain = unicodedata.normalize("NFKC", text.translate(_UNSEEN)).translate(_ALIKE)
    if plain != text:
        yield plain


def _spaced(text: str) -> Iterator[str]:
    """Words spelt letter by letter; two spaces or more divide words."""

    def join(match: re.Match[str]) -> str:
        words = re.split(r"[ ._*-]{2,}", match.group())
        return " ".join(re.sub(r"[ ._*-]", "", word) for word in words)

    joined = _SPACED.sub(join, text)
    if joined != text:
        yield joined


def leet(text: str) -> bool:
    """Whether enough words have digits in them for letters that somebody may write so on purpose."""
    return sum(1 for _ in _LEET_WORD.finditer(text)) >= _LEET_WORDS


def _leet(text: str) -> Iterator[str]:
    if leet(text):
        yield text.lower().translate(_LEET)


def _runs(text: str) -> Iterator[str]:
    """Long runs of letters and digits: base64 (RFC 4648, both alphabets) and hexadecimal digits."""
    for match in islice(_RUN.finditer(text), MAX_BLOBS):
        if _HEX.fullmatch(match.group()):
            yield from _readable(bytes.fromhex(match.group()))
        blob = match.group().rstrip("=").replace("-", "+").replace("_", "/")
        try:
            data = base64.b64decode(blob + "=" * (-len(blob) % 4))
        except (binascii.Error, ValueError):
            continue
        yield from _readable(data)


def _percent(text: str) -> Iterator[str]:
    yield unquote(text)


def _rot13(text: str) -> Iterator[str]:
    yield codecs.encode(text, "rot13")


def _backwards(text: str) -> Iterator[str]:
    yield text[::-1]


def _readable(data: bytes) -> Iterator[str]:
    """Bytes that are text, and not by chance."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    if sum(c.isprintable() or c.isspace() for c in text) >= 0.95 * len(text):
        yield text


_VIEWS: dict[str, Callable[[str], Iterator[str]]] = {
    "odd": _letters,
    "mixed": _letters,
    "spaced": _spaced,
    "leet": _leet,
    "runs": _runs,
    "percent": _percent,
    "rot13": _rot13,
    "backwards": _backwards,
}
