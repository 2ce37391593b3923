"""What became of an exchange: whose fault an answer is, and what can be read from it for the bill."""

from __future__ import annotations

from seekgate.pipeline.exchange import Exchange
from seekgate.wire import errors, usage
from seekgate.wire.sse import StreamReader

# Another deployment may do better; the first three are our account's trouble and never the caller's.
RETRY_ELSEWHERE = frozenset((401, 402, 403, 429, 500, 502, 503, 504))
ACCOUNT_TROUBLE = frozenset((401, 402, 403))
# The upstream read the caller's body and refused it. (404 and 415 would be about our path and our headers.)
CALLERS_FAULT = frozenset((400, 413, 422))
# Usage stands at the end of a plain answer: of a large one only this much is kept to look for it.
TAIL_BYTES = 262_144


def judge(x: Exchange) -> None:
    """The whole answer has been passed on: was it one?"""
    if x.status < 400:
        x.outcome = "answered"
    else:
        x.outcome = "failed"
        x.error_type = "upstream_status"
        x.error_source = "client" if x.status in CALLERS_FAULT else "upstream"


def read_usage(x: Exchange, events: StreamReader | None, tail: list[bytes]) -> None:
    """Fill usage, model, fingerprint and finish reason: of a stream from its reader, of a plain answer from its end."""
    if events is not None:
        x.events = events.events
        x.usage = events.usage
        x.served_model, x.fingerprint, x.finish_reason = (
            events.model,
            events.fingerprint,
            events.finish_reason,
        )
        if events.failed and not x.error_type:
            x.error_type, x.error_source = errors.UPSTREAM_FAILED.name, "upstream"
    elif tail and x.status == 200:
        body = tail[0] if len(tail) == 1 else b"".join(tail)
        if x.bytes_out <= TAIL_BYTES:
            x.usage, x.served_model, x.fingerprint, x.finish_reason = usage.from_body(body)
        else:
            x.usage = usage.from_tail(body)


def account_trouble(status: int) -> str:
    """What the client is told when the provider refuses the gateway's account."""
    what = "reports an empty balance" if status == 402 else "does not accept the gateway's credentials"
    return f"The provider {what}. This is the gateway's account, not your key; its operator has to mend it."
