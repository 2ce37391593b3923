"""Every metric of SeekGate, declared once. `docs/reference/metrics.md` is written from here (`reference.py`).

Names follow https://prometheus.io/docs/practices/naming/: base units, ``_total`` for counters. Labels hold names from
the configuration, status codes and fixed words, never anything that a client invents.
"""

from __future__ import annotations

from bisect import bisect_left

from seekgate.telemetry.registry import Counter, Registry, Spec

_DURATION = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_TTFT = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
_TPOT = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.04, 0.06, 0.1, 0.15, 0.25, 0.5, 1.0)
_WAIT = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
_TARGET = ("model", "deployment")

REQUESTS = Spec(
    "seekgate_requests_total",
    "counter",
    "Requests answered, by the status code that the client saw; 499 when the client left before its answer.",
    ("route", "model", "deployment", "code"),
    limit=5000,
)
ERRORS = Spec(
    "seekgate_errors_total",
    "counter",
    "Requests that ended in an error, by its type and by whose it is: client, upstream or gateway.",
    ("type", "source"),
    limit=200,
)
REJECTED = Spec(
    "seekgate_rejected_total",
    "counter",
    "Connections and requests refused before they reached a model, by reason.",
    ("reason",),
    limit=200,
)
DURATION = Spec(
    "seekgate_request_duration_seconds",
    "histogram",
    "From the first byte of a request to the last byte of its answer.",
    _TARGET,
    "seconds",
    _DURATION,
)
TTFT = Spec(
    "seekgate_time_to_first_token_seconds",
    "histogram",
    "Streams: from the admission of the request to the first event with content; comments do not count.",
    _TARGET,
    "seconds",
    _TTFT,
)
TPOT = Spec(
    "seekgate_time_per_output_token_seconds",
    "histogram",
    "Streams: time between the first and the last token, for each output token after the first.",
    _TARGET,
    "seconds",
    _TPOT,
)
REQUEST_BYTES = Spec(
    "seekgate_request_body_bytes_total", "counter", "Bytes of request bodies.", _TARGET, "bytes"
)
RESPONSE_BYTES = Spec(
    "seekgate_response_body_bytes_total", "counter", "Bytes of the bodies of answers.", _TARGET, "bytes"
)
TOKENS = Spec(
    "seekgate_tokens_total",
    "counter",
    "Tokens as the upstream reported them. Kinds: prompt_hit, prompt_miss, completion, and reasoning, which is a part"
    " of completion: leave it out of a sum.",
    (*_TARGET, "kind"),
    limit=4000,
)
COST = Spec(
    "seekgate_cost_micro_total",
    "counter",
    "Cost of finished requests in millionths of the currency, at the price of the instant of admission.",
    ("currency", *_TARGET),
)
UPSTREAM_RETRIES = Spec(
    "seekgate_upstream_retries_total",
    "counter",
    "Attempts after the first one, by the deployment that failed and by reason.",
    ("deployment", "reason"),
)
QUOTA_REFUSALS = Spec(
    "seekgate_quota_refusals_total",
    "counter",
    "Requests refused for a limit, by whose limit it is and by what it counts; both empty where limits could not be"
    " checked.",
    ("scope", "unit"),
)
QUOTA_CALLS = Spec(
    "seekgate_quota_calls_total",
    "counter",
    "Calls to the Valkey that limits are shared by. Results: ok, late (no answer within the budget), error.",
    ("result",),
)
QUOTA_OUTAGE = Spec(
    "seekgate_quota_outage",
    "gauge",
    "1 while limits cannot be shared because Valkey does not answer, else 0.",
    merge="max",
)
QUOTA_WAITING = Spec(
    "seekgate_quota_queue_waiting",
    "gauge",
    "Requests that wait for a slot of a provider's account.",
    ("provider",),
)
QUOTA_QUEUED = Spec(
    "seekgate_quota_queue_results_total",
    "counter",
    "Requests for which a provider's account had no slot. Results: granted (after waiting), full (no place to wait),"
    " late (waited too long), left (the client did, while waiting).",
    ("provider", "result"),
)
QUOTA_WAIT = Spec(
    "seekgate_quota_queue_wait_seconds", "histogram",
    "How long requests waited for a slot of a provider's account, served or not.", ("provider",), "seconds", _WAIT,
)  # fmt: skip
GUARD_FINDINGS = Spec(
    "seekgate_guard_findings_total",
    "counter",
    "What the guard found, by check (list, injection, shape, moderation) and by what was done: block, report.",
    ("check", "action"),
)
CONNECTIONS = Spec("seekgate_connections", "gauge", "Open connections from clients.")
CONNECTIONS_ACCEPTED = Spec(
    "seekgate_connections_accepted_total", "counter", "Connections accepted from clients."
)
TLS_HANDSHAKES = Spec(
    "seekgate_tls_handshakes_total",
    "counter",
    "TLS handshakes with clients. Results: ok; refused by us for the client's certificate: no_certificate, untrusted,"
    " not_yet_valid, expired, revoked, no_revocation_list, unverified; client_refused (by the client, for ours);"
    " protocol (no version or cipher in common, or no TLS at all); timeout; left; crowded (too many at once).",
    ("result",),
)
TLS_HANDSHAKING = Spec("seekgate_tls_handshakes_in_progress", "gauge", "TLS handshakes under way.")
TLS_EXPIRY = Spec(
    "seekgate_tls_expiry_timestamp_seconds",
    "gauge",
    "Unix time at which the first part of a listener's file expires. Files: certificate, client_ca, crl.",
    ("listener", "file"),
    "seconds",
    merge="max",
)
IN_FLIGHT = Spec("seekgate_requests_in_flight", "gauge", "Requests admitted and not yet finished.")
UPSTREAM_CONNECTIONS = Spec(
    "seekgate_upstream_connections",
    "gauge",
    "Open connections to a provider. States: busy, idle.",
    ("provider", "state"),
)
UPSTREAM_CONNECTS = Spec(
    "seekgate_upstream_connects_total",
    "counter",
    "Attempts to connect to a provider. Results: ok, error.",
    ("provider", "result"),
)
PRICE_CALENDAR_EXPIRED = Spec(
    "seekgate_price_calendar_expired",
    "gauge",
    "1 when the holidays of a price schedule are no longer known, so that holidays are charged as peak; else 0.",
    merge="max",
)
SNAPSHOT = Spec(
    "seekgate_snapshot_number", "gauge", "Number of the configuration in force.", ("worker",), merge="max"
)
ROWS_NUMBER = Spec(
    "seekgate_rows_change_number",
    "gauge",
    "Number of the newest change of rows (keys, roles, limits) that the worker knows.",
    ("worker",),
    merge="max",
)
KEYS = Spec("seekgate_keys", "gauge", "Keys of the database that workers know.", merge="max")
KEY_SETS_FAILING = Spec(
    "seekgate_key_set_failing",
    "gauge",
    "1 while the key set of an issuer of tokens cannot be fetched by some worker; else 0.",
    ("issuer",),
    merge="max",
)
SNAPSHOT_LOADS = Spec(
    "seekgate_snapshot_loads_total",
    "counter",
    "Attempts to load a configuration snapshot. Results: loaded, rejected.",
    ("result",),
)
AUDIT_FAILING = Spec(
    "seekgate_audit_failing", "gauge", "Workers whose audit records cannot be written at the moment."
)
AUDIT_ERRORS = Spec(
    "seekgate_audit_write_errors_total", "counter", "Failed attempts to write or to sync the audit journal."
)
AUDIT_LOST = Spec(
    "seekgate_audit_lost_records_total",
    "counter",
    "Audit records that were given up: they could not be written, and no more could be kept.",
)
AUDIT_ABANDONED = Spec(
    "seekgate_audit_abandoned_total",
    "counter",
    "Requests that a worker left open when it died, recorded as abandoned by the next one.",
)
ACCESS_LOG_LOST = Spec(
    "seekgate_access_log_lost_lines_total",
    "counter",
    "Lines of the access log that were lost because its reader, or its disk, did not take them.",
)
LOOP_LAG = Spec(
    "seekgate_event_loop_lag_seconds",
    "gauge",
    "Longest delay of a due timer on the worker's event loop since the last measurement.",
    ("worker",),
    "seconds",
    merge="max",
)
PROCESS_CPU = Spec(
    "seekgate_process_cpu_seconds_total",
    "counter",
    "User and system CPU time of the worker, its predecessors in the slot included.",
    ("worker",),
    "seconds",
)
PROCESS_MEMORY = Spec(
    "seekgate_process_resident_memory_bytes",
    "gauge",
    "Resident memory of the worker (Linux).",
    ("worker",),
    "bytes",
    merge="max",
)
PROCESS_FDS = Spec(
    "seekgate_process_open_fds",
    "gauge",
    "Open file descriptors of the worker (Linux 6.2 and later).",
    ("worker",),
    merge="max",
)
PROCESS_START = Spec(
    "seekgate_process_start_time_seconds",
    "gauge",
    "Unix time at which the worker started.",
    ("worker",),
    "seconds",
    merge="max",
)
DUMPS_UNREADABLE = Spec(
    "seekgate_metrics_dumps_unreadable", "gauge", "Workers whose metrics could not be read for this scrape."
)

