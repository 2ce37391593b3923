"""Word and pattern lists over one matcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seekgate.config.compiled.guard import PatternList
from seekgate.stages.guard.matcher import Matcher
from seekgate.stages.guard.signs import FOREIGN
from seekgate.stages.guard.views import undone

MANY = 5000
"""Strings are scanned one by one up to so many, more of them together: a scan takes a microsecond for itself."""


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

    @property
    def matcher(self) -> Matcher:
        """That of all patterns of all lists."""
        return self._matcher

    def find(self, text: str) -> set[int]:
        """The positions of the lists that have something in this text."""
        found = self._matcher.scan(text)
        hits = {self._of[one] for one in found} if found else set()
        if not text.isascii() and self._foreign.scan(text):
            for view in undone(text, ("odd",)):
                hits.update(self._of[one] for one in self._matcher.scan(view))
        return hits

    def find_each(self, texts: Sequence[str]) -> set[int]:
        """The positions of the lists that have something in one of these texts, and not across two of them."""
        if len(texts) > MANY:
            return self.find("\n".join(texts))
        found: set[int] = set()
        for text in texts:
            found |= self.find(text)
        return found
