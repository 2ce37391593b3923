"""What is wrong with a configuration, said so that it can be fixed: where, what, what was expected, a likely fix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class Invalid(ValueError):
    """A single value is not usable: ``what`` is wrong, what was ``expected``, and a ``hint`` (all without a full stop).

    It subclasses `ValueError` so that pydantic collects it together with its own findings.
    """

    def __init__(self, what: str, expected: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.expected = expected
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. ``line`` and ``column`` count from 1; line 0 means the whole file. A warning stops nothing."""

    file: str
    line: int
    column: int
    path: str
    what: str
    expected: str = ""
    hint: str = ""
    warning: bool = False

    def __str__(self) -> str:
        """``file:line: key.path: what was wrong; expected …; did you mean …?`` on one line."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        parts = [f"{'warning: ' if self.warning else ''}{self.what}"]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.hint:
            parts.append(self.hint)
        subject = f"{self.path}: " if self.path else ""
        return f"{where}: {subject}{'; '.join(parts)}"


class ConfigError(Exception):
    """The configuration cannot be used. ``problems`` holds every finding, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(map(str, self.problems)))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted by file, line and column; the same finding only once."""
    unique = dict.fromkeys(problems)
    return tuple(
        sorted(unique, key=lambda problem: (problem.file, problem.line, problem.column, problem.path))
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` for the nearest known word, or an empty string when none is near."""
    from difflib import get_close_matches  # imported only when something is already wrong

    candidates = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), candidates, n=1, cutoff=0.6)
    return f"did you mean {candidates[near[0]]!r}?" if near else ""


def one_of(known: Iterable[str], most: int = 12) -> str:
    """``one of a, b, c``, cut short when there are many."""
    names = list(dict.fromkeys(known))
    if len(names) > most:
        return f"one of {', '.join(names[:most])}, … ({len(names)} in all)"
    return f"one of {', '.join(names)}" if len(names) > 1 else "".join(names)
