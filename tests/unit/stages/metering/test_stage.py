"""What an exchange is counted and charged for."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.config.snapshot import Deployment, Model
from seekgate.pipeline.exchange import Attempt, Exchange
from seekgate.stages.metering.prices import PriceTable, builtin
from seekgate.stages.metering.stage import Metering
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from seekgate.wire.usage import Usage
from tests.support.scene_exchange import exchange

PRICED = Deployment("d", "cloud", "flash", price="deepseek/deepseek-flash")


def settle(x: Exchange) -> Metrics:
    metrics = Metrics(Registry())
    Metering(metrics, PriceTable.load(builtin())).on_end(x)
    return metrics


def answered(**fields: Any) -> Exchange:
    usage = Usage(1000, 50, 1050, 400, 600, 7)
    given: dict[str, Any] = {
        "model": "m",
        "model_entry": Model("m", (0,)),
        "deployment": PRICED,
        "usage": usage,
        "status": 200,
    }
    return exchange(**{**given, "ended_at": 104.0, **fields})


def test_cost_off_peak() -> None:
    x = answered(admitted_at=1_795_520_000.0)  # a Tuesday, 19:33 in Beijing
    metrics = settle(x)
    assert x.cost_micro == (400 * 3_000 + 600 * 150_000 + 50 * 600_000 + 500_000) // 1_000_000
    assert (x.currency, x.peak) == ("USD", False)
    assert x.price_version.startswith("2026-11-24")
    assert metrics.cost.labels("USD", "m", "d").value == x.cost_micro


def test_without_a_price_tokens_are_counted_and_nothing_is_charged() -> None:
    x = answered(deployment=Deployment("d", "cloud", "flash"))
    metrics = settle(x)
    assert (x.cost_micro, x.currency) == (0, "")
    assert metrics.tokens.labels("m", "d", "prompt_miss").value == 600
    assert metrics.tokens.labels("m", "d", "reasoning").value == 7


def test_names_that_clients_invent_are_no_labels() -> None:
    metrics = settle(
        exchange(model="invented", status=404, error_type="unknown_model", error_source="client")
    )
    assert metrics.requests.labels("", "", "", "404").value == 1
    assert metrics.errors.labels("unknown_model", "client").value == 1


def test_the_time_for_each_token() -> None:
    metrics = settle(answered(stream=True, events=50, first_event_at=101.0, last_event_at=103.45))
    assert metrics.ttft.labels("m", "d").sum == 1.0
    assert round(metrics.tpot.labels("m", "d").sum, 6) == 0.05
    assert metrics.duration.labels("m", "d").sum == 4.0


@pytest.mark.parametrize(
    ("events", "last"), [(1, 101.0), (1, 103.0), (50, 101.0), (50, 0.0), (0, 0.0)], ids=str
)
def test_a_stream_without_an_interval_has_no_time_for_each_token(events: int, last: float) -> None:
    metrics = settle(answered(stream=True, events=events, first_event_at=101.0, last_event_at=last))
    tpot = metrics.tpot.labels("m", "d")
    assert (tpot.sum, sum(tpot.counts)) == (0, 0)


def test_attempts_before_the_last_are_retries() -> None:
    attempts = [Attempt("a", 1.0, "connect"), Attempt("a", 2.0, "cut"), Attempt("b", 3.0, "answered")]
    metrics = settle(answered(attempts=attempts))
    found = [metrics.upstream_retries.labels("a", what).value for what in ("connect", "cut")]
    assert found == [1, 1]
    assert metrics.upstream_retries.labels("b", "answered").value == 0
