"""Findings in a request's strings are replaced: by a mask, or by a token that the answer may bring back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from seekgate.stages.privacy.mask import mask
from seekgate.stages.privacy.nested import Quotes, inside, outside
from seekgate.stages.privacy.restore import MAY_BE_ALIKE, alike_count, look_alikes
from seekgate.stages.privacy.tokens import LOOK_ALIKE, Vault
from seekgate.stages.privacy.window import Found
from seekgate.wire.texts import Edit, Text, edit, edits

Change = tuple[int, int, str]

GROUP = 4
MAX_ROUNDS = 4
MAX_LOOK_ALIKES = 10_000


class Finding(NamedTuple):
    """A string of the request and what was found in it, in order and without overlaps."""

    text: Text
    spans: Sequence[Found]


Others = Callable[[Sequence[Finding]], Sequence[Text]]


def suspects(
    strings: Sequence[Text], body: bytes, may_hold: Callable[[bytes], bool]
) -> Iterator[tuple[bool, Sequence[Text]]]:
    """The strings in groups, in their order, each with whether it may hold something.

    The detectors' quick look at the bytes that a group stands in halves the search: one finding among many strings
    costs the look at some bytes more than once, instead of the longer look at every string.
    """
    waiting = [strings] if strings else []
    while waiting:
        group = waiting.pop()
        if len(group) <= GROUP:
            yield True, group
        elif not may_hold(body[group[0].start - 1 : group[-1].end + 1]):
            yield False, group
        else:
            middle = len(group) // 2
            waiting += (group[middle:], group[:middle])


def substitute(
    body: bytes,
    findings: Sequence[Finding],
    actions: Mapping[str, str],
    vault: Vault,
    others: Others | None = None,
) -> bytes | None:
    """``body`` with the findings replaced whose action is ``mask`` or ``token``; the same object if there are none.
    None: it has more than `MAX_LOOK_ALIKES` words that could be look-alikes.

    ``others`` gives the strings in which nothing was found, when it is asked: if tokens are issued, what looks like one
    of them is replaced by a token of its own, there and around the findings, so that nobody can bring one along.
    """
    changes = [(finding.text, _changes(finding, actions, vault)) for finding in findings]
    if len(vault) and MAY_BE_ALIKE(body) is not None:
        changes += [(text, []) for text in (others(findings) if others is not None else ())]
        alike = [alike_count(text.value) for text, _ in changes]
        if sum(alike) > MAX_LOOK_ALIKES:
            return None
        changes = [change for change, count in zip(changes, alike, strict=True) if count or change[1]]
        _escape(changes, vault)
    made: list[Edit] = []
    for text, replaced in sorted(changes, key=lambda change: change[0].start):
        if replaced:
            made += edits(text, body, replaced)
    return edit(body, made) if made else body


def _changes(finding: Finding, actions: Mapping[str, str], vault: Vault) -> list[Change]:
    text = finding.text
    value, nested = text.value, text.nested
    quotes = Quotes() if nested else None
    changes: list[Change] = []
    at = 0
    for span in finding.spans:
        start, end, kind = span.start, span.end, span.type
        action = actions[kind]
        if action != "mask" and action != "token":
            continue
        found = value[start:end]
        bare = False
        if quotes is not None:
            quotes.read(value, at, start)
            bare = quotes.bare(found)
            quotes.read(value, start, end)
            at = end
            found = outside(found)
        new = mask(kind, found) if action == "mask" else vault.issue(kind, found)
        if nested:
            new = inside(new)
        changes.append((start, end, f'"{new}"' if bare else new))
    return changes


def _escape(changes: list[tuple[Text, list[Change]]], vault: Vault) -> None:
    """Replace look-alikes between the changes, and those of the tokens that this issues.

    Only somebody with the key could foresee the second round. It is bounded all the same; a look-alike that is left
    could only become the text that its token stands for, which the request has brought itself.
    """
    issued = 0
    for _ in range(MAX_ROUNDS):
        if issued == len(vault):
            return
        issued = len(vault)
        for text, replaced in changes:
            edges = [0, *(edge for start, end, _ in replaced for edge in (start, end)), len(text.value)]
            found = [
                alike
                for start, end in zip(edges[::2], edges[1::2], strict=True)
                for alike in look_alikes(vault, text.value, start, end)
            ]
            if found:
                pieces = [(start, end, text.value[start:end]) for start, end in found]
                replaced += [
                    (start, end, vault.issue(LOOK_ALIKE, outside(piece) if text.nested else piece))
                    for start, end, piece in pieces
                ]
                replaced.sort()
