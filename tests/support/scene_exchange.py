"""An Exchange as the front makes it, for tests of single stages."""

from __future__ import annotations

from typing import Any

from seekgate.pipeline.exchange import Endpoint, Exchange
from seekgate.wire.message import Request

CHAT = Endpoint("chat", "/chat/completions")


def exchange(
    body: bytes = b"", headers: dict[bytes, bytes] | None = None, endpoint: Endpoint = CHAT, **fields: Any
) -> Exchange:
    """A request that was just admitted from 192.0.2.1; ``fields`` are set on its Exchange."""
    request = Request(b"POST", b"/v1/chat/completions", headers or {}, body, True, False)
    x = Exchange(request, endpoint, "req_1", "192.0.2.1", 100.0, 1_780_000_000.0)
    for name, value in fields.items():
        setattr(x, name, value)
    return x
