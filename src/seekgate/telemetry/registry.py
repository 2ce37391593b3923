"""Counters, gauges and histograms kept in memory by one worker, cheap enough to touch several times a request.

A caller looks a child up once (`Family.labels`), keeps it, and from then on adds to a plain attribute:
``child.value += 1``. There is no lock, because one thread owns a worker's registry; no timestamp, because whoever
scrapes has a clock; and no global, because `app.py` makes the registry and hands it on.

Labels are bounded. A family takes ``limit`` different label sets; what comes after them is counted together in one
child whose labels are all ``__other__``: sums stay right, memory stays flat, and the dashboard shows that it happened.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

import msgspec

from seekgate.telemetry.dump import Dump, FamilyDump, Sample, decode

OTHER = "__other__"


class Spec(msgspec.Struct, frozen=True):
    """A metric's declaration.

    ``name`` is as exposed, without a histogram's suffixes. ``unit`` is its base unit and part of the name, or "".
    ``buckets`` are a histogram's upper bounds, ascending and inclusive, without infinity. ``merge`` says what a
    gauge means over workers: their sum, or the largest. ``limit`` is the number of label sets before ``__other__``.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()
    merge: Literal["sum", "max"] = "sum"
    limit: int = 1000


class Counter:
    """A count that only grows: ``value += n``."""

    __slots__ = ("value",)

    def __init__(self, spec: Spec) -> None:
        self.value: int | float = 0


class Gauge:
    """A value that is now so: ``value = n`` or ``value += n``."""

    __slots__ = ("value",)

    def __init__(self, spec: Spec) -> None:
        self.value: int | float = 0


class Histogram:
    """Observations counted by bucket; ``counts`` has one more place than ``bounds``, for what is above them all."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, spec: Spec) -> None:
        self.bounds = spec.buckets
        self.counts = [0] * (len(spec.buckets) + 1)
        self.sum: int | float = 0

    def observe(self, value: float) -> None:
        """Count ``value`` into the first bucket whose bound is not below it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


Child = TypeVar("Child", bound=Counter | Gauge | Histogram)


class Family(Generic[Child]):
    """All children of one metric, by the values of their labels."""

    __slots__ = ("_make", "children", "spec")

    def __init__(self, spec: Spec, make: Callable[[Spec], Child]) -> None:
        self.spec = spec
        self._make = make
        self.children: dict[tuple[str, ...], Child] = {}
        if not spec.labels:
            self.labels()

    def labels(self, *values: str) -> Child:
        """The child with these label values, in the order of the declaration; keep it, do not look it up twice.

        Raises `ValueError` when the number of values is not the number of labels.
        """
        child = self.children.get(values)
        return self._add(values) if child is None else child

    def _add(self, values: tuple[str, ...]) -> Child:
        if len(values) != len(self.spec.labels):
            raise ValueError(f"{self.spec.name} has the labels {self.spec.labels}, got {values}")
        if len(self.children) >= self.spec.limit:
            values = (OTHER,) * len(values)
            if values in self.children:
                return self.children[values]
        child = self.children[values] = self._make(self.spec)
        return child


class Registry:
    """The families of one worker."""

    def __init__(self) -> None:
        self._scalars: dict[str, Family[Counter] | Family[Gauge]] = {}
        self._histograms: dict[str, Family[Histogram]] = {}

    def counter(self, spec: Spec) -> Family[Counter]:
        """Register a counter. Raises `ValueError` for a name that is taken or another kind."""
        self._claim(spec, "counter")
        family = Family(spec, Counter)
        self._scalars[spec.name] = family
        return family

    def gauge(self, spec: Spec) -> Family[Gauge]:
        """Register a gauge. Raises `ValueError` for a name that is taken or another kind."""
        self._claim(spec, "gauge")
        family = Family(spec, Gauge)
        self._scalars[spec.name] = family
        return family

    def histogram(self, spec: Spec) -> Family[Histogram]:
        """Register a histogram. Raises `ValueError` for a name that is taken or another kind."""
        self._claim(spec, "histogram")
        family = Family(spec, Histogram)
        self._histograms[spec.name] = family
        return family

    def _claim(self, spec: Spec, kind: str) -> None:
        if spec.kind != kind:
            raise ValueError(f"{spec.name} is declared as a {spec.kind}, not a {kind}")
        if spec.name in self._scalars or spec.name in self._histograms:
            raise ValueError(f"{spec.name} is registered already")

    def dump(self, written_at: float = 0.0) -> bytes:
        """Everything as JSON, for the file of this worker's slot. ``written_at`` is the Unix time of writing."""
        families: dict[str, FamilyDump] = {}
        for name, scalars in self._scalars.items():
            samples = [Sample(labels, child.value) for labels, child in scalars.children.items()]
            families[name] = FamilyDump(scalars.spec.kind, scalars.spec.labels, (), samples)
        for name, histograms in self._histograms.items():
            spec = histograms.spec
            samples = [
                Sample(labels, child.sum, child.counts) for labels, child in histograms.children.items()
            ]
            families[name] = FamilyDump(spec.kind, spec.labels, spec.buckets, samples)
        return msgspec.json.encode(Dump(written_at, families))

    def restore(self, data: bytes) -> None:
        """Add the counters and histograms of a predecessor's dump, so that they go on growing; call it once.

        Gauges are not restored: they say what is so now. A family whose declaration has changed since is left out and
        starts at zero, which a scraper sees as a restart. Raises `DumpError` for what is not a dump; nothing
        is added then.
        """
        for name, old in decode(data).families.items():
            scalars = self._scalars.get(name)
            if (
                scalars is not None
                and scalars.spec.kind == "counter"
                and old.fits("counter", scalars.spec.labels, ())
            ):
                for sample in old.samples:
                    scalars.labels(*sample.labels).value += sample.value
            histograms = self._histograms.get(name)
            if histograms is not None and old.fits(
                "histogram", histograms.spec.labels, histograms.spec.buckets
            ):
                for sample in old.samples:
                    child = histograms.labels(*sample.labels)
                    child.counts[:] = map(int.__add__, child.counts, sample.counts)
                    child.sum += sample.value