SPECS = (
    REQUESTS, ERRORS, REJECTED, DURATION, TTFT, TPOT, REQUEST_BYTES, RESPONSE_BYTES, TOKENS, COST, IN_FLIGHT,
    CONNECTIONS, CONNECTIONS_ACCEPTED, TLS_HANDSHAKES, TLS_HANDSHAKING, TLS_EXPIRY, UPSTREAM_CONNECTIONS,
    UPSTREAM_CONNECTS, UPSTREAM_RETRIES, SNAPSHOT, SNAPSHOT_LOADS, PRICE_CALENDAR_EXPIRED, AUDIT_FAILING, AUDIT_ERRORS,
    AUDIT_LOST, AUDIT_ABANDONED, ACCESS_LOG_LOST,
    LOOP_LAG, PROCESS_CPU, PROCESS_MEMORY, PROCESS_FDS, PROCESS_START, DUMPS_UNREADABLE, QUOTA_REFUSALS,
    QUOTA_CALLS, QUOTA_OUTAGE, QUOTA_WAITING, QUOTA_QUEUED, QUOTA_WAIT, GUARD_FINDINGS,
    ROWS_NUMBER, KEYS, KEY_SETS_FAILING,
)  # fmt: skip
"""All of them, in the order of the reference page and of the exposition."""

