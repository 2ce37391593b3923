"""Detectors of an installation's own: hyperscan expressions and lists of words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from seekgate.stages.privacy.detect.kinds import Own, PatternError, Span


def expressions(own: Sequence[Own]) -> tuple[list[str], list[tuple[bytes, int]]]:
    """The type of each expression, and the expressions with their hyperscan flags. Raise `PatternError`."""
    types: list[str] = []
    written: list[tuple[bytes, int]] = []
    if not own:
        return types, written
    import hyperscan

    always = hyperscan.HS_FLAG_SOM_LEFTMOST | hyperscan.HS_FLAG_UTF8
    for entry in own:
        flags = always | (0 if entry.cased else hyperscan.HS_FLAG_CASELESS)
        for pattern in entry.patterns:
            _tried(pattern, flags)
            types.append(entry.type)
            written.append((pattern.encode(), flags))
        for word in entry.words:
            if not word:
                raise PatternError(word, "an empty word would be found everywhere")
            types.append(entry.type)
            written.append((re.escape(word).encode(), flags))
    return types, written


_ESCAPES = re.compile(r"\\[^AZzBG]")
_ANCHORS = re.compile(r"(?<!\[)\^|\$|\\[AZzBG]")
# JSON text has another spelling for these, or may have one.
_RESPELLED = re.compile(r'[\x00-\x1f"\\/\x7f]')


def anchored(own: Sequence[Own]) -> bool:
    """Whether a pattern may depend on where a text begins or ends: in JSON text that is elsewhere."""
    return any(_ANCHORS.search(_ESCAPES.sub("", pattern)) for entry in own for pattern in entry.patterns)


def escapable(own: Sequence[Own]) -> bool:
    """Whether something may be found in a text and not in the JSON text for it, if that has escapes: by any pattern,
    since its classes may take in white space and quotes, and by words with such characters."""
    return any(entry.patterns or any(map(_RESPELLED.search, entry.words)) for entry in own)


def _tried(pattern: str, flags: int) -> None:
    """Compile one pattern alone, so that an error names it; it must not match nothing at all."""
    import hyperscan

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(expressions=[pattern.encode()], ids=[0], elements=1, flags=[flags])
    except hyperscan.HyperscanError as error:
        raise PatternError(pattern, f"hyperscan cannot use it: {error}") from error


def longest(
    types: Sequence[str], base: int, hits: Sequence[tuple[int, int, int]], places: Mapping[int, int]
) -> list[Span]:
    """The longest match of each own expression from each start. ``hits``: ``base`` + index, start, end (bytes)."""
    best: dict[tuple[int, int], int] = {}
    for number, start, end in hits:
        best[number, start] = max(end, best.get((number, start), 0))
    whole = [(number - base, start, end) for (number, start), end in best.items() if end > start]
    return [Span(places[start], places[end], types[index]) for index, start, end in whole]
