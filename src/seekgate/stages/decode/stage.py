"""Decode: what the body asks for.

It comes after identity, so that nobody unknown makes the gateway parse. A body that could be read in two ways
(duplicate keys, a content encoding) is refused: what later stages read must be what the upstream reads.
"""

from __future__ import annotations

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Verdict
from seekgate.wire import errors
from seekgate.wire.envelope import read
from seekgate.wire.errors import Refusal


class Decode(Stage):
    """Fill ``tree``, ``model``, ``stream`` and ``asked_usage``."""

    def on_request(self, x: Exchange) -> Verdict:
        """Refuse a body that cannot be understood in exactly one way."""
        if x.endpoint.operation == "models":
            return None
        encoding = x.request.headers.get(b"content-encoding")
        if encoding is not None and encoding.lower() != b"identity":
            return Reply(
                error=errors.UNSUPPORTED_ENCODING,
                message="Send the body without Content-Encoding: the gateway reads what it forwards.",
            )
        envelope = read(x.request.body)
        if isinstance(envelope, Refusal):
            return Reply(error=envelope.kind, message=envelope.message, param=envelope.param)
        x.tree, x.model, x.stream, x.asked_usage = envelope
        return None
