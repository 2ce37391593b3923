"""A request that waits for a stage.

It stands where the relay will stand. While a stage waits for long (`Wait.keep_alive`), a client that asked for a stream
is sent comments, as DeepSeek's own queue does, so that nothing on the way takes the connection for dead. From the first
comment on the answer is a stream, and a refusal becomes an event of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from seekgate.gateway.head import Head
from seekgate.gateway.relay import Relay
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Verdict, Wait
from seekgate.wire import errors
from seekgate.wire.response import LAST_CHUNK
from seekgate.wire.sse import StreamReader

if TYPE_CHECKING:
    from seekgate.gateway.downstream import Downstream
    from seekgate.gateway.front import PublicFront
    from seekgate.gateway.turn import Transport
    from seekgate.gateway.world import World

# Seconds between comments, and before the first one.
KEEP_ALIVE = 5.0
COMMENT = b": keep-alive\n\n"


class Parked:
    """One waiting exchange."""

    __slots__ = ("_down", "_front", "_sent", "_task", "_world", "_x", "deadline")

    def __init__(self, front: PublicFront, down: Downstream, x: Exchange, wait: Wait, world: World) -> None:
        self._front = front
        self._down = down
        self._x = x
        self._world = world
        self._sent: Head | None = None
        self.deadline = 0.0
        if wait.keep_alive and x.stream:
            self.deadline = front.clock.monotonic() + KEEP_ALIVE
            front.sweep.add(self)
        self._task = asyncio.get_running_loop().create_task(self._wait(wait))

    @property
    def transport(self) -> Transport:
        """The client's connection."""
        return self._down.transport

    async def _wait(self, wait: Wait) -> None:
        verdict: Verdict
        try:
            verdict = await wait.awaitable
        except asyncio.CancelledError as error:
            # It leads here, and would keep the exchange until a garbage collection.
            error.__traceback__ = None
            return
        except Exception as error:  # noqa: BLE001 - reported, and costs this request only
            verdict = self._world.pipeline.failed("a parked stage", self._x, error)
            error.__traceback__ = None
        if self._down.relay is not self:  # type: ignore[comparison-overlap]
            return  # the client has left, and what was awaited would not be cancelled
        self._down.relay = None
        self._front.sweep.discard(self)
        try:
            self._go_on(verdict)
        except Exception as error:  # noqa: BLE001 - reported, and costs this connection only
            self._world.pipeline.failed("a parked request", self._x, error)
            error.__traceback__ = None
            self._down.abort()

    def _go_on(self, verdict: Verdict) -> None:
        """The wait is over."""
        if verdict is None:
            verdict = self._world.pipeline.request(self._x)
        if self._sent is None:
            self._front.proceed(self._down, self._x, verdict, self._world)
        else:
            self._go_on_streaming(self._sent, verdict)

    def _go_on_streaming(self, head: Head, verdict: Verdict) -> None:
        """The client has the head of a stream already."""
        if isinstance(verdict, Wait):
            self._down.relay = parked = Parked(self._front, self._down, self._x, verdict, self._world)  # type: ignore[assignment]
            parked._sent = head
            return
        relay = Relay(self._x, self._down, self._front, self._world)
        relay.took_over(head, StreamReader(hold=True))
        self._down.relay = relay
        if verdict is None:
            relay.start()
        elif verdict.error is not None:
            relay.fail(verdict.error, verdict.message or verdict.error.message)
        elif verdict.content_type.startswith(b"text/event-stream"):
            self._x.outcome = "answered"
            self._x.bytes_out += len(verdict.body)
            data = head.frame(verdict.body) + head.last
            relay.settle(data, head.keep_alive, self._front.clock.monotonic())
        else:
            relay.fail(
                errors.INTERNAL, "The gateway has an answer that does not fit the stream it has begun."
            )

    def on_deadline(self, now: float) -> None:
        """Still waiting: say so."""
        x, down = self._x, self._down
        self.deadline = now + KEEP_ALIVE
        first = b""
        if self._sent is None:
            self._sent = head = self._head()
            first = head.data
            x.status = 200
            x.committed = True
        if down.writable:
            x.bytes_out += len(COMMENT)
            down.write(first + self._sent.frame(COMMENT))

    def _head(self) -> Head:
        """The head of a stream whose upstream is not known yet."""
        request = self._x.request
        chunked = not request.http_1_0
        keep_alive = request.keep_alive and not self._front.draining and chunked
        more = b"\r\nTransfer-Encoding: chunked" if chunked else b""
        if not keep_alive:
            more += b"\r\nConnection: close"
        data = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream%b%b"
            b"\r\nX-Accel-Buffering: no\r\nX-Request-Id: %b\r\n\r\n"
        ) % (more, self._x.answer_headers, self._x.id.encode())
        return Head(data, True, chunked, keep_alive, False, LAST_CHUNK if chunked else b"")

    def client_left(self) -> None:
        """Nobody waits any more."""
        self._front.sweep.discard(self)
        self._task.cancel()
        self._x.outcome = "client_left"
        self._x.status = 499
        self._front.settle(self._x, self._world, self._front.clock.monotonic())

    def pause(self) -> None:
        """Nothing much is being sent."""

    def resume(self) -> None:
        """Nothing much is being sent."""
