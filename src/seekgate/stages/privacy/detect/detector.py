"""The detector: gate, fold and judges in one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from seekgate.stages.privacy.budget import Budget, TooMuch
from seekgate.stages.privacy.detect import names
from seekgate.stages.privacy.detect.database import Row, database
from seekgate.stages.privacy.detect.fold import Folded, narrow, numerals
from seekgate.stages.privacy.detect.gate import FOLDED, NUMBERS, RULES, Rule
from seekgate.stages.privacy.detect.kinds import KINDS, STRUCTURED, Own, Span
from seekgate.stages.privacy.detect.nobodys import nobodys
from seekgate.stages.privacy.detect.overlap import resolve
from seekgate.stages.privacy.detect.own import anchored, escapable, expressions, longest

Hit = tuple[int, int, int]
_FOLD, _ESCAPED, _OWN = 0, 999, 1000
_NAMED_BY = frozenset(("CN_MOBILE", "CN_ID", "BANK_CARD", "CN_LANDLINE", "PASSPORT", "EMAIL"))
# How far a window is moved outwards so that it cuts no token in two, in characters.
_SLACK = 512
# JSON text has them as escapes, which the gate sees. To look for them too would cost it more than all else.
_CONTROLS = re.compile(r"[\x00-\x07\x0e-\x1f]")
# Characters that are judged together cost as much as another place does.
_LIKE_A_PLACE = 128
_FEW = 32
"""Places that `Detector.look` tells one by one."""


class _Hits(list[Hit]):
    """What the gate has matched. ``most``: after so many it stops."""

    most = 0


def _note(number: int, start: int, end: int, _flags: int, hits: _Hits) -> bool:
    hits.append((number, start, end))
    return len(hits) > hits.most


def _note_few(number: int, _start: int, end: int, _flags: int, hits: list[tuple[int, int]]) -> bool:
    hits.append((number, end))
    return len(hits) > _FEW


class Detector:
    """Finds what is of ``types`` (all by default) and what is of the installation's ``own`` types.

    It is for one thread at a time. With ``cache`` the compiled database is kept in that folder. Raises `PatternError`
    for an own pattern that hyperscan cannot compile, and ImportError where hyperscan is not installed (extra
    ``privacy``).
    """

    def __init__(
        self, types: Collection[str] = tuple(KINDS), own: Sequence[Own] = (), cache: Path | None = None
    ) -> None:
        self._types = frozenset(types) | {entry.type for entry in own}
        self._rules = [rule for rule in RULES if rule.types & self._types]
        self._numbers = 1 + self._rules.index(NUMBERS) if NUMBERS in self._rules else -1
        self._own, written = expressions(own)
        # In JSON text an own expression may miss what it finds in the string: at its ends, and where it has escapes.
        self._always = anchored(own)
        escapes = escapable(own)
        self._ranks = {entry.type: STRUCTURED for entry in own} | {
            name: kind.rank for name, kind in KINDS.items()
        }
        import hyperscan

        self._stopped = hyperscan.ScanTerminated
        self._database = database(_rows(self._rules, written, escapes), cache)
        self._scan = self._database.scan

    def scan_bytes(self, data: bytes) -> bool:
        """Whether UTF-8 ``data`` may hold anything. False is certain; True means that `scan` must look.

        ``data`` may also be JSON text: what `scan` finds in a string that was decoded from it is not missed in it,
        escaped or not.
        """
        places = self.look(data)
        return places is None or len(places) > 0

    def look(self, data: bytes) -> Sequence[int] | None:
        """Offsets of ``data``, UTF-8 or JSON text, before which something may stand; none is certain. None: anywhere.

        Of a string of JSON text that holds something, an offset lies between its first byte and the one behind its
        closing quote.
        """
        if self._always:
            return None
        hits: list[tuple[int, int]] = []
        try:
            self._scan(data, _note_few, 0, hits)
        except self._stopped:
            return None
        if not hits:
            return ()
        places: list[int] = []
        for number, end in hits:
            # Of what is folded, and of escapes, only the first is told.
            if number == _FOLD or number >= _ESCAPED:
                return None
            if number != self._numbers or not nobodys(data, end):
                places.append(end)
        return places

    def scan(self, text: str, budget: Budget | None = None) -> list[Span]:
        """What was found in ``text``, in order, without overlaps. Offsets count characters of ``text``.

        Raise `TooMuch` when the gate matches in more places than ``budget`` (that of one request without it) has left,
        or so much of the text stands around them that judging it would cost as much.
        """
        budget = Budget() if budget is None else budget
        data = text.encode("utf-8", "replace")
        hits = self._hits(data, budget)
        controls = _CONTROLS.search(text) is not None
        if not hits and not controls:
            return []
        if not controls and not any(hit[0] == _FOLD for hit in hits):
            return resolve(self._judged(text, data, hits, budget), self._ranks)
        # Own expressions may be about what the fold removes, so they see the text as it came too.
        spans = self._judged(text, data, [hit for hit in hits if hit[0] >= _OWN], budget)
        folded = Folded(text)
        plain = narrow(folded.text)
        data = plain.encode("utf-8", "replace")
        spans += [
            Span(*folded.place(start, end), kind)
            for start, end, kind in self._judged(plain, data, self._hits(data, budget), budget)
        ]
        return resolve(spans, self._ranks)

    def _hits(self, data: bytes, budget: Budget) -> list[Hit]:
        hits = _Hits()
        hits.most = budget.left
        try:
            self._scan(data, _note, 0, hits)
        except self._stopped:
            raise TooMuch from None
        budget.spend(len(hits))
        return hits

    def _judged(self, text: str, data: bytes, hits: list[Hit], budget: Budget) -> list[Span]:
        windows: dict[int, list[int]] = {}
        own: list[Hit] = []
        for hit in hits:
            if hit[0] >= _OWN:
                own.append(hit)
            elif hit[0] != _FOLD and hit[0] != _ESCAPED:
                windows.setdefault(hit[0], []).append(hit[2])
        places = _places(text, data, [offset for hit in hits for offset in (hit[1], hit[2])])
        spans = longest(self._own, _OWN, own, places)
        for number, ends in windows.items():
            rule = self._rules[number - 1]
            for low, high in _windows(text, [places[end] for end in ends], rule):
                budget.spend((high - low) // _LIKE_A_PLACE)
                piece = narrow(text[low:high])
                if rule.spoken:
                    piece = numerals(piece)
                spans += [
                    Span(low + s, low + e, kind) for s, e, kind in rule.judge(piece) if kind in self._types
                ]
        if "NAME" in self._types:
            spans += [
                name
                for span in spans
                if span.type in _NAMED_BY and (name := names.before_number(text, span.start)) is not None
            ]
        return spans


def _rows(rules: Sequence[Rule], own: Sequence[tuple[bytes, int]], escapes: bool) -> list[Row]:
    import hyperscan

    rows = [(expression, _FOLD, hyperscan.HS_FLAG_SINGLEMATCH) for expression in FOLDED]
    if escapes:
        rows.append((rb"\\", _ESCAPED, hyperscan.HS_FLAG_SINGLEMATCH))
    for number, rule in enumerate(rules, 1):
        flags = hyperscan.HS_FLAG_CASELESS if rule.caseless else 0
        rows += [(expression, number, flags) for expression in rule.expressions]
    return rows + [(expression, _OWN + index, flags) for index, (expression, flags) in enumerate(own)]


def _places(text: str, data: bytes, offsets: Iterable[int]) -> dict[int, int]:
    """Byte offsets of ``data`` as character offsets of ``text``."""
    wanted = sorted(set(offsets))
    if len(text) == len(data):
        return dict(zip(wanted, wanted, strict=True))
    places, last, count = {}, 0, 0
    for offset in wanted:
        count += len(data[last:offset].decode("utf-8", "ignore"))
        places[offset], last = count, offset
    return places


def _windows(text: str, ends: list[int], rule: Rule) -> list[tuple[int, int]]:
    """The stretches of ``text`` in which the rule's judge looks: around each end, joined where they meet."""
    joined: list[tuple[int, int]] = []
    for end in sorted(ends):
        low, high = max(end - rule.before, 0), min(end + rule.after, len(text))
        if joined and low <= joined[-1][1]:
            low = joined.pop()[0]
        joined.append((low, high))
    return [(_outwards(text, low, -1), _outwards(text, high, 1)) for low, high in joined]


def _outwards(text: str, place: int, step: int) -> int:
    """``place`` moved out of the word that it would cut."""
    for _ in range(_SLACK):
        if not 0 < place < len(text):
            break
        left, right = text[place - 1], text[place]
        if not (left.isascii() and right.isascii() and left.isalnum() and right.isalnum()):
            break
        place += step
    return place
