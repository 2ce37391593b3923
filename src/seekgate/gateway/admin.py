"""The admin listener: liveness, readiness and metrics. It has no route to a model and needs no key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from seekgate.config.snapshot import Limits
from seekgate.gateway.downstream import Downstream
from seekgate.gateway.sweep import Sweep
from seekgate.gateway.turn import Turn
from seekgate.host.clock import Clock
from seekgate.host.complaints import complain
from seekgate.telemetry.scrape import scrape
from seekgate.wire.errors import INTERNAL, METHOD_NOT_ALLOWED, NOT_FOUND, ErrorKind, kind_body
from seekgate.wire.message import Request
from seekgate.wire.response import own_head

# Gauges of a worker that has not written for this long are of the past.
STALE_SECONDS = 5.0


class AdminFront:
    """Answers /livez, /readyz and /metrics.

    ``dumps`` gives the metrics of every worker, ``readiness`` why this worker is not ready ("": it is).
    """

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        sweep: Sweep,
        turn: Turn,
        dumps: Callable[[], Iterable[bytes]],
        readiness: Callable[[], str],
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.sweep = sweep
        self.turn = turn
        self.draining = False
        self.buffered = 0
        self.connections: set[Downstream] = set()
        self._dumps = dumps
        self._readiness = readiness

    def connected(self, down: Downstream) -> ErrorKind | None:
        """Watch a connection."""
        self.connections.add(down)
        self.sweep.add(down)
        return None

    def disconnected(self, down: Downstream) -> None:
        """Forget a connection."""
        self.connections.discard(down)
        self.sweep.discard(down)

    def refused(self, down: Downstream, kind: ErrorKind) -> None:
        """Not counted: no client of ours."""

    def admit(self, down: Downstream, request: Request) -> None:
        """Answer."""
        path = request.target.partition(b"?")[0]
        if path not in (b"/livez", b"/readyz", b"/metrics"):
            self._send(down, request, 404, b"application/json", kind_body(NOT_FOUND))
        elif request.method not in (b"GET", b"HEAD"):
            self._send(down, request, 405, b"application/json", kind_body(METHOD_NOT_ALLOWED))
        elif path == b"/livez":
            self._send(down, request, 200, b"text/plain", b"alive\n")
        elif path == b"/readyz":
            reason = self._readiness()
            status, text = (503, f"not ready: {reason}\n") if reason else (200, "ready\n")
            self._send(down, request, status, b"text/plain; charset=utf-8", text.encode())
        else:
            down.relay = _Scrape(self, down, request)  # type: ignore[assignment]

    def _send(
        self, down: Downstream, request: Request, status: int, content_type: bytes, body: bytes
    ) -> None:
        keep_alive = request.keep_alive and not self.draining
        head = own_head(status, content_type, len(body), b"", (), not keep_alive)
        down.write(head if request.method == b"HEAD" else head + body)
        down.finish(keep_alive, self.clock.monotonic())


class _Scrape:
    """A scrape in a thread: merging and rendering take milliseconds, which the streams of this worker must not feel."""

    def __init__(self, front: AdminFront, down: Downstream, request: Request) -> None:
        self._front = front
        self._down = down
        self._request = request
        accept = request.headers.get(b"accept", b"").decode("latin-1")
        dumps = list(front._dumps())
        since = front.clock.wall() - STALE_SECONDS
        work = asyncio.get_running_loop().run_in_executor(None, scrape, dumps, accept, since)
        self._done = asyncio.ensure_future(work)
        self._done.add_done_callback(self._finish)

    def _finish(self, done: asyncio.Future[tuple[bytes, str]]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            complain("the metrics cannot be rendered", error=f"{type(error).__name__}: {error}")
            self._front._send(self._down, self._request, 500, b"application/json", kind_body(INTERNAL))
            return
        body, content_type = done.result()
        self._front._send(self._down, self._request, 200, content_type.encode(), body)

    def client_left(self) -> None:
        """The scraper has gone."""
        self._done.cancel()

    def pause(self) -> None:
        """Nothing more is being sent."""

    def resume(self) -> None:
        """Nothing more is being sent."""
