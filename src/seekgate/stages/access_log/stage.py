"""The access log: one JSON object a request, without bodies and without secrets.

Records are encoded and written in batches by the worker's tick, never on a request's way.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Stage


class Record(msgspec.Struct, gc=False, omit_defaults=True):
    """One line. ``time`` is Unix seconds at admission; ``…_ms`` are durations in milliseconds."""

    time: float
    id: str
    client: str
    method: str
    path: str
    status: int
    outcome: str
    duration_ms: float
    key: str = ""
    model: str = ""
    served_model: str = ""
    deployment: str = ""
    attempts: int = 0
    stream: bool = False
    ttft_ms: float = 0.0
    events: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost_micro: int = 0
    currency: str = ""
    price: str = ""
    peak: bool = False
    finish_reason: str = ""
    fingerprint: str = ""
    upstream_id: str = ""
    error: str = ""
    error_source: str = ""
    traceparent: str = ""


class AccessLog(Stage):
    """Hand a `Record` to ``write`` when an exchange is settled."""

    __slots__ = ("_write",)

    def __init__(self, write: Callable[[Record], None]) -> None:
        self._write = write

    def on_end(self, x: Exchange) -> None:
        """Make the record."""
        request, usage = x.request, x.usage
        path, _, query = request.target.partition(b"?")
        record = Record(
            time=x.admitted_at,
            id=x.id,
            client=x.client,
            method=request.method.decode("latin-1"),
            path=path.decode("latin-1") + ("?…" if query else ""),
            status=x.status,
            outcome=x.outcome,
            duration_ms=round((x.ended_at - x.started_at) * 1000, 3),
            key=x.principal,
            model=x.model,
            served_model=x.served_model,
            deployment=x.deployment.id if x.deployment is not None else "",
            attempts=len(x.attempts),
            stream=x.stream,
            ttft_ms=round((x.first_event_at - x.started_at) * 1000, 3) if x.first_event_at else 0.0,
            events=x.events,
            bytes_in=x.bytes_in,
            bytes_out=x.bytes_out,
            finish_reason=x.finish_reason,
            fingerprint=x.fingerprint,
            upstream_id=x.upstream_id,
            error=x.error_type,
            error_source=x.error_source,
        )
        if usage is not None:
            record.prompt_tokens = usage.prompt
            record.cached_tokens = usage.hit
            record.completion_tokens = usage.completion
            record.reasoning_tokens = usage.reasoning
            record.cost_micro = x.cost_micro
            record.currency = x.currency
            record.price = x.price_version
            record.peak = x.peak
        trace = request.headers.get(b"traceparent")
        if trace is not None:
            record.traceparent = trace.decode("latin-1")
        self._write(record)
