"""The dumps of several workers added up into what a scraper sees."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from seekgate.telemetry.dump import Dump, Sample
from seekgate.telemetry.registry import Spec


class MergedFamily(msgspec.Struct):
    """One metric over all workers."""

    spec: Spec
    samples: dict[tuple[str, ...], Sample]


def merge(dumps: Iterable[Dump], specs: Iterable[Spec], gauges_since: float = 0.0) -> list[MergedFamily]:
    """Add up counters and histograms; combine gauges as each declares. In the order of ``specs``.

    Gauges of a dump written before ``gauges_since`` (Unix seconds) are left out: their worker is gone, while what it
    counted still happened. A family that its writer declared in another shape (another version, during a rolling
    restart) is left out until its worker is replaced; a metric without a declaration too.
    """
    families = [MergedFamily(spec, {}) for spec in specs]
    for dump in dumps:
        stale = dump.written_at < gauges_since
        for family in families:
            spec = family.spec
            found = dump.families.get(spec.name)
            if found is None or not found.fits(spec.kind, spec.labels, spec.buckets):
                continue
            if stale and spec.kind == "gauge":
                continue
            for sample in found.samples:
                _add(family, sample)
    return families


def _add(family: MergedFamily, sample: Sample) -> None:
    present = family.samples.get(sample.labels)
    if present is None:
        value, counts = sample.value, sample.counts
    elif family.spec.kind == "gauge" and family.spec.merge == "max":
        value, counts = max(present.value, sample.value), ()
    else:
        value = present.value + sample.value
        counts = [a + b for a, b in zip(present.counts, sample.counts, strict=True)]
    family.samples[sample.labels] = Sample(sample.labels, value, counts)
