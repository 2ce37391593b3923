"""The labelled set: Chinese and English texts with personal data and secrets in them, and hard negatives without.

`positives` and `negatives` are functions of a seed. Seeds below `HELD_OUT` are for development: they never show the
last `HELD` sentences of a type, so that a held-out seed asks about sentences that no tuning has seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from tests.privacy import noise, places, values
from tests.privacy.disguise import disguised, escaped
from tests.privacy.templates import HELD, SENTENCES

HELD_OUT = 1000
Label = tuple[int, int, str]

MAKERS: dict[str, Callable[[Random], str]] = {
    "CN_ID": values.cn_id,
    "CN_MOBILE": values.cn_mobile,
    "CN_LANDLINE": values.cn_landline,
    "BANK_CARD": values.bank_card,
    "USCC": values.uscc,
    "PASSPORT": values.passport,
    "TRAVEL_PERMIT": values.travel_permit,
    "PLATE": values.plate,
    "EMAIL": values.email,
    "IP": values.ip,
    "IBAN": values.iban,
    "US_SSN": values.us_ssn,
    "PHONE": values.phone,
    "API_KEY": values.api_key,
    "JWT": values.jwt,
    "PRIVATE_KEY": values.private_key,
    "SECRET": values.password,
    "NAME": values.chinese_name,
    "ADDRESS": places.address,
}
VARIANTS: dict[str, tuple[str, Callable[[Random], str]]] = {
    "API_KEY_BARE": ("API_KEY", values.anonymous_key),
    "SECRET_URL": ("SECRET", values.connection_string),
    "NAME_EN": ("NAME", values.english_name),
    "ADDRESS_EN": ("ADDRESS", places.address_en),
}
CHECKED = ("CN_ID", "BANK_CARD", "USCC", "IBAN")
MEASURED = ("NAME", "ADDRESS")
_SLOT = re.compile(r"\{\{|\}\}|\{(\w+)\}")


class Case(NamedTuple):
    """A text and what of it is personal or secret: ``(start, end, type)``, offsets in characters."""

    text: str
    labels: list[Label]


def rendered(r: Random, sentence: str) -> Case:
    """``sentence`` with its slots filled."""
    text, labels, at = "", [], 0
    for slot in _SLOT.finditer(sentence):
        text, at, word = text + sentence[at : slot.start()], slot.end(), slot[1]
        if word is None:
            text += slot[0][0]
        elif word in noise.WORDS:
            text += noise.WORDS[word](r)
        else:
            kind, make = VARIANTS.get(word) or (word, MAKERS[word])
            value = disguised(r, kind, make(r))
            labels.append((len(text), len(text) + len(value), kind))
            text += value
    return Case(text + sentence[at:], labels)


def positives(kind: str, count: int, seed: int) -> Iterator[Case]:
    """``count`` texts with something of type ``kind`` in each, and perhaps other things, all labelled."""
    r = Random(f"{seed}/{kind}/positive")
    sentences = SENTENCES[kind] if seed >= HELD_OUT else SENTENCES[kind][:-HELD]
    for _ in range(count):
        case = rendered(r, r.choice(sentences))
        if r.random() < 0.2:
            case = _amid(r, case)
        yield Case(*escaped(*case)) if r.random() < 0.03 else case


def _amid(r: Random, case: Case) -> Case:
    """``case`` with lines of noise before and after it."""
    before = r.choice(noise.COMMON)(r) + r.choice(("\n", "\n\n", "。"))
    after = r.choice(("\n", "\n\n")) + r.choice(noise.COMMON)(r)
    shift = len(before)
    return Case(before + case.text + after, [(a + shift, b + shift, kind) for a, b, kind in case.labels])


def negatives(kind: str, count: int, seed: int) -> Iterator[Case]:
    """``count`` texts without anything of type ``kind``; half of them are near-misses of it."""
    r = Random(f"{seed}/{kind}/negative")
    for _ in range(count):
        yield Case(r.choice(noise.NEAR[kind] if r.random() < 0.5 else noise.COMMON)(r), [])
