"""Word and pattern lists over one matcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seekgate.config.compiled.guard import PatternList
from seekgate.stages.guard.matcher import Matcher
from seekgate.stages.guard.signs import HIDDEN
from seekgate.stages.guard.views import undone

_LOOKED_THROUGH = ("odd", "mixed")
"""Letters that look like others and invisible ones do not hide a word."""


class Lists:
    """Several lists at once. ``make`` compiles patterns (`seekgate.stages.guard.matcher.make`)."""

    __slots__ = ("_matcher", "_of", "lists")

    def __init__(self, lists: Sequence[PatternList], make: Callable[[Sequence[str]], Matcher]) -> None:
        self.lists = tuple(lists)
        patterns = [pattern for one in lists for pattern in one.patterns]
        self._of = [number for number, one in enumerate(lists) for _ in one.patterns]
        self._matcher = make([*patterns, *(HIDDEN[kind] for kind in _LOOKED_THROUGH)])

    def find(self, text: str) -> set[int]:
        """The positions of the lists that have something in this text."""
        found = self._matcher.scan(text)
        if not found:
            return set()
        count = len(self._of)
        hits = {self._of[one] for one in found if one < count}
        kinds = [_LOOKED_THROUGH[one - count] for one in found if one >= count]
        for view in undone(text, kinds[:1]):
            hits.update(self._of[one] for one in self._matcher.scan(view) if one < count)
        return hits
