"""How much a text looks like an attempt to take over the model: a score from 0 to 1 and the family that says most.

Signs count as independent evidence: the score is 1 - (1 - w1)(1 - w2)…, over the signs that are there (noisy-or, Pearl
1988). It is a heuristic: it finds what such texts have in common, and neither proves nor disproves anything. How often
it is right and wrong on the published prompts is measured by ``python -m tests.guard.rates``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from seekgate.stages.guard.matcher import Matcher
from seekgate.stages.guard.signs import FOREIGN, HIDDEN, NAMED, PERCENT, Family, Sign
from seekgate.stages.guard.views import undone

_HIDING = 0.35
"""What it says that signs were hidden: somebody did not want them to be seen."""
PIECE, OVERLAP = 1600, 300
"""A long text is judged in pieces of so many characters: weak signs far from each other are no evidence together."""

_NAMED = tuple(NAMED)


class Suspicion(msgspec.Struct, frozen=True, gc=False):
    """A score and what it rests on: the family that says most."""

    score: float
    family: Family


class Injection:
    """The heuristics over one matcher. ``make`` compiles patterns (`seekgate.stages.guard.matcher.make`)."""

    __slots__ = ("_count", "_foreign", "_hidden", "_matcher", "_percent", "_signs")

    def __init__(self, signs: Sequence[Sign], make: Callable[[Sequence[str]], Matcher]) -> None:
        self._signs = tuple(signs)
        self._count = len(signs)
        self._matcher = make([*(sign.pattern for sign in signs), *NAMED.values()])
        self._hidden = [(kind, make([pattern])) for kind, pattern in HIDDEN.items()]
        self._foreign = [(kind, make([pattern])) for kind, pattern in FOREIGN.items()]
        self._percent = make([PERCENT])

    def judge(self, texts: Sequence[str], tool: bool, threshold: float) -> Suspicion | None:
        """The most suspicious of these texts, if its score reaches ``threshold``; ``tool``: a tool returned them.

        All are looked at together first, which can only say more; seldom is there anything to look at again.
        """
        suspicion = self._judge("\n".join(texts), tool)
        if suspicion is None or suspicion.score < threshold:
            return None
        if len(texts) == 1 and len(texts[0]) <= PIECE:
            return suspicion
        found = [one for text in texts for piece in pieces(text) if (one := self._judge(piece, tool))]
        worst = max(found, key=lambda one: one.score, default=None)
        return worst if worst is not None and worst.score >= threshold else None

    def _judge(self, text: str, tool: bool) -> Suspicion | None:
        found = self._matcher.scan(text)
        kinds = [kind for kind, matcher in self._hidden if matcher.scan(text)]
        if not text.isascii():
            kinds += [kind for kind, matcher in self._foreign if matcher.scan(text)]
        if "%" in text and self._percent.scan(text):
            kinds.append("percent")
        if not found and not kinds:
            return None
        count = self._count
        kinds += [_NAMED[one - count] for one in found if one >= count]
        best = self._scored((one for one in found if one < count), tool)
        for view in undone(text, kinds):
            seen = [one for one in self._matcher.scan(view) if one < count]
            # What the text says openly counts openly; a view has to add something.
            if any(one not in found for one in seen):
                hidden = self._scored(seen, tool)
                score = 1 - (1 - hidden.score) * (1 - _HIDING) if hidden is not None else 0.0
                if best is None or score > best.score:
                    best = Suspicion(score, "encoded")
        return best

    def _scored(self, found: Iterable[int], tool: bool) -> Suspicion | None:
        left = 1.0
        by_family: dict[Family, float] = {}
        for one in found:
            sign = self._signs[one]
            doubt = 1 - (sign.tool if tool else sign.weight)
            left *= doubt
            by_family[sign.family] = by_family.get(sign.family, 1.0) * doubt
        if not by_family:
            return None
        return Suspicion(1 - left, min(by_family, key=lambda family: by_family[family]))


def pieces(text: str) -> list[str]:
    """A text in pieces that overlap."""
    if len(text) <= PIECE:
        return [text]
    step = PIECE - OVERLAP
    return [text[at : at + PIECE] for at in range(0, len(text) - OVERLAP, step)]
