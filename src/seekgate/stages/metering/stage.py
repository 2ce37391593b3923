"""Metering: what an exchange used, what it cost at the instant of its admission, and how long it took."""

from __future__ import annotations

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Stage
from seekgate.stages.metering.prices import PriceTable
from seekgate.telemetry.metrics import Metrics


class Metering(Stage):
    """Set the cost, count into the metrics."""

    __slots__ = ("_metrics", "_prices")

    def __init__(self, metrics: Metrics, prices: PriceTable) -> None:
        self._metrics = metrics
        self._prices = prices

    def on_end(self, x: Exchange) -> None:
        """Settle: once, with everything known."""
        metrics = self._metrics
        deployment = x.deployment
        usage = x.usage
        bundle = metrics.request(
            x.endpoint.route,
            x.model if x.model_entry is not None else "",
            "" if deployment is None else deployment.id,
        )
        ttft = tpot = None
        if x.stream and x.first_event_at:
            ttft = x.first_event_at - x.started_at
            # One event may carry many tokens: then there is no interval to divide.
            if (
                usage is not None
                and usage.completion > 1
                and x.events > 1
                and x.last_event_at > x.first_event_at
            ):
                tpot = (x.last_event_at - x.first_event_at) / (usage.completion - 1)
        bundle.finish(x.status, x.ended_at - x.started_at, x.bytes_in, x.bytes_out, ttft, tpot)
        if usage is not None:
            bundle.usage(usage.hit, usage.miss, usage.completion, usage.reasoning)
            if deployment is not None and deployment.price is not None:
                quote = self._prices.quote(deployment.price, x.admitted_at)
                x.cost_micro = quote.cost(usage.hit, usage.miss, usage.completion)
                x.currency = quote.currency
                x.price_version = quote.version
                x.peak = quote.peak
                bundle.spend(quote.currency, x.cost_micro)
        if x.error_type:
            metrics.errors.labels(x.error_type, x.error_source).value += 1
        if len(x.attempts) > 1:
            for attempt in x.attempts[:-1]:
                metrics.upstream_retries.labels(attempt.deployment, attempt.outcome).value += 1
