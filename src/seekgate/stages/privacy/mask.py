"""Partial masks: what stays readable of a finding, by its type.

Enough stays for a person, or a model, to see what stood there, and too little to use it. A mask is stable: the same
finding gives the same mask, and masking a mask changes nothing, so a dialogue whose earlier turns were masked keeps
its prefix. Separators stay where they were; characters without width and JSON's escapes go.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from seekgate.stages.privacy.detect.fold import Folded

_SEPARATORS = frozenset(" .-()+·:/_,'\u3000\u00a0·－（）.")
_OPENING = re.compile(r"\s*[(（]?\s*(?:[+＋]|0\s*0)?\s*8\s*6\s*[)）]?[\s-]*")
_LONGEST = 32

# How many characters stay readable at the beginning and at the end, separators not counted.
_SHOWN = {
    "CN_ID": (4, 4),
    "CN_MOBILE": (3, 4),
    "CN_LANDLINE": (4, 2),
    "BANK_CARD": (6, 4),
    "USCC": (4, 4),
    "PASSPORT": (1, 2),
    "TRAVEL_PERMIT": (1, 2),
    "PLATE": (2, 1),
    "IBAN": (4, 4),
    "US_SSN": (0, 4),
    "PHONE": (0, 4),
}


def mask(kind: str, text: str) -> str:
    """``text``, which was found to be of type ``kind``, with its telling part replaced by ``*``."""
    if "\\u" in text or not text.isascii():
        text = Folded(text).text
    special = _SPECIAL.get(kind)
    if special is not None:
        return special(text)
    if kind in _SHOWN:
        return _covered(text, *_SHOWN[kind])
    return "*" * min(len(text), _LONGEST)


def _covered(text: str, head: int, tail: int) -> str:
    """``text`` with all but ``head`` and ``tail`` of its characters covered; at least half of them are."""
    signs = [index for index, character in enumerate(text) if character not in _SEPARATORS]
    if head + tail > len(signs) - 2:
        head = tail = 0
    hidden = frozenset(signs[head : len(signs) - tail])
    return "".join("*" if index in hidden else character for index, character in enumerate(text))


def _mobile(text: str) -> str:
    """The country's code stays as it was."""
    opening = _OPENING.match(text)
    start = opening.end() if opening else 0
    return text[:start] + _covered(text[start:], *_SHOWN["CN_MOBILE"])


def _email(text: str) -> str:
    local, at, host = text.partition("@" if "@" in text else "＠")
    return f"{local[:1]}***{at}{host}"


def _ip(text: str) -> str:
    """The first half of the address, which says little more than the network."""
    separator, count = (":", 2) if ":" in text else (".", 2)
    return separator.join([*text.split(separator)[:count], *(["*"] * 2)])


def _name(text: str) -> str:
    """The surname of a Chinese name, the initials of others."""
    if text.isascii() or not "\u4e00" <= text[0] <= "\u9fff":
        return " ".join(word[:1] + "***" for word in text.split())
    shown = 2 if len(text) > 3 else 1
    return text[:shown] + "*" * (len(text) - shown)


_DISTRICT = re.compile(r"\A.*?(?:[区县旗]|市(?!.*?[区县旗]))")


def _address(text: str) -> str:
    """Province, city and district; the rest is covered."""
    district = _DISTRICT.match(text)
    if district and district.end() < len(text):
        return text[: district.end()] + "*" * 6
    return "*" * 6


def _key(text: str) -> str:
    """The first characters, which say whose key it is; not its length."""
    return text[:4] + "*" * 8


def _secret(text: str) -> str:
    """Of a connection string everything but the password and the values of its query; nothing of a password."""
    url = re.match(r"([^:/]+:\\?/\\?/[^:@]*:).*@", text, re.DOTALL)
    if url is None:
        return "*" * 6
    place, mark, query = text[url.end() - 1 :].partition("?")
    return f"{url[1]}***{place}{mark}{_VALUE.sub('=***', query)}"


_VALUE = re.compile(r"=[^&]*")


_SPECIAL: dict[str, Callable[[str], str]] = {
    "CN_MOBILE": _mobile,
    "EMAIL": _email,
    "IP": _ip,
    "NAME": _name,
    "ADDRESS": _address,
    "API_KEY": _key,
    "JWT": lambda text: text[:3] + "*" * 8,
    "PRIVATE_KEY": lambda _text: "*** private key ***",
    "SECRET": _secret,
}
