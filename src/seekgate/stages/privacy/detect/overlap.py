"""Which of overlapping findings stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seekgate.stages.privacy.detect.kinds import KINDS, Span

_ORDER = {name: index for index, name in enumerate(KINDS)}


def resolve(spans: Iterable[Span], ranks: Mapping[str, int]) -> list[Span]:
    """``spans`` in order, without overlaps: the stronger rank stays, of equal ones the longer, then the earlier type.

    Findings that overlap, directly or through others, are settled among themselves, so the work grows with their number
    and not with its square.
    """
    kept: list[Span] = []
    group: list[Span] = []
    reach = -1
    for span in sorted(set(spans)):
        if span.start >= reach and group:
            kept += _settled(group, ranks)
            group = []
        group.append(span)
        reach = max(reach, span.end)
    return kept + _settled(group, ranks)


def _settled(group: list[Span], ranks: Mapping[str, int]) -> list[Span]:
    if len(group) < 2:
        return group
    group.sort(
        key=lambda span: (ranks[span.type], span.start - span.end, _ORDER.get(span.type, 99), span.start)
    )
    taken: list[Span] = []
    for span in group:
        if all(span.end <= other.start or span.start >= other.end for other in taken):
            taken.append(span)
    return sorted(taken)
