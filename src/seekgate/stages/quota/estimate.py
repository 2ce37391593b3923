"""How many tokens a request will take, before anybody has counted them: learned from the answers, model by model.

Each ratio is an exponentially weighted mean of what answers reported, kept within bounds, so that one absurd report
cannot make every later reservation absurd.
"""

from __future__ import annotations

from typing import Any

import msgspec

ALPHA = 0.05
FIRST_RATE = 0.3
LOWEST, HIGHEST = 0.005, 1.0
FIRST_EVENT, MOST_EVENT = 1.0, 64.0
MARGIN = 1.25
EAGER = 256


class Shape(msgspec.Struct, gc=False):
    """What one model's traffic looks like.

    ``rate`` is prompt tokens for each byte of a request's body; ``peak`` the largest lately, which sinks back towards
    the mean; ``event`` is output tokens for each event of a stream; ``out`` output tokens for each byte of a plain
    answer. ``seen`` counts answers: each of the first `EAGER` is learned from, then every eighth.
    """

    rate: float = FIRST_RATE
    peak: float = FIRST_RATE * MARGIN
    event: float = FIRST_EVENT
    out: float = FIRST_RATE
    seen: int = 0

    def learn(self, body: int, prompt: int) -> None:
        """A request of ``body`` bytes had ``prompt`` tokens."""
        if body > 0 and prompt > 0:
            seen = prompt / body
            rate = self.rate + (seen - self.rate) * ALPHA
            rate = self.rate = LOWEST if rate < LOWEST else min(rate, HIGHEST)
            peak = self.peak + (rate * MARGIN - self.peak) * (ALPHA / 5)
            self.peak = min(max(peak, seen), HIGHEST)

    def learn_output(self, completion: int, events: int, bytes_out: int) -> None:
        """An answer of ``completion`` tokens came in so many events, or (events 0) in so many bytes."""
        if completion <= 0:
            return
        if events > 1:
            self.event = _moved(self.event, completion / events, 0.05, MOST_EVENT)
        elif bytes_out > 0:
            self.out = _moved(self.out, completion / bytes_out, LOWEST, HIGHEST)

    def worst_input(self, body: int) -> int:
        """Tokens that a body of so many bytes hardly exceeds."""
        return int(body * self.peak) + 1

    def output(self, events: int, bytes_out: int) -> int:
        """Output tokens of what was sent, when nobody has counted them."""
        return int(events * self.event) if events else int(bytes_out * self.out)


def _moved(mean: float, seen: float, least: float, most: float) -> float:
    return min(max(mean + (seen - mean) * ALPHA, least), most)


def output_bound(tree: Any, cap: int) -> int:
    """Output tokens that a request may take: what it asks for, ``cap`` at most, for each choice that it wants."""
    if type(tree) is not dict:
        return cap
    asked = tree.get("max_tokens")
    if asked is None:
        asked = tree.get("max_completion_tokens")
    bound = asked if type(asked) is int and 0 < asked < cap else cap
    choices = tree.get("n")
    return bound * choices if type(choices) is int and 1 < choices <= 128 else bound
