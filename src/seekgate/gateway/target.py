"""A deployment as the relay uses it: where to send, and the bytes of the request that never change."""

from __future__ import annotations

import msgspec

from seekgate import __version__
from seekgate.config.snapshot import Deployment, Provider
from seekgate.gateway.pool import Pool
from seekgate.pipeline.exchange import Endpoint, Exchange
from seekgate.wire import jsonspan

# Headers of the client that an upstream may see. All others stay here: they carry the client's credentials for this
# gateway, describe its machine, or would change the meaning of the request.
PASSED = (b"accept", b"traceparent", b"tracestate", b"openai-beta", b"idempotency-key")


class Target:
    """One deployment, for one worker and one snapshot."""

    __slots__ = (
        "_prefixes",
        "deployment",
        "first_event",
        "name_json",
        "passed",
        "pool",
        "provider",
        "secret",
    )

    def __init__(self, deployment: Deployment, provider: Provider, pool: Pool, secret: str | None) -> None:
        self.deployment = deployment
        self.provider = provider
        self.first_event = provider.timeouts.first_event
        self.pool = pool
        self.secret = secret
        self.name_json = msgspec.json.encode(deployment.model)
        self.passed = PASSED + tuple(name.lower().encode() for name in provider.forward_headers)
        self._prefixes: dict[tuple[str, bool], bytes] = {}

    def authenticate(self, secret: str) -> None:
        """Use another bearer token from now on (an engine has a new one at each start)."""
        self.secret = secret
        self._prefixes = {}

    def head(self, x: Exchange, length: int) -> bytes:
        """The request head for this exchange, with the empty line."""
        endpoint, headers = x.endpoint, x.request.headers
        try:
            prefix = self._prefixes[endpoint.suffix, endpoint.beta]
        except KeyError:
            prefix = self._prefixes[endpoint.suffix, endpoint.beta] = self._fixed(endpoint)
        for name in self.passed:
            if name in headers:
                prefix += b"%b: %b\r\n" % (name, headers[name])
        return b"%bX-Request-Id: %b\r\nContent-Length: %d\r\n\r\n" % (prefix, x.id.encode(), length)

    def _fixed(self, endpoint: Endpoint) -> bytes:
        provider = self.provider
        base = provider.path
        # DeepSeek serves fill-in-the-middle below /beta only, whatever base the client used.
        if provider.beta_path is not None and (endpoint.beta or endpoint.operation == "completions"):
            base = provider.beta_path
        default = 443 if provider.scheme == "https" else 80
        host = f"[{provider.host}]" if ":" in provider.host else provider.host or "localhost"
        authority = host if provider.port == default else f"{host}:{provider.port}"
        lines = [
            f"POST {base}{endpoint.suffix} HTTP/1.1",
            f"Host: {authority}",
            "Content-Type: application/json",
            "Accept-Encoding: identity",
            f"User-Agent: seekgate/{__version__}",
        ]
        if self.secret:
            lines.append(f"Authorization: Bearer {self.secret}")
        return ("\r\n".join(lines) + "\r\n").encode("latin-1")

    def body(self, x: Exchange) -> bytes:
        """The request body: as it came, but for the model's name and a request for usage, each by its bytes."""
        body = x.request.body
        if x.model != self.deployment.model:
            body = jsonspan.set_member(body, "model", self.name_json, unique=True)
        if x.stream and not x.asked_usage and self.provider.asks_usage:
            options = dict(x.tree.get("stream_options") or {})
            options["include_usage"] = True
            body = jsonspan.set_member(body, "stream_options", msgspec.json.encode(options))
        return body
