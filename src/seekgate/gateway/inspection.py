"""Answers that stages look at: plain ones are collected and shown whole, streams event by event.

A stage asked for it by setting ``x.inspected``; all other answers never come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seekgate.gateway.head import Head, make_head
from seekgate.gateway.outcome import judge
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.pipeline import Pipeline
from seekgate.pipeline.stage import Reply
from seekgate.wire import errors, usage

if TYPE_CHECKING:
    from seekgate.gateway.relay import Relay
    from seekgate.gateway.upstream import Upstream

# Bytes of a plain answer that can be looked into: it is held in memory until it is whole.
MAX_COLLECTED = 67_108_864


def collect(relay: Relay, up: Upstream, head: Head, now: float) -> None:
    """More of a plain answer has come. When it is whole it is shown to the stages, and sent."""
    x = relay.x
    parts, up.parts = up.parts, []
    if parts:
        x.last_event_at = now
        if not x.first_event_at and not all(part.isspace() for part in parts):
            relay.first_event(now)
        if relay.down.writable:
            up.deadline = now + up.pool.idle_timeout
        relay.tail += parts
        relay.tail_bytes += sum(len(part) for part in parts)
        if relay.tail_bytes > MAX_COLLECTED:
            relay.cancel(up)
            relay.fail(errors.UPSTREAM_INVALID, "The upstream's answer is too large to be looked into.")
            return
    if up.complete:
        conclude_collected(relay, up, now)


def conclude_collected(relay: Relay, up: Upstream, now: float) -> None:
    """A plain answer is whole: show it to the stages, then send what they made of it, with its new length."""
    x = relay.x
    body = b"".join(relay.tail)
    passed = relay.world.pipeline.chunk(x, body)
    if isinstance(passed, Reply):
        relay.stage_failed(up, passed)
        return
    if x.stop is not None:
        relay.cancel(up)
        relay.fail(x.stop.error, x.stop.message)
        return
    if up.complete:
        up.end(now)
    relay.end_attempt("answered")
    if x.status == 200:
        x.usage, x.served_model, x.fingerprint, x.finish_reason = usage.from_body(body)
    up.length = b"%d" % len(passed)
    head = make_head(up, x, relay.front.draining)
    x.committed = True
    x.bytes_out = len(passed)
    judge(x)
    relay.settle(head.data + passed, head.keep_alive, now)


def inspect(relay: Relay, up: Upstream, head: Head, data: bytes) -> bytes | None:
    """Show whole events to the stages; what goes out instead. None: the answer has been ended."""
    x, events = relay.x, relay.events
    if events is not None and events.spilling:
        relay.cancel(up)
        relay.fail(errors.UPSTREAM_INVALID, "The upstream sent an event too large to be looked into.")
        return None
    if not data:
        return data
    passed = relay.world.pipeline.chunk(x, data)
    if isinstance(passed, Reply):
        relay.stage_failed(up, passed)
        return None
    stop = x.stop
    if stop is None:
        return passed
    relay.cancel(up)
    if passed:
        first = b"" if x.committed else head.data
        x.committed = True
        x.bytes_out += len(passed)
        relay.down.write(first + head.frame(passed))
    relay.fail(stop.error, stop.message)
    return None


def inspect_last(x: Exchange, pipeline: Pipeline) -> bytes:
    """What stages still hold of a stream that has ended. A stage that fails here has been reported, and has nothing."""
    held = pipeline.last(x)
    return b"" if isinstance(held, Reply) else held
