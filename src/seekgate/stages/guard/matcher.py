"""Many patterns over one text at once: by Hyperscan where it is installed, by Python's ``re`` otherwise.

Both read the same patterns: no look-around and no back-references, which Hyperscan does not have, ASCII meanings of
``\\w``, ``\\s`` and ``\\b``, and letters of either case. Hyperscan takes time in proportion to the text whatever the
patterns are; ``re`` tries one pattern after the other, and some patterns can make it slow.

Compiling a hundred patterns takes Hyperscan a second or two, which no worker has: what is compiled is kept in a folder
(`Maker`), where the compiler of the configuration puts it before any worker asks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

KEPT = 32
"""Compiled sets of patterns that are kept, the newest."""


class PatternError(ValueError):
    """A pattern that cannot be used; ``number`` is its position."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number


class Matcher(Protocol):
    """Says which of its patterns are in a text."""

    def scan(self, text: str) -> list[int]:
        """The positions of the patterns that match somewhere, each once, in no order."""
        ...

    def scan_bytes(self, data: bytes) -> list[int]:
        """`scan` of a text that is UTF-8 already."""
        ...


class LinearMatcher:
    """Hyperscan. ``database`` is compiled by `compiled`."""

    __slots__ = ("_database", "_scan")

    def __init__(self, database: Any) -> None:
        self._database = database
        self._scan = database.scan

    @classmethod
    def compiled(cls, patterns: Sequence[str]) -> LinearMatcher:
        """Compile. Raise `PatternError` for a pattern that Hyperscan cannot take."""
        import hyperscan

        flag = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SINGLEMATCH
        flag |= hyperscan.HS_FLAG_MULTILINE
        encoded = [pattern.encode() for pattern in patterns]
        database = hyperscan.Database()
        try:
            database.compile(
                expressions=encoded,
                ids=list(range(len(encoded))),
                elements=len(encoded),
                flags=[flag] * len(encoded),
            )
        except hyperscan.error as error:
            raise _blamed(hyperscan, encoded, flag, error) from None
        return cls(database)

    def dump(self) -> bytes:
        """What `load` takes."""
        import hyperscan

        data: bytes = hyperscan.dumpb(self._database)
        return data

    @classmethod
    def load(cls, data: bytes) -> LinearMatcher | None:
        """A matcher that was dumped; None where it is damaged, or of another version or processor."""
        import hyperscan

        try:
            database = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
            database.scratch = hyperscan.Scratch(database)
        except hyperscan.error:
            return None
        return cls(database)

    def scan(self, text: str) -> list[int]:
        """The positions of the patterns that match somewhere."""
        found: list[int] = []
        self._scan(text.encode("utf-8", "replace"), _note, 0, found)
        return found

    def scan_bytes(self, data: bytes) -> list[int]:
        """`scan` of a text that is UTF-8 already."""
        found: list[int] = []
        self._scan(data, _note, 0, found)
        return found


def _note(number: int, _start: int, _end: int, _flags: int, found: list[int]) -> None:
    found.append(number)


def _blamed(hyperscan: Any, patterns: Sequence[bytes], flag: int, error: Exception) -> PatternError:
    """Which pattern it was: Hyperscan does not say."""
    for number, pattern in enumerate(patterns):
        try:
            hyperscan.Database().compile(expressions=[pattern], ids=[0], elements=1, flags=[flag])
        except hyperscan.error as own:
            return PatternError(number, str(own))
    return PatternError(0, str(error))


class PlainMatcher:
    """Python's ``re``."""

    __slots__ = ("_patterns",)

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = []
        for number, pattern in enumerate(patterns):
            try:
                search = re.compile(_python(pattern), re.IGNORECASE | re.MULTILINE | re.ASCII).search
            except (re.error, RecursionError, OverflowError) as error:
                raise PatternError(number, str(error)) from None
            if search(""):
                raise PatternError(number, "it matches the empty text, and so every text")
            self._patterns.append(search)

    def scan(self, text: str) -> list[int]:
        """The positions of the patterns that match somewhere."""
        return [number for number, search in enumerate(self._patterns) if search(text)]

    def scan_bytes(self, data: bytes) -> list[int]:
        """`scan` of a text that is UTF-8 already."""
        return self.scan(data.decode("utf-8", "replace"))


def _python(pattern: str) -> str:
    """``\\x{200b}``, as Hyperscan writes a code point, is ``\\u200b`` in ``re``."""
    return re.sub(r"\\x\{([0-9a-fA-F]+)\}", lambda match: f"\\U{int(match[1], 16):08x}", pattern)


def linear() -> bool:
    """Whether Hyperscan is installed."""
    try:
        import hyperscan  # noqa: F401
    except ImportError:
        return False
    return True


def make(patterns: Sequence[str]) -> Matcher:
    """The best matcher that there is here. Raise `PatternError`."""
    return LinearMatcher.compiled(patterns) if linear() else PlainMatcher(patterns)


class Maker:
    """`make` with a folder in which compiled patterns are kept. Nothing there is needed: it can be lost at any time."""

    __slots__ = ("_folder",)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, patterns: Sequence[str]) -> Matcher:
        """The matcher, from the folder if it is there. Raise `PatternError`."""
        if not linear():
            return PlainMatcher(patterns)
        path = self._folder / f"{_digest(patterns)}.hs"
        try:
            kept = LinearMatcher.load(path.read_bytes())
        except OSError:
            kept = None
        if kept is not None:
            return kept
        made = LinearMatcher.compiled(patterns)
        with contextlib.suppress(OSError):  # a folder that cannot be written to costs time only
            self._keep(path, made.dump())
        return made

    def _keep(self, path: Path, data: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.write_bytes(data)
        beside.replace(path)
        files = sorted(self._folder.glob("*.hs"), key=lambda file: file.stat().st_mtime)
        for file in files[:-KEPT]:
            file.unlink(missing_ok=True)


def _digest(patterns: Sequence[str]) -> str:
    text = "\0".join((version("hyperscan"), *patterns))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def word(text: str) -> str:
    """A pattern for a word as it is written: not within a longer word where it is of Latin letters."""
    escaped = re.escape(text).replace("\\ ", r"\s+")
    before = r"\b" if re.match(r"\w", text, re.ASCII) else ""
    behind = r"\b" if re.search(r"\w\Z", text, re.ASCII) else ""
    return f"{before}{escaped}{behind}"
