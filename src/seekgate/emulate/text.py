"""Tokens and text. The emulator has no vocabulary of a real model; it has rules that are quick and repeatable.

A prompt's token is four bytes of its UTF-8 (about right for English and Chinese alike). An answer's token is what one
event carries: a word of generated text, or four characters of an echo, of JSON or of a call's arguments. Generated
text depends on the seed, the model and the prompt only, so that a test can ask twice and compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import msgspec

#: Bytes of UTF-8 in one token of a prompt.
TOKEN_BYTES = 4

#: Characters in one token of text that is not generated word by word.
PIECE = 4

_TEXT = (
    "the answer follows from what was asked and every step stays small enough to check by hand before we go on to "
    "measure count compare sort keep drop join split open close read write wait send reply route cache limit retry "
    "river stone light paper garden window number letter bridge market winter summer morning evening question method "
    "先 看 数据 再 给出 结论 因此 可以 得到 答案 我们 逐步 检查 每个 条件 最后 总结 éclair naïve 😀"
)
_WORDS = _TEXT.split()

_MULTIPLIER = 6_364_136_223_846_793_005
_INCREMENT = 1_442_695_040_888_963_407
_MASK = (1 << 64) - 1


def count_tokens(prompt: bytes) -> int:
    """Return the number of tokens of a rendered prompt."""
    return -(-len(prompt) // TOKEN_BYTES)


def seed_of(*parts: bytes | str | int) -> int:
    """Return a 64-bit number that depends on all parts and on their order."""
    digest = blake2b(digest_size=8)
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return int.from_bytes(digest.digest(), "little")


def numbers(seed: int) -> Iterator[int]:
    """Yield pseudo-random 31-bit numbers without end (Knuth's MMIX linear congruential generator)."""
    state = seed
    while True:
        state = (state * _MULTIPLIER + _INCREMENT) & _MASK
        yield state >> 33


class Babble(msgspec.Struct, frozen=True):
    """Generated words, made while they are read, so that a long answer takes no memory.

    With ``width`` each token is stretched or cut to that many bytes of ASCII text, for streams of a wanted size.
    """

    seed: int
    count: int
    width: int = 0

    def tokens(self) -> Iterator[str]:
        """Yield the tokens; joined they are the text."""
        if self.width:
            yield from self._wide()
            return
        source = numbers(self.seed)
        space = ""
        for _ in range(self.count):
            yield space + _WORDS[next(source) % len(_WORDS)]
            space = " "

    def _wide(self) -> Iterator[str]:
        source = numbers(self.seed)
        line = "abcdefghijklmnopqrstuvwxyz0123456789 " * (self.width // 37 + 3)
        for _ in range(self.count):
            start = next(source) % 37
            yield line[start : start + self.width]


class Said(msgspec.Struct, frozen=True):
    """Text that is known beforehand: an echo, JSON, a call's arguments, or generated text cut at a stop word."""

    pieces: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """The number of tokens."""
        return len(self.pieces)

    def tokens(self) -> Iterator[str]:
        """Yield the tokens; joined they are the text."""
        return iter(self.pieces)


Speech = Babble | Said


def said(text: str) -> Said:
    """Cut a text into tokens of four characters."""
    return Said(tuple(text[start : start + PIECE] for start in range(0, len(text), PIECE)))


def shortened(speech: Speech, count: int) -> Speech:
    """Return at most the first ``count`` tokens."""
    if speech.count <= count:
        return speech
    if isinstance(speech, Babble):
        return Babble(speech.seed, count, speech.width)
    return Said(speech.pieces[:count])


def stopped(speech: Speech, stops: tuple[str, ...]) -> Speech:
    """Return the speech up to (without) the first stop sequence in its text; the same object when none occurs."""
    pieces = tuple(speech.tokens())
    text = "".join(pieces)
    ends = [text.find(stop) for stop in stops if stop and stop in text]
    if not ends:
        return speech
    left = min(ends)
    kept: list[str] = []
    for piece in pieces:
        if left <= 0:
            break
        kept.append(piece[:left])
        left -= len(piece)
    return Said(tuple(kept))


def logprob_of(seed: int, position: int, token: str, alternatives: int) -> dict[str, object]:
    """Return an invented but repeatable entry of ``logprobs``: the token, its bytes and its alternatives."""
    source = numbers(seed_of(seed, position, token))
    logprob = -(next(source) % 700) / 1_000
    entry: dict[str, object] = {"token": token, "logprob": logprob, "bytes": list(token.encode())}
    others = [dict(entry)] if alternatives else []
    while len(others) < alternatives:
        logprob -= 0.5 + (next(source) % 1_000) / 1_000
        other = _WORDS[next(source) % len(_WORDS)]
        others.append({"token": other, "logprob": logprob, "bytes": list(other.encode())})
    return {**entry, "top_logprobs": others}
