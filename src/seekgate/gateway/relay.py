"""From a request that may pass to its settlement: attempts at upstreams, and the way of the answer.

A relay lives for one request. It tries the candidates in order until one gives a first *event* (for a plain answer: a
first byte that is not white space); from then on the answer is that upstream's, whatever becomes of it. Comments and
empty lines that a queueing upstream sends go out at once, and do not end the right to try elsewhere.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from seekgate.gateway.head import Head, make_head
from seekgate.gateway.inspection import collect, conclude_collected, inspect, inspect_last
from seekgate.gateway.nobody import MOST, Nobody
from seekgate.gateway.outcome import (
    ACCOUNT_TROUBLE,
    RETRY_ELSEWHERE,
    TAIL_BYTES,
    account_trouble,
    judge,
    read_usage,
)
from seekgate.gateway.usual import pass_events, take_whole
from seekgate.pipeline.exchange import Attempt, Exchange
from seekgate.pipeline.stage import Reply
from seekgate.wire import errors
from seekgate.wire.errors import ErrorKind
from seekgate.wire.sse import StreamReader

if TYPE_CHECKING:
    from seekgate.gateway.downstream import Downstream
    from seekgate.gateway.front import PublicFront
    from seekgate.gateway.pool import Pool
    from seekgate.gateway.target import Target
    from seekgate.gateway.upstream import Upstream
    from seekgate.gateway.world import World

MAX_ATTEMPTS = 3
# A kept-alive connection that is lost this soon, without a byte, was closed by the other side as we took it.
STALE_SECONDS = 1.0


class Relay(msgspec.Struct, eq=False):
    """The way of one exchange between a client and the upstreams. (A msgspec struct for its cheap construction.)"""

    x: Exchange
    down: Downstream
    front: PublicFront
    world: World
    up: Upstream | None = None
    _at: int = 0
    _fresh: bool = False
    _head: Head | None = None
    _sent: Head | None = None  # of an earlier attempt: how the stream that has begun is framed
    events: StreamReader | None = None
    tail: list[bytes] = []
    tail_bytes: int = 0
    _task: asyncio.Task[None] | None = None

    # -- attempts -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Try the candidate whose turn it is."""
        x = self.x
        deployment = x.deployment = x.candidates[self._at]
        now = self.front.clock.monotonic()  # not since x.started_at: it may have been parked for long
        x.attempts.append(Attempt(deployment.id, now))
        target = self.world.targets[deployment.id]
        pool = target.pool
        connection = None if self._fresh else pool.acquire()
        if connection is not None:
            self._send(connection, target, now)
        elif pool.host:
            self._task = asyncio.get_running_loop().create_task(self._open(pool))
        else:
            self.end_attempt("connect")
            self._elsewhere_or(errors.ENGINE_RESTARTING, errors.ENGINE_RESTARTING.message)

    def took_over(self, head: Head, events: StreamReader) -> None:
        """The client has been sent the head of a stream already."""
        self._sent = head
        self.events = events

    async def _open(self, pool: Pool) -> None:
        try:
            await pool.open(self)
        except Exception as error:  # noqa: BLE001 - reported, and costs this request only
            self._task = None
            self.fail(errors.INTERNAL, self.world.pipeline.failed("connecting", self.x, error).message)

    def connected(self, connection: Upstream) -> None:
        """A new connection is there."""
        self._task = None
        deployment = self.x.deployment
        assert deployment is not None
        self._send(connection, self.world.targets[deployment.id], self.front.clock.monotonic())

    def connect_failed(self, reason: str) -> None:
        """No connection could be made."""
        self._task = None
        self.end_attempt("connect")
        deployment = self.x.deployment
        assert deployment is not None
        if self.world.snapshot.providers[deployment.provider].engine is not None:
            self._elsewhere_or(errors.ENGINE_RESTARTING, errors.ENGINE_RESTARTING.message)
        else:
            self._elsewhere_or(errors.UPSTREAM_CONNECT, f"The upstream could not be reached: {reason}.")

    def _send(self, connection: Upstream, target: Target, now: float) -> None:
        x = self.x
        self.up = connection
        if self._head is not None:
            self._sent = self._head
            self._head = None
        connection.begin(self, now + target.first_event)
        body = target.body(x)
        self.front.turn.write_recorded(connection.transport, target.head(x, len(body)) + body)
        if not self.down.writable:
            self.pause()  # an earlier answer is still waiting to be taken

    def end_attempt(self, outcome: str) -> None:
        """The present attempt is over."""
        self.x.attempts[-1].outcome = outcome
        self.up = None

    def _elsewhere_or(self, kind: ErrorKind, message: str) -> None:
        """Try the next candidate; if there is none, this is the answer."""
        if self._has_another():
            self._at += 1
            self._fresh = False
            self.start()
        else:
            self.fail(kind, message)

    def _has_another(self) -> bool:
        return self._at + 1 < len(self.x.candidates) and self._may_retry()

    def _may_retry(self) -> bool:
        x = self.x
        if x.first_event_at or len(x.attempts) >= MAX_ATTEMPTS or x.left:
            return False
        # A head that has gone out promised a length; another upstream cannot be expected to keep that promise.
        return not x.committed or self.events is not None

    # -- the upstream answers -------------------------------------------------------------------------------------

    def upstream_read(self, up: Upstream) -> None:
        """The upstream sent something: pass it on."""
        now = self.front.clock.monotonic()
        first = b""
        head = self._head
        events = self.events
        if events is not None and head is not None and not up.complete:
            pass_events(self, up, head, events, now)
            return
        if head is None:
            if not up.head_done:
                return
            if up.complete and take_whole(self, up, now):
                return
            head = self._begin(up, now)
            if head is None:
                return
        if self.x.inspected and not head.events:
            collect(self, up, head, now)
            return
        if not self.x.committed:
            first = head.data
        parts = up.parts
        data = b""
        if parts:
            data = parts[0] if len(parts) == 1 else b"".join(parts)
            up.parts = []
            passed = self._watch(up, head, data, now)
            if passed is None:
                return
            data = passed
        if up.complete:
            up.end(now)
            self.up = None
            self._conclude(first, data, now)
        elif first or data:
            x = self.x
            x.committed = True
            x.bytes_out += len(data)
            self.down.write(first + head.frame(data))

    def first_event(self, now: float) -> None:
        """From here on there is no other attempt: what was read of the request is not needed again."""
        x = self.x
        x.first_event_at = now
        x.tree = None
        x.request.body = b""

    def _begin(self, up: Upstream, now: float) -> Head | None:
        """The head is whole. None: this answer is not passed on, and what shall happen instead has been begun."""
        x = self.x
        status = x.attempts[-1].status = up.status
        if status in RETRY_ELSEWHERE and (status in ACCOUNT_TROUBLE or self._has_another()):
            self._discard(up)
            self.end_attempt("status")
            self._elsewhere_or(errors.UPSTREAM_ACCOUNT, account_trouble(status))
            return None
        pipeline = self.world.pipeline
        head = make_head(up, x, self.front.draining)
        if x.committed and not (head.events and self.events is not None):
            self._discard(up)
            self.end_attempt("status")
            self.fail(
                errors.UPSTREAM_FAILED,
                f"The upstream answered {status} after it had kept the stream waiting.",
            )
            return None
        self._head = head
        x.status = status
        if x.inspected and (failure := pipeline.head(x)) is not None:
            self.stage_failed(up, failure)
            return None
        if head.events:
            provider = up.pool.provider
            strip = x.stream and not x.asked_usage and provider.asks_usage
            self.events = StreamReader(hold=True, strip_usage=strip)
        return head

    def _watch(self, up: Upstream, head: Head, data: bytes, now: float) -> bytes | None:
        """Count events, keep what usage is read from, move the deadline; what may go out (None: a stage failed)."""
        x = self.x
        events = self.events
        if events is not None:
            data = events.feed(data)
            alive = events.fresh > 0 or events.spilling
        else:
            alive = bool(x.first_event_at) or not data.isspace()
            self.tail.append(data)
            self.tail_bytes += len(data)
            while self.tail_bytes - len(self.tail[0]) > TAIL_BYTES:
                self.tail_bytes -= len(self.tail.pop(0))
        if alive:
            x.last_event_at = now
            if not x.first_event_at:
                self.first_event(now)
            if self.down.writable:
                up.deadline = now + up.pool.idle_timeout
        if x.inspected:
            return inspect(self, up, head, data)
        return data

    def stage_failed(self, up: Upstream, failure: Reply) -> None:
        """A stage failed on the answer: that costs this request, and the upstream's connection."""
        self.cancel(up)
        self.fail(errors.INTERNAL, failure.message)

    def cancel(self, up: Upstream) -> None:
        """The rest of the upstream's answer is not wanted."""
        self._discard(up)
        self.end_attempt("cancelled")

    def _conclude(self, first: bytes, data: bytes, now: float) -> None:
        """The upstream's answer is whole as HTTP; whether a stream is whole as a stream is another question."""
        x, events, head = self.x, self.events, self._head
        assert head is not None
        if events is not None:
            if events.finish() == "cut":
                if first or data:
                    x.committed = True
                    x.bytes_out += len(data)
                    self.down.write(first + head.frame(data))
                self._cut_stream()
                return
            data += inspect_last(x, self.world.pipeline) if x.inspected else events.held()
        self.end_attempt("answered")
        x.committed = True
        x.bytes_out += len(data)
        read_usage(self.x, self.events, self.tail)
        judge(x)
        self.settle(first + head.frame(data) + head.last, head.keep_alive, now)

    def _cut_stream(self) -> None:
        """The stream has ended without its end. Elsewhere, if no event has come; else the client is told, unless the
        upstream's last event was an error already."""
        events, head, x = self.events, self._head, self.x
        assert events is not None
        assert head is not None
        self.end_attempt("cut")
        if not events.failed or not events.at_boundary:
            self._elsewhere_or(
                errors.UPSTREAM_CUT, "The upstream ended its stream before the answer was complete."
            )
            return
        read_usage(self.x, self.events, self.tail)
        x.outcome = "failed"
        held = inspect_last(x, self.world.pipeline) if x.inspected else b""
        self.settle(head.frame(held) + head.last, head.keep_alive, self.front.clock.monotonic())

    # -- the upstream fails ---------------------------------------------------------------------------------------

    def upstream_lost(self, up: Upstream, broken: bool) -> None:
        """The connection closed while it was ours; ``broken``: not in good order, which ends no answer."""
        head = self._head
        if head is not None and head.until_close and not broken:
            now = self.front.clock.monotonic()
            if self.x.inspected and not head.events:
                conclude_collected(self, up, now)
            else:
                self._conclude(b"", b"", now)
            return
        sent_at = self.x.attempts[-1].started
        self.end_attempt("cut")
        stale = up.untouched and up.answered and self.front.clock.monotonic() - sent_at < STALE_SECONDS
        if stale and not self._fresh and self._may_retry():
            # The request was not worked on. Once, with a connection of its own.
            self._fresh = True
            self.start()
        else:
            self._elsewhere_or(errors.UPSTREAM_CUT, errors.UPSTREAM_CUT.message)

    def upstream_invalid(self, up: Upstream) -> None:
        """What came was not HTTP/1.1."""
        up.relay = None
        self.end_attempt("invalid")
        self._elsewhere_or(errors.UPSTREAM_INVALID, errors.UPSTREAM_INVALID.message)

    def upstream_timeout(self, up: Upstream) -> None:
        """No event for too long. The connection is closed."""
        self.end_attempt("timeout")
        self._elsewhere_or(errors.UPSTREAM_TIMEOUT, errors.UPSTREAM_TIMEOUT.message)

    def _discard(self, up: Upstream) -> None:
        if up.complete:
            up.end(self.front.clock.monotonic())
        else:
            up.drop()

    def fail(self, kind: ErrorKind, message: str) -> None:
        """There will be no (further) answer: say so in the way that is still open."""
        x, down = self.x, self.down
        x.error_type, x.error_source = kind.name, kind.source
        if not x.committed:
            self.front.answer(down, x, Reply(error=kind, message=message), self.world)
            return
        read_usage(self.x, self.events, self.tail)
        x.outcome = "cut"
        head = self._head or self._sent
        events = self.events
        if events is None or head is None or not head.events:
            # Part of a plain answer is out, and its length was promised: only a broken connection tells the truth.
            down.abort()
            self.settle(b"", False, self.front.clock.monotonic())
            return
        held = inspect_last(x, self.world.pipeline) if x.inspected else events.closing
        body = errors.error_body(message, kind.type, kind.code, None, x.id)
        data = head.frame(held + errors.sse_error_event(body)) + head.last
        self.settle(data, head.keep_alive, self.front.clock.monotonic())

    # -- the client -----------------------------------------------------------------------------------------------

    def client_left(self) -> None:
        """Nobody waits any more: close the upstream at once, so that it burns no tokens, or let it finish by policy."""
        x = self.x
        if x.drain and not x.left and self.up is not None and len(self.front.nobodies) < MOST:
            x.left = x.status if x.committed else 499
            if not self.down.writable:
                self.resume()
            self.down = Nobody(self, self.front)  # type: ignore[assignment]
            return
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self.up is not None:
            self.up.drop()
            self.end_attempt("cancelled")
        read_usage(self.x, self.events, self.tail)
        x.outcome = "client_left"
        if not x.committed:
            x.status = 499
        self.front.settle(x, self.world, self.front.clock.monotonic())

    def pause(self) -> None:
        """The client reads slowly: so do we. An upstream that waits for us is not late."""
        if self.up is not None:
            self.up.deadline = 0.0
            self.up.transport.pause_reading()

    def resume(self) -> None:
        """The client has caught up."""
        if self.up is not None:
            self.up.deadline = self.front.clock.monotonic() + self.up.pool.idle_timeout
            self.up.transport.resume_reading()

    def settle(self, data: bytes, keep_alive: bool, now: float) -> None:
        """End: settled, then sent, so that who sees the whole answer knows that it was recorded."""
        down = self.down
        down.relay = None
        self.front.settle(self.x, self.world, now)
        if data:
            down.write_last(data)
        down.finish(keep_alive, now)
