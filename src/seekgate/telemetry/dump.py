"""A worker's counts as they lie in its slot's file: what one worker writes and any worker, of any version, may read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec


class DumpError(ValueError):
    """The bytes are not a dump."""


class Sample(msgspec.Struct, array_like=True, gc=False):
    """One child: its label values, its value (a histogram's sum), and a histogram's count by bucket."""

    labels: tuple[str, ...]
    value: int | float
    counts: Sequence[int] = ()


class FamilyDump(msgspec.Struct):
    """One metric: its shape as the writer declared it, and its children."""

    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    buckets: tuple[float, ...]
    samples: list[Sample]

    def fits(self, kind: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> bool:
        """Whether the reader declares the metric in the same shape, so that the values can be added up."""
        return self.kind == kind and self.labels == labels and self.buckets == buckets


class Dump(msgspec.Struct):
    """All metrics of one worker at ``written_at`` (Unix seconds)."""

    written_at: float
    families: dict[str, FamilyDump]


_decoder = msgspec.json.Decoder(Dump)


def decode(data: bytes) -> Dump:
    """Read a dump. Raises `DumpError` unless every sample has the length that its family says."""
    try:
        dump = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise DumpError(f"not a metrics dump: {error}") from error
    for name, family in dump.families.items():
        counts = len(family.buckets) + 1 if family.kind == "histogram" else 0
        for sample in family.samples:
            if len(sample.labels) != len(family.labels) or len(sample.counts) != counts:
                raise DumpError(f"not a metrics dump: a sample of {name} has another shape than its family")
    return dump
