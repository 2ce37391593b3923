"""Matchers for tests: the same patterns are compiled once in a process, which takes Hyperscan a second or two."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from seekgate.stages.guard import matcher
from seekgate.stages.guard.matcher import Matcher


def make(patterns: Sequence[str]) -> Matcher:
    """`seekgate.stages.guard.matcher.make`, remembered."""
    return _made(tuple(patterns))


@cache
def _made(patterns: tuple[str, ...]) -> Matcher:
    return matcher.make(patterns)
