"""Reversible tokens: what stands for a value at the provider, and how a value is found again.

A token looks like ``PII_CN_MOBILE_k7f3q9``: a fixed word, the type, and a short keyed hash of the value. The shape is
chosen for what models do to text. It is ASCII without a character that JSON, Markdown, URLs or names of functions would
need to escape; it reads as a placeholder, so that a model repeats it instead of explaining it; its hash begins with a
letter, so that nobody formats it as a number, and has no vowels, so that nobody corrects it as a word. Equal text of
one organisation gives equal tokens in every request: a history that is repeated, edited or truncated keeps its prefix,
and the provider's cache keeps hitting. What that costs is in ``docs/how-to/privacy.md``: the provider can link them.

Tokens are compared in a *plain* form: letters in lower case, digits, nothing else. Within one exchange no token's plain
form begins with another's, so that a token is known at its last character.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

Numbering = Literal["hash", "conversation"]

WORD = "PII"
LOOK_ALIKE = "TEXT"
"""The type of a token that stands for text of the request which looks like a token."""

MAX_TYPE = 32
"""Characters of the longest name of a type."""

KEY_BYTES = 32

_LETTERS = "bcdfghjkmnpqrstvwxyz"
_DIGITS = "0123456789" + _LETTERS
_HASH = 6  # characters: 20 * 30**5, so two of a thousand values of a type meet once in a thousand exchanges
_LONGER = 4
_MAX_KEYS = 1024


class Mint:
    """Makes the vaults of exchanges. ``key`` is the installation's secret (at least 16 bytes); organisations get keys
    derived from it, so that the same value has unrelated tokens in two of them."""

    __slots__ = ("_key", "_numbering", "_organisations")

    def __init__(self, key: bytes, numbering: Numbering = "hash") -> None:
        self._key = blake2b(key, digest_size=KEY_BYTES, person=b"sg-privacy-key").digest()
        self._numbering = numbering
        self._organisations: dict[str, bytes] = {}

    def vault(self, organisation: str) -> Vault:
        """An empty vault for an exchange of this organisation."""
        key = self._organisations.get(organisation)
        if key is None:
            if len(self._organisations) >= _MAX_KEYS:
                self._organisations.clear()
            key = blake2b(
                organisation.encode("utf-8", "replace"), key=self._key, digest_size=KEY_BYTES
            ).digest()
            self._organisations[organisation] = key
        return Vault(key, self._numbering)


class Vault:
    """The tokens of one exchange and what they stand for. It lives as long as the exchange and is never written."""

    __slots__ = ("_counts", "_issued", "_key", "_numbering", "prefixes", "values")

    def __init__(self, key: bytes, numbering: Numbering = "hash") -> None:
        self._key = key
        self._numbering = numbering
        self._issued: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        #: Plain form of each token -> its value.
        self.values: dict[str, str] = {}
        #: Every proper beginning of a plain form.
        self.prefixes: set[str] = set()

    def __repr__(self) -> str:
        return f"<Vault of {len(self.values)} tokens>"

    def __len__(self) -> int:
        return len(self.values)

    def issue(self, type: str, value: str) -> str:
        """The token that stands for ``value``, found to be of ``type``; the same one each time."""
        token = self._issued.get((type, value))
        if token is not None:
            return token
        attempt = 0
        while True:
            name = (
                self._number(type) if self._numbering == "conversation" else self._hash(type, value, attempt)
            )
            token = f"{WORD}_{type}_{name}"
            plain = token.replace("_", "").lower()
            if self._is_free(plain):
                break
            attempt += 1
        self._issued[type, value] = token
        self.values[plain] = value
        self.prefixes.update(plain[:end] for end in range(1, len(plain)))
        return token

    def _is_free(self, plain: str) -> bool:
        if plain in self.prefixes:
            return False
        return not any(plain[:end] in self.values for end in range(len(WORD), len(plain) + 1))

    def _hash(self, type: str, value: str, attempt: int) -> str:
        text = f"{type}\0{attempt}\0{value}".encode("utf-8", "surrogatepass")
        number = int.from_bytes(blake2b(text, key=self._key, digest_size=32).digest(), "little")
        number, letter = divmod(number, len(_LETTERS))
        characters = [_LETTERS[letter]]
        for _ in range(_HASH - 1 + min(attempt, 8) * _LONGER):
            number, digit = divmod(number, len(_DIGITS))
            characters.append(_DIGITS[digit])
        return "".join(characters)

    def _number(self, type: str) -> str:
        """A01, A02 … Z99, then AA0001 …: no number begins with another one."""
        count = self._counts[type] = self._counts.get(type, 0) + 1
        if count <= 26 * 99:
            letter, number = divmod(count - 1, 99)
            return f"{chr(65 + letter)}{number + 1:02d}"
        return f"AA{count:08d}"
