"""The access log: one JSON object a request, without bodies and without secrets.

Records are encoded and written in batches by the worker's tick, never on a request's way.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from seekgate.pipeline.exchange import Endpoint, Exchange
from seekgate.pipeline.stage import Stage
from seekgate.wire import shown

# As the W3C's Trace Context, version 00, has it: anything else may be anything.
_TRACE = re.compile(b"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}").fullmatch


class Record(msgspec.Struct, gc=False, omit_defaults=True):
    """One line. ``time`` is Unix seconds at admission; ``…_us`` are durations in microseconds."""

    time: float
    id: str
    client: str
    method: str
    path: str
    status: int
    outcome: str
    duration_us: int
    key: str = ""
    model: str = ""
    deployment: str = ""
    attempts: int = 0
    stream: bool = False
    ttft_us: int = 0
    events: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    served_model: str | None = None
    fingerprint: str | None = None
    finish_reason: str | None = None
    upstream_id: str = ""
    error: str = ""
    error_source: str = ""
    traceparent: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost_micro: int = 0
    currency: str = ""
    price: str = ""
    peak: bool = False


class AccessLog(Stage):
    """Hand a `Record` to ``write`` when an exchange is settled."""

    __slots__ = ("_paths", "_write")

    def __init__(self, write: Callable[[Record], None]) -> None:
        self._write = write
        self._paths: dict[bytes, str] = {}

    def on_end(self, x: Exchange) -> None:
        """Make the record. Positional, because keywords would double its cost: keep to the order of `Record`."""
        request, usage, started = x.request, x.usage, x.started_at
        record = Record(
            x.admitted_at,
            x.id,
            x.client,
            "POST" if request.method == b"POST" else request.method.decode("latin-1"),
            self._paths.get(request.target) or self._path(request.target, x.endpoint),
            x.status,
            x.outcome,
            int((x.ended_at - started) * 1e6),
            x.principal.name,
            x.model if x.model_entry is not None else shown.name(x.model),
            "" if x.deployment is None else x.deployment.id,
            len(x.attempts),
            x.stream,
            int((x.first_event_at - started) * 1e6) if x.first_event_at else 0,
            x.events,
            x.bytes_in,
            x.bytes_out,
            x.served_model,
            x.fingerprint,
            x.finish_reason,
            x.upstream_id,
        )
        if x.error_type:
            record.error = x.error_type
            record.error_source = x.error_source
        trace = request.headers.get(b"traceparent")
        if trace is not None and _TRACE(trace):
            record.traceparent = trace.decode("latin-1")
        if usage is not None:
            record.prompt_tokens = usage.prompt
            record.cached_tokens = usage.hit
            record.completion_tokens = usage.completion
            record.reasoning_tokens = usage.reasoning
            if x.currency:
                record.cost_micro = x.cost_micro
                record.currency = x.currency
                record.price = x.price_version
                record.peak = x.peak
        self._write(record)

    def _path(self, target: bytes, endpoint: Endpoint) -> str:
        """The path as text, without its query and, unless it is served, what does not look like a name: both may hold
        anything. Paths that are served are few: remembered."""
        path, _, query = target.partition(b"?")
        text = path.decode("latin-1")
        served = endpoint.suffix and not endpoint.model
        text = (text if served else shown.path(text)) + ("?…" if query else "")
        if len(self._paths) < 256:
            self._paths[target] = text
        return text
