"""The prompt cache: how much of a prompt's beginning was served before.

As in DeepSeek's context cache, a prefix counts in whole units of 64 tokens, and an account's ``user_id`` values do
not see each other's prefixes. Each unit is known by a digest that chains all units before it, so one lookup a unit
finds the longest served prefix, whichever prompt it came from.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from seekgate.emulate.text import TOKEN_BYTES

#: Tokens in one unit of the cache.
UNIT = 64

_UNIT_BYTES = UNIT * TOKEN_BYTES


class PromptCache:
    """Units of the prompts served, the least recently used forgotten beyond ``capacity`` units."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._units: OrderedDict[bytes, None] = OrderedDict()

    def serve(self, scope: str, prompt: bytes) -> int:
        """Return how many leading tokens of the prompt are cached in this scope, and remember the prompt.

        The scope names who may share: account, user_id and model.
        """
        units = self._units
        digest = blake2b(scope.encode(), digest_size=16).digest()
        hits = 0
        for start in range(0, len(prompt) - _UNIT_BYTES + 1, _UNIT_BYTES):
            digest = blake2b(prompt[start : start + _UNIT_BYTES], key=digest, digest_size=16).digest()
            if digest in units:
                units.move_to_end(digest)
                # A unit's digest contains all before it, but those may have been forgotten: only a whole chain counts.
                hits += hits == start // _UNIT_BYTES
            else:
                units[digest] = None
        while len(units) > self._capacity:
            units.popitem(last=False)
        return hits * UNIT
