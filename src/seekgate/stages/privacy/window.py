"""Answers are scanned as they come, a window at a time.

A finding can only be judged when what surrounds it is known, so of a stream's text the last ``size`` characters are
held back. What leaves the window was seen with at least ``size`` characters behind it and `CONTEXT` before it, so a
finding that is no longer than the window is seen whole. A longer one, such as a key of many hundred characters, is
masked as far as it was seen, and its rest is left out up to the next white space; of a private key everything up to its
last line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from seekgate.stages.privacy.budget import TooMuch
from seekgate.stages.privacy.mask import mask
from seekgate.stages.privacy.nested import Quotes
from seekgate.stages.privacy.restore import look_alikes
from seekgate.stages.privacy.tokens import Vault

CONTEXT = 64
"""Characters before the window that the detectors see again."""

_STEP = 16  # characters that must have come before the window is scanned again
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
_RUN = re.compile(r"[^\s\"'<>,;]*")
_KEY = "PRIVATE_KEY"
_TOO_MUCH = "more than can be examined"


class Found(Protocol):
    """A finding, as detectors tell it."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def type(self) -> str: ...


Scan = Callable[[str], Sequence[Found]]


class Scanning(NamedTuple):
    """What is looked for in answers: the detectors' ``scan``, what is done with each type (``mask``, ``block`` or
    ``report``; other types are left alone), and how many characters of a stream's text are held back."""

    scan: Scan
    actions: Mapping[str, str]
    size: int


class Findings:
    """What was found in one answer: how often each type, and the type that it was stopped for."""

    __slots__ = ("blocked", "counts")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.blocked = ""


class Window:
    """Scans one text that comes in pieces. What looks like a token of ``vault`` is no finding. After a finding to be
    blocked (`Findings.blocked`) nothing more comes out. ``size`` is that of ``scanning`` if it is not given; ``nested``
    text is JSON text, and stays so."""

    __slots__ = (
        "_actions",
        "_context",
        "_ends",
        "_findings",
        "_holds",
        "_quotes",
        "_scan",
        "_size",
        "_vault",
        "held",
    )

    def __init__(
        self,
        scanning: Scanning,
        findings: Findings,
        vault: Vault,
        size: int | None = None,
        nested: bool = False,
    ) -> None:
        self._scan = scanning.scan
        self._actions = scanning.actions
        self._findings = findings
        self._vault = vault
        self._size = scanning.size if size is None else size
        self._holds = any(action != "report" for action in scanning.actions.values())
        self._context = ""
        self._quotes = Quotes() if nested else None
        self._ends: re.Pattern[str] | None = None  # what ends a finding whose rest is left out
        self.held = ""

    def feed(self, text: str) -> str:
        """What can be said now, after this piece."""
        self.held += text
        out = "" if len(self.held) < self._size + _STEP else self._advance(self._size)
        return out if self._holds else text

    def flush(self) -> str:
        """The rest, because nothing follows."""
        out = self._advance(0) if self.held else ""
        return out if self._holds else ""

    def _advance(self, keep: int) -> str:
        if self._findings.blocked:
            self.held = ""
            return ""
        if self._ends is not None and not self._left_out(keep):
            return ""
        held, before = self.held, len(self._context)
        spans = [
            (start - before, end - before, kind)
            for start, end, kind in self._spans(self._context + held)
            if end > before
        ]
        if self._findings.blocked:
            self.held = ""
            return ""
        key = _KEY_BEGINS.search(held) if _KEY in self._actions else None
        if key is not None and _KEY_ENDS.search(held, key.end()) is None:
            spans = [span for span in spans if span[1] <= key.start()]
            spans.append((key.start(), len(held), _KEY))
        return self._release(spans, max(len(held) - keep, 0))

    def _spans(self, text: str) -> list[tuple[int, int, str]]:
        try:
            spans = [(f.start, f.end, f.type) for f in self._scan(text) if f.type in self._actions]
        except TooMuch:
            if self._holds:  # nobody knows what there is to be masked or blocked
                self._findings.blocked = _TOO_MUCH
            return []
        if spans and self._vault.values:
            tokens = look_alikes(self._vault, text, 0, len(text))
            spans = [s for s in spans if not any(s[0] < end and start < s[1] for start, end in tokens)]
        return spans

    def _release(self, spans: list[tuple[int, int, str]], cut: int) -> str:
        held, pieces, at = self.held, [], 0
        for start, end, kind in spans:
            if start >= cut:
                break
            first = max(start, 0)
            grows = end == len(held) and cut < end
            if grows and first > 0:
                cut = first  # it may still grow: what stands before it can go
                break
            counts = self._findings.counts
            counts[kind] = counts.get(kind, 0) + 1
            pieces.append(held[at:first])
            if self._actions[kind] == "block":
                self._findings.blocked = kind
                self.held = ""
                return "".join(pieces)
            pieces.append(self._shown(kind, held, first, end, at))
            at, cut = end, max(cut, end)
            if grows:
                self._ends = _KEY_ENDS if kind == _KEY else _RUN
        if self._quotes is not None:
            self._quotes.read(held, at, cut)
        pieces.append(held[at:cut])
        self._context = (self._context + held[:cut])[-CONTEXT:]
        self.held = held[cut:]
        return "".join(pieces)

    def _shown(self, kind: str, text: str, start: int, end: int, read: int) -> str:
        """What goes out for a finding; what stands before ``read`` was read for quotes already."""
        found = text[start:end]
        bare = False
        if self._quotes is not None:
            self._quotes.read(text, read, start)
            bare = self._quotes.bare(found)
            self._quotes.read(text, start, end)
        if self._actions[kind] != "mask":
            return found
        masked = mask(kind, found)
        return f'"{masked}"' if bare else masked

    def _left_out(self, keep: int) -> bool:
        """Leave out the rest of a finding that was masked; whether it has ended."""
        ends = self._ends
        if ends is _RUN:
            rest = _RUN.match(self.held)
            stop = rest.end() if rest is not None else 0
            over = stop < len(self.held)
        else:
            found = _KEY_ENDS.search(self.held)
            # The line that ends a key may itself be cut in two.
            stop = found.end() if found is not None else max(len(self.held) - min(keep, 64), 0)
            over = found is not None
        self.held = self.held[stop:]
        self._context = ""
        if over or not keep:
            self._ends = None
        return over
