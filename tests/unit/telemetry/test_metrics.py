"""The declarations keep Prometheus' naming rules, and a request counts into every child it should."""

import re

import pytest

from seekgate.telemetry.metrics import DUMPS_UNREADABLE, SPECS, Metrics
from seekgate.telemetry.registry import OTHER, Registry, Spec
from seekgate.telemetry.scrape import scrape


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_naming(spec: Spec) -> None:
    assert re.fullmatch(r"seekgate_[a-z0-9]+(_[a-z0-9]+)*", spec.name)
    assert spec.name.endswith("_total") is (spec.kind == "counter")
    base = spec.name.removesuffix("_total")
    assert not spec.unit or base.endswith(f"_{spec.unit}")
    assert spec.unit or not base.endswith(("_seconds", "_bytes"))
    assert spec.help.endswith(".")
    assert "\n" not in spec.help
    assert bool(spec.buckets) is (spec.kind == "histogram")
    assert list(spec.buckets) == sorted(set(spec.buckets))
    assert not {"le", "quantile", "job", "instance"} & set(spec.labels)
    assert len(set(spec.labels)) == len(spec.labels)


def test_names_are_unique() -> None:
    assert len({spec.name for spec in SPECS}) == len(SPECS)


def test_every_declared_metric_is_registered() -> None:
    registry = Registry()
    Metrics(registry)
    dumped = registry.dump().decode()
    for spec in SPECS:
        # The one that only the scrape itself can know has no worker.
        assert (f'"{spec.name}"' in dumped) is (spec is not DUMPS_UNREADABLE)


def test_a_stream_counts_everywhere() -> None:
    metrics = Metrics(Registry())
    request = metrics.request("/v1", "flash", "ds")
    request.finish(200, 0.25, 100, 2000, 0.05, 0.01)
    request.usage(10, 20, 30, 7)
    request.spend("USD", 1234)
    request.spend("USD", 6)
    text = scrape([metrics.registry.dump()])[0].decode()
    for line in (
        'seekgate_requests_total{code="200",deployment="ds",model="flash",route="/v1"} 1.0',
        'seekgate_request_duration_seconds_bucket{deployment="ds",le="0.1",model="flash"} 0.0',
        'seekgate_request_duration_seconds_bucket{deployment="ds",le="0.25",model="flash"} 1.0',
        'seekgate_request_duration_seconds_sum{deployment="ds",model="flash"} 0.25',
        'seekgate_time_to_first_token_seconds_sum{deployment="ds",model="flash"} 0.05',
        'seekgate_time_per_output_token_seconds_sum{deployment="ds",model="flash"} 0.01',
        'seekgate_request_body_bytes_total{deployment="ds",model="flash"} 100.0',
        'seekgate_response_body_bytes_total{deployment="ds",model="flash"} 2000.0',
        'seekgate_tokens_total{deployment="ds",kind="prompt_hit",model="flash"} 10.0',
        'seekgate_tokens_total{deployment="ds",kind="prompt_miss",model="flash"} 20.0',
        'seekgate_tokens_total{deployment="ds",kind="completion",model="flash"} 30.0',
        'seekgate_tokens_total{deployment="ds",kind="reasoning",model="flash"} 7.0',
        'seekgate_cost_micro_total{currency="USD",deployment="ds",model="flash"} 1240.0',
    ):
        assert f"{line}\n" in text


def test_an_answer_that_is_no_stream_has_no_token_latencies() -> None:
    metrics = Metrics(Registry())
    metrics.request("", "", "").finish(404, 0.01, 0, 100)
    assert sum(metrics.ttft.labels("", "").counts) == 0
    assert sum(metrics.tpot.labels("", "").counts) == 0
    assert metrics.requests.labels("", "", "", "404").value == 1


def test_finish_counts_into_the_same_buckets_as_observe() -> None:
    metrics = Metrics(Registry())
    inlined, plain = metrics.duration.labels("m", "d"), metrics.duration.labels("x", "x")
    request = metrics.request("/v1", "m", "d")
    for bound in (*inlined.bounds, 0.0, 1e9):
        for value in (bound, bound * 1.01):
            request.finish(200, value, 0, 0)
            plain.observe(value)
    assert inlined.counts == plain.counts
    assert inlined.sum == plain.sum


def test_the_bundle_is_kept() -> None:
    metrics = Metrics(Registry())
    assert metrics.request("/v1", "m", "d") is metrics.request("/v1", "m", "d")


def test_bundles_and_labels_stay_bounded() -> None:
    metrics = Metrics(Registry())
    for number in range(5_000):
        metrics.request("/v1", f"model-{number}", "d").finish(200, 0.1, 1, 1)
    assert len(metrics._bundles) == 4096
    assert len(metrics.duration.children) == metrics.duration.spec.limit + 1
    assert sum(metrics.duration.labels(OTHER, OTHER).counts) == 5_000 - metrics.duration.spec.limit
    assert sum(child.value for child in metrics.requests.children.values()) == 5_000
