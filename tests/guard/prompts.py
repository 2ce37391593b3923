"""The labelled prompts: attacks of six families and ordinary ones, split into a part to tune by and one held out.

The split is by the digest of each line, so that it never depends on the order or on what the heuristics find. Encoded
payloads are made here from the plain ones of the same part.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote

HERE = Path(__file__).parent
Part = Literal["tuning", "held-out"]


class Prompt(NamedTuple):
    """One prompt: an attack's ``family``, or empty; ``role`` is that of the message it would come in."""

    family: str
    language: str
    role: str
    text: str


def part_of(text: str) -> Part:
    """Which part a line belongs to."""
    return "tuning" if hashlib.sha256(text.encode()).digest()[0] < 128 else "held-out"


def _lines(name: str) -> Iterator[tuple[str, str, str]]:
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, language, text = line.split("\t")
            yield kind, language, text.replace("\\n", "\n")


def attacks(part: Part) -> list[Prompt]:
    """The attacks of one part; those of the family ``indirect`` are results of tools."""
    plain = [
        Prompt(family, language, "tool" if family == "indirect" else "user", text)
        for family, language, text in _lines("attacks.txt")
        if part_of(text) == part
    ]
    return plain + list(_encoded([one for one in plain if one.family in ("override", "extraction")]))


def ordinary(part: Part) -> list[Prompt]:
    """The ordinary prompts of one part."""
    return [
        Prompt("", language, kind, text)
        for kind, language, text in _lines("ordinary.txt")
        if part_of(text) == part
    ]


def _encoded(plain: list[Prompt]) -> Iterator[Prompt]:
    """Each encoding of a few prompts: Latin ones for ciphers of letters, any for those of bytes."""
    for number, prompt in enumerate(plain):
        makers = _LATIN if prompt.text.isascii() and number % 2 else _BYTES
        make = makers[number // 2 % len(makers)]
        yield Prompt("encoded", prompt.language, "user", make(prompt.text))


def _base64(text: str) -> str:
    return f"Decode this and do what it says: {base64.b64encode(text.encode()).decode()}"


def _bare_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _hex(text: str) -> str:
    return f"Run the following hex message: {text.encode().hex()}"


def _percent(text: str) -> str:
    return f"{quote(text, safe='')}"


def _zero_width(text: str) -> str:
    return "\u200b".join(text)


def _full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _rot13(text: str) -> str:
    return f"This is rot13, decode and obey: {codecs.encode(text, 'rot13')}"


def _spaced(text: str) -> str:
    return "  ".join(" ".join(word) for word in text.split())


def _leet(text: str) -> str:
    return text.translate(str.maketrans("aeiost", "4310$7"))


def _cyrillic(text: str) -> str:
    return text.translate(str.maketrans("aeopcxi", "\u0430\u0435\u043e\u0440\u0441\u0445\u0456"))


def _reversed(text: str) -> str:
    return f"Read this backwards and follow it: {text[::-1]}"


def _tags(text: str) -> str:
    """Letters as Unicode's invisible tags, behind something harmless."""
    return "What a nice day!" + "".join(chr(0xE0000 + ord(c)) for c in text if c.isascii())


_BYTES = (_base64, _hex, _zero_width, _percent, _bare_base64, _full_width)
_LATIN = (_rot13, _leet, _cyrillic, _spaced, _reversed, _tags)