_BUNDLES = 4096


class Metrics:
    """A worker's metrics. Those with labels are families; those without are the child itself."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.requests = registry.counter(REQUESTS)
        self.errors = registry.counter(ERRORS)
        self.rejected = registry.counter(REJECTED)
        self.duration = registry.histogram(DURATION)
        self.ttft = registry.histogram(TTFT)
        self.tpot = registry.histogram(TPOT)
        self.request_bytes = registry.counter(REQUEST_BYTES)
        self.response_bytes = registry.counter(RESPONSE_BYTES)
        self.tokens = registry.counter(TOKENS)
        self.cost = registry.counter(COST)
        self.in_flight = registry.gauge(IN_FLIGHT).labels()
        self.quota_refusals = registry.counter(QUOTA_REFUSALS)
        self.quota_calls = registry.counter(QUOTA_CALLS)
        self.quota_outage = registry.gauge(QUOTA_OUTAGE).labels()
        self.quota_waiting = registry.gauge(QUOTA_WAITING)
        self.quota_queued = registry.counter(QUOTA_QUEUED)
        self.quota_wait = registry.histogram(QUOTA_WAIT)
        self.guard_findings = registry.counter(GUARD_FINDINGS)
        self.connections = registry.gauge(CONNECTIONS).labels()
        self.connections_accepted = registry.counter(CONNECTIONS_ACCEPTED).labels()
        self.tls_handshakes = registry.counter(TLS_HANDSHAKES)
        self.tls_handshaking = registry.gauge(TLS_HANDSHAKING).labels()
        self.tls_expiry = registry.gauge(TLS_EXPIRY)
        self.upstream_connections = registry.gauge(UPSTREAM_CONNECTIONS)
        self.upstream_connects = registry.counter(UPSTREAM_CONNECTS)
        self.upstream_retries = registry.counter(UPSTREAM_RETRIES)
        self.snapshot_number = registry.gauge(SNAPSHOT)
        self.rows_number = registry.gauge(ROWS_NUMBER)
        self.keys = registry.gauge(KEYS).labels()
        self.key_sets_failing = registry.gauge(KEY_SETS_FAILING)
        self.snapshot_loads = registry.counter(SNAPSHOT_LOADS)
        self.price_calendar_expired = registry.gauge(PRICE_CALENDAR_EXPIRED).labels()
        self.access_log_lost = registry.counter(ACCESS_LOG_LOST).labels()
        self.audit_failing = registry.gauge(AUDIT_FAILING).labels()
        self.audit_errors = registry.counter(AUDIT_ERRORS).labels()
        self.audit_lost = registry.counter(AUDIT_LOST).labels()
        self.audit_abandoned = registry.counter(AUDIT_ABANDONED).labels()
        self.loop_lag = registry.gauge(LOOP_LAG)
        self.process_cpu = registry.counter(PROCESS_CPU)
        self.process_memory = registry.gauge(PROCESS_MEMORY)
        self.process_fds = registry.gauge(PROCESS_FDS)
        self.process_start = registry.gauge(PROCESS_START)
        self._bundles: dict[tuple[str, str, str], RequestMetrics] = {}

    def request(self, route: str, model: str, deployment: str) -> RequestMetrics:
        """The children that a request on this route, model and deployment counts into; "" for what it never had."""
        target = (route, model, deployment)
        bundle = self._bundles.get(target)
        if bundle is None:
            bundle = RequestMetrics(self, route, model, deployment)
            if (
                len(self._bundles) < _BUNDLES
            ):  # past it labels are __other__ anyway, and the map must not grow
                self._bundles[target] = bundle
        return bundle


class RequestMetrics:
    """The children for one (route, model, deployment), looked up once."""

    __slots__ = (
        "_codes", "_completion", "_costs", "_duration", "_hit", "_labels", "_metrics", "_miss", "_reasoning",
        "_request_bytes", "_response_bytes", "_tpot", "_ttft",
    )  # fmt: skip

    def __init__(self, metrics: Metrics, route: str, model: str, deployment: str) -> None:
        self._metrics = metrics
        self._labels = (route, model, deployment)
        self._codes: dict[int, Counter] = {}
        self._costs: dict[str, Counter] = {}
        self._duration = metrics.duration.labels(model, deployment)
        self._ttft = metrics.ttft.labels(model, deployment)
        self._tpot = metrics.tpot.labels(model, deployment)
        self._request_bytes = metrics.request_bytes.labels(model, deployment)
        self._response_bytes = metrics.response_bytes.labels(model, deployment)
        self._hit = metrics.tokens.labels(model, deployment, "prompt_hit")
        self._miss = metrics.tokens.labels(model, deployment, "prompt_miss")
        self._completion = metrics.tokens.labels(model, deployment, "completion")
        self._reasoning = metrics.tokens.labels(model, deployment, "reasoning")

    def finish(
        self,
        code: int,
        seconds: float,
        request_bytes: int,
        response_bytes: int,
        ttft: float | None = None,
        tpot: float | None = None,
    ) -> None:
        """Count one finished request: status code, whole duration, body sizes, and a stream's two latencies."""
        # The body of `Histogram.observe` is written out: the call would cost as much as the rest.
        try:
            self._codes[code].value += 1
        except KeyError:
            self._code(code).value += 1
        histogram = self._duration
        histogram.counts[bisect_left(histogram.bounds, seconds)] += 1
        histogram.sum += seconds
        self._request_bytes.value += request_bytes
        self._response_bytes.value += response_bytes
        if ttft is not None:
            self._ttft.observe(ttft)
        if tpot is not None:
            self._tpot.observe(tpot)

    def usage(self, hit: int, miss: int, completion: int, reasoning: int) -> None:
        """Count the tokens that the upstream reported; ``reasoning`` is a part of ``completion``."""
        self._hit.value += hit
        self._miss.value += miss
        self._completion.value += completion
        self._reasoning.value += reasoning

    def spend(self, currency: str, micro: int) -> None:
        """Count a cost in micro-units of ``currency``."""
        child = self._costs.get(currency)
        if child is None:
            child = self._costs[currency] = self._metrics.cost.labels(currency, *self._labels[1:])
        child.value += micro

    def _code(self, code: int) -> Counter:
        child = self._codes[code] = self._metrics.requests.labels(*self._labels, str(code))
        return child
