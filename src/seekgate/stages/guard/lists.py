"""Word and pattern lists over one matcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seekgate.config.compiled.guard import PatternList
from seekgate.stages.guard.matcher import Matcher
from seekgate.stages.guard.signs import FOREIGN
from seekgate.stages.guard.views import undone


class Lists:
    """Several lists at once. ``make`` compiles patterns (`seekgate.stages.guard.matcher.make`).

    Letters that look like others, and invisible ones, do not hide a word.
    """

    __slots__ = ("_foreign", "_matcher", "_of", "lists")

    def __init__(self, lists: Sequence[PatternList], make: Callable[[Sequence[str]], Matcher]) -> None:
        self.lists = tuple(lists)
        patterns = [pattern for one in lists for pattern in one.patterns]
        self._of = [number for number, one in enumerate(lists) for _ in one.patterns]
        self._matcher = make(patterns)
        self._foreign = make(list(FOREIGN.values()))

    def find(self, text: str) -> set[int]:
        """The positions of the lists that have something in this text."""
        hits = {self._of[one] for one in self._matcher.scan(text)}
        if not text.isascii() and self._foreign.scan(text):
            for view in undone(text, ("odd",)):
                hits.update(self._of[one] for one in self._matcher.scan(view))
        return hits
