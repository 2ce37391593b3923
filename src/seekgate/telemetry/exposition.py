"""Prometheus and OpenMetrics text, written by the `prometheus_client` library from merged families.

Import this module only where a scrape is answered: the library costs about 0.1 s and 15 MB. The formats are
https://prometheus.io/docs/instrumenting/exposition_formats/ and OpenMetrics 1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from seekgate.telemetry.merge import MergedFamily


class _Merged(Collector):
    def __init__(self, families: Sequence[MergedFamily]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return map(_metric, self._families)


def render(families: Sequence[MergedFamily], accept: str) -> tuple[bytes, str]:
    """The body and its content type: OpenMetrics when the ``Accept`` header asks for it, else Prometheus text 0.0.4."""
    encode, content_type = choose_encoder(accept)
    return encode(_Merged(families)), content_type


def _metric(family: MergedFamily) -> Metric:
    spec = family.spec
    if spec.kind == "histogram":
        bounds = [*map(floatToGoString, spec.buckets), "+Inf"]
        histogram = HistogramMetricFamily(spec.name, spec.help, labels=spec.labels, unit=spec.unit)
        for labels, sample in family.samples.items():
            buckets = list(zip(bounds, accumulate(sample.counts), strict=True))
            histogram.add_metric(labels, buckets, sample.value)
        return histogram
    metric: CounterMetricFamily | GaugeMetricFamily
    if spec.kind == "counter":
        metric = CounterMetricFamily(spec.name, spec.help, labels=spec.labels)
    else:
        metric = GaugeMetricFamily(spec.name, spec.help, labels=spec.labels)
    metric.unit = spec.unit
    for labels, sample in family.samples.items():
        metric.add_metric(labels, sample.value)
    return metric
