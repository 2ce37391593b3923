"""Short ways for what most answers are. They do what `Relay` does, with fewer steps, and leave to it all else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seekgate.gateway.head import Head, whole_head
from seekgate.gateway.inspection import inspect
from seekgate.wire import usage
from seekgate.wire.sse import StreamReader

if TYPE_CHECKING:
    from seekgate.gateway.relay import Relay
    from seekgate.gateway.upstream import Upstream


def take_whole(relay: Relay, up: Upstream, now: float) -> bool:
    """What most answers are: good, plain, and all there in one read. False: this one is something else."""
    x = relay.x
    world = relay.world
    request = x.request
    parts = up.parts
    if up.status != 200 or up.events or up.length is None or len(parts) != 1 or x.committed:
        return False
    if request.http_1_0 or x.inspected:
        return False
    front, down, data = relay.front, relay.down, parts[0]
    keep_alive = request.keep_alive and not front.draining
    up.end(now)
    relay.up = None
    x.attempts[-1].outcome = x.outcome = "answered"
    x.status = 200
    x.first_event_at = now
    x.bytes_out = len(data)
    x.usage, x.served_model, x.fingerprint, x.finish_reason = usage.from_body(data)
    down.relay = None
    # Settled, then sent: who sees the whole answer knows that it was recorded.
    front.settle(x, world, now)
    front.turn.write_recorded(down.transport, whole_head(up, up.length, x, keep_alive) + data)
    down.finish(keep_alive, now)
    return True


def pass_events(relay: Relay, up: Upstream, head: Head, events: StreamReader, now: float) -> None:
    """What a stream mostly does: some events more."""
    parts = up.parts
    if not parts:
        return
    up.parts = []
    read = parts[0] if len(parts) == 1 else b"".join(parts)
    data = events.feed(read)
    x, down = relay.x, relay.down
    if events.fresh or events.spilling:
        x.last_event_at = now
        if not x.first_event_at:
            relay.first_event(now)
        if down.writable:
            up.deadline = now + up.pool.idle_timeout
    if x.inspected:
        shown = inspect(relay, up, head, data)
        if shown is None:
            return
        data = shown
    if data:
        x.bytes_out += len(data)
        if head.chunked:
            # A chunk that passes unchanged passes in the framing that it came in.
            frame = up.frame if data is read and up.frame else b"%x\r\n%b\r\n" % (len(data), data)
        else:
            frame = data
        relay.front.turn.write(down.transport, frame)
