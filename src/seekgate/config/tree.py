"""A configuration file as plain data that remembers where each value stood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from seekgate.config.problems import Problem

Path = tuple[str | int, ...]

_PLAIN = re.compile(r"[A-Za-z0-9_/@-]+\Z")
_SECRET_LIKE = re.compile(r"(sk-|bce-v3/|ghp_|AKIA|Bearer )", re.IGNORECASE)
# Letters and digits in turn, twelve or more: words and versions do not look so.
_KEY_LIKE = re.compile(r"(?=[A-Za-z0-9]{12})[0-9]*(?:[A-Za-z]+[0-9]+){2}")


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in the file; both count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Tree:
    """Parsed data with the position of each value, and of each key of a mapping.

    ``sources`` keeps the text as written where a variable was put in, so that messages never show a variable's value.
    """

    file: str
    data: object = None
    marks: dict[Path, Mark] = field(default_factory=dict)
    key_marks: dict[Path, Mark] = field(default_factory=dict)
    sources: dict[Path, str] = field(default_factory=dict)

    def at(self, path: Path) -> object:
        """The value at this path, or None where there is none."""
        value = self.data
        for step in path:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def names(self, *path: str | int) -> list[str]:
        """The keys of the mapping at this path; none when there is no mapping."""
        value = self.at(path)
        return [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []

    def select(self, pattern: str) -> Iterator[tuple[Path, object]]:
        """Every value whose path fits, such as ``models.*.deployments.*.provider``; ``*`` is any key or position."""
        yield from _select(self.data, tuple(pattern.split(".")), ())

    def texts(self, pattern: str) -> Iterator[tuple[Path, str]]:
        """`select`, only where the value is text; values of another kind are the type check's to report."""
        return ((path, value) for path, value in self.select(pattern) if isinstance(value, str))

    def mark(self, path: Path, key: bool = False) -> Mark:
        """Where ``path`` stands, or its nearest parent that stands somewhere. ``key`` asks for the key's position."""
        if key and path in self.key_marks:
            return self.key_marks[path]
        for length in range(len(path), -1, -1):
            if path[:length] in self.marks:
                return self.marks[path[:length]]
        return Mark(0, 0)

    def show(self, path: Path, value: object) -> str:
        """The value as a message may repeat it: as written, short, and nothing that looks like a secret."""
        if isinstance(value, dict | list):
            return "a mapping" if isinstance(value, dict) else "a list"
        if path not in self.sources and not isinstance(value, str):
            return str(value).lower() if isinstance(value, bool) else str(value)[:60]
        text = self.sources.get(path, str(value))
        if (_SECRET_LIKE.match(text) and len(text) > 8) or _KEY_LIKE.search(text):
            return "a value that looks like a secret"
        return repr(text if len(text) <= 60 else f"{text[:59]}…")

    def problem(
        self, path: Path, what: str, expected: str = "", hint: str = "", *, key: bool = False
    ) -> Problem:
        """An error at ``path``."""
        mark = self.mark(path, key)
        return Problem(self.file, mark.line, mark.column, dotted(path), what, expected, hint)

    def warning(self, path: Path, what: str, hint: str = "") -> Problem:
        """A finding that stops nothing."""
        mark = self.mark(path)
        return Problem(self.file, mark.line, mark.column, dotted(path), what, "", hint, warning=True)


def dotted(path: Path) -> str:
    """``models."gpt-4.1".deployments[0].provider``: keys with other signs are quoted, positions count from 0;
    a key that looks like a secret is not shown."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        if _KEY_LIKE.search(step):
            step = "?"  # somebody has written a secret where a name belongs
        name = (
            step
            if step == "?" or _PLAIN.match(step)
            else '"' + step[:60].encode("unicode_escape").decode() + '"'
        )
        text += f".{name}" if text else name
    return text


def _select(value: object, pattern: tuple[str, ...], path: Path) -> Iterator[tuple[Path, object]]:
    if not pattern:
        yield path, value
        return
    step, rest = pattern[0], pattern[1:]
    if isinstance(value, dict):
        for key in value if step == "*" else [step] if step in value else []:
            yield from _select(value[key], rest, (*path, key))
    elif isinstance(value, list) and step == "*":
        for position, item in enumerate(value):
            yield from _select(item, rest, (*path, position))
