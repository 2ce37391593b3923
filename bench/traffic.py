"""The requests of the governed cases: a few hundred different prompts, and a hundred thousand keys.

Prompts are put together from ``config/sentences.txt`` by a seeded generator: English and Chinese, 200 to 1,500 bytes,
one in twenty with personal data. Which key calls is drawn by wrk's script (``config/traffic.lua``) after Zipf's law. A
key is computed from its number, so that nobody has to store any but the script's list.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from bench.load import CONFIG

KEYS = 100_000
PROMPTS = 320
EXPONENT = 1.1
"""Of Zipf's law: the key of rank r calls in proportion to r to the power of minus this."""
PERSONAL = 20
"""One prompt of so many has personal data in it."""
NUMBERS = 10
"""One prompt of so many has a sentence with numbers that are nobody's."""
SHORTEST, LONGEST = 200, 1500
"""Bytes of a prompt, system message included."""
SEED = 20_260_301

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_REGIONS = ("110105", "310104", "330106", "440305", "510107", "610113")


@dataclasses.dataclass(frozen=True)
class Prompt:
    """One request's body, and the personal values in it (none in most)."""

    body: bytes
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Mix:
    """What wrk sends in the case `governed`: every request another prompt under another key, drawn by ``seed``.

    ``keys`` False leaves the key out: the caller is known by a certificate.
    """

    url: str
    folder: Path
    seed: int
    keys: bool = True

    script: ClassVar[str] = "traffic.lua"

    def environment(self) -> dict[str, str]:
        """What the script wants to know."""
        return {
            "BENCH_FOLDER": str(self.folder),
            "BENCH_SEED": str(self.seed),
            "BENCH_EXPONENT": str(EXPONENT),
            "BENCH_KEYS": "keys.txt" if self.keys else "",
        }


def api_key(number: int) -> str:
    """The API key of this number, in the form of SeekGate's own. It opens nothing outside of a run on loopback."""
    value = int.from_bytes(hashlib.sha512(f"bench key {number}".encode()).digest())
    characters = []
    for _ in range(40):
        value, at = divmod(value, len(_ALPHABET))
        characters.append(_ALPHABET[at])
    return "sk-sg-" + "".join(characters)


def sentences(text: str) -> dict[str, list[str]]:
    """The sections of the file of sentences."""
    found: dict[str, list[str]] = {}
    section: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            section.append(line)
    return found


@functools.cache
def prompts(model: str = "deepseek-chat", *, stream: bool = False) -> tuple[Prompt, ...]:
    """All prompts, the same ones each time."""
    draw = random.Random(SEED)
    pool = sentences((CONFIG / "sentences.txt").read_text())
    return tuple(_prompt(draw, pool, number, model, stream) for number in range(PROMPTS))


def _prompt(
    draw: random.Random, pool: Mapping[str, Sequence[str]], number: int, model: str, stream: bool
) -> Prompt:
    language = draw.choice(("en", "zh"))
    system = draw.choice(pool[f"system-{language}"])
    target = draw.randint(SHORTEST, LONGEST)
    said: list[str] = []
    values: tuple[str, ...] = ()
    if number % PERSONAL == 0:
        sentence, values = personal(draw, draw.choice(pool["personal"]))
        said.append(sentence)
    elif number % NUMBERS == 1:  # never one with personal data
        said.append(draw.choice(pool["numbers"]))
    rest = list(pool[language])
    draw.shuffle(rest)
    while rest and sum(len(one.encode()) + 1 for one in (system, *said)) < target - 100:
        said.append(rest.pop())
    draw.shuffle(said)
    gap = " " if language == "en" else ""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": gap.join(said)}]
    fields: dict[str, object] = {"model": model, "messages": messages, "temperature": 0.7}
    fields["max_tokens"] = draw.choice((128, 256, 512, 1024))
    if stream:
        fields["stream"] = True
    # As OpenAI's SDK writes it: without spaces, and letters as they are.
    return Prompt(json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode(), values)


def personal(draw: random.Random, sentence: str) -> tuple[str, tuple[str, ...]]:
    """The sentence with made-up values in the place of its placeholders, and the values."""
    makers = {"mobile": _mobile, "email": _email, "email2": _email, "card": _card, "id": _id}
    made = {name: make(draw) for name, make in makers.items() if f"{{{name}}}" in sentence}
    return sentence.format(**made), tuple(made.values())


def _digits(draw: random.Random, count: int) -> str:
    return "".join(str(draw.randrange(10)) for _ in range(count))


def _mobile(draw: random.Random) -> str:
    return draw.choice(("138", "139", "150", "186", "177")) + _digits(draw, 8)


def _email(draw: random.Random) -> str:
    return f"{draw.choice(('li.na', 'j.smith', 'wang', 'office'))}{draw.randrange(1000)}@example.org"


def _card(draw: random.Random) -> str:
    """A card number with its check digit (ISO/IEC 7812-1, annex B)."""
    number = "622202" + _digits(draw, 9)
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return number + str(-total % 10)


def _id(draw: random.Random) -> str:
    """A resident identity number with its check character (GB 11643-1999)."""
    born = f"{draw.randint(1955, 2004)}{draw.randint(1, 12):02d}{draw.randint(1, 28):02d}"
    number = draw.choice(_REGIONS) + born + _digits(draw, 3)
    weighed = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=True))
    return number + "10X98765432"[weighed % 11]


def write(folder: Path) -> None:
    """Write what wrk's script reads: ``prompts.txt`` and ``keys.txt``, one a line."""
    (folder / "prompts.txt").write_bytes(b"".join(prompt.body + b"\n" for prompt in prompts()))
    (folder / "keys.txt").write_text("".join(f"{api_key(number)}\n" for number in range(KEYS)))


def ranks(draw: random.Random, count: int, keys: int = KEYS) -> list[int]:
    """So many numbers of keys, drawn as the script draws them (not the same ones)."""
    weights = [rank**-EXPONENT for rank in range(1, keys + 1)]
    return draw.choices(range(keys), weights, k=count)
