"""How much of a request's text is looked at closely.

The quick look costs the same whatever a text says. The closer one is made at each place that it points out, some tens
of microseconds each, so a text full of numbers could keep a worker from everybody else for seconds.
"""

from __future__ import annotations

MAX_PLACES = 20_000
"""Places of one request that are looked at: half a second of work, a second at worst. Half a megabyte of a log full of
numbers has as many."""


class TooMuch(Exception):
    """A text has more places to look at than the budget allows; nothing is known of what it holds."""


class Budget:
    """``left``: how many places may still be looked at."""

    __slots__ = ("left",)

    def __init__(self, left: int = MAX_PLACES) -> None:
        self.left = left

    def spend(self, places: int) -> None:
        """Raise `TooMuch` when more is spent than there is."""
        self.left -= places
        if self.left < 0:
            raise TooMuch
