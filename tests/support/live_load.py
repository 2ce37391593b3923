"""A paced generator of requests that checks every answer and knows what became of those that got none.

It speaks HTTP/1.1 over kept-alive connections on a loop of its own, in a thread. Requests are sent when they are due,
whatever happens to earlier ones (an open loop), unless all connections are busy. Each has an id of its own, which its
answer must carry, and the answer must be the one that belongs to its prompt, byte for byte.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

import uvloop

from tests.support.live_wire import exchange, post

_names = count(1)

TICK = 0.002
RECONNECT = 0.02

_length = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_close = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)


@dataclass(frozen=True)
class Prompt:
    """A request in two halves, between which its id goes, and the body of its answer."""

    before: bytes
    after: bytes
    answer: bytes


def prompts(url: str, model: str, wanted: int = 16, secure: ssl.SSLContext | None = None) -> list[Prompt]:
    """Ask each prompt once: the answers that belong to them. The upstream has to repeat itself byte for byte."""
    made = []
    for number in range(wanted):
        body = {"model": model, "messages": [{"role": "user", "content": f"第 {number} 问"}], "max_tokens": 8}
        request = post("/v1/chat/completions", body, x_request_id="@")
        before, _, after = request.partition(b"@")
        said = exchange(url, request.replace(b"@", b"expected"), secure)
        assert said.status == 200, said.body
        made.append(Prompt(before, after, said.body))
    assert len({prompt.answer for prompt in made}) == wanted
    return made


@dataclass(frozen=True)
class Unanswered:
    """A request whose connection (from ``port``) ended first.

    ``reused``: the connection had carried an answer before; ``begun``: a part of this one had come.
    """

    id: str
    port: int
    reused: bool
    begun: bool


@dataclass
class Results:
    """What has been counted so far; times are `time.monotonic` seconds."""

    sent: int = 0
    answered: int = 0
    wrong: list[str] = field(default_factory=list)
    unanswered: list[Unanswered] = field(default_factory=list)
    refused: int = 0
    slowest: float = 0.0


class Load:
    """``rate`` requests a second on ``connections`` connections until it is stopped; ``rate`` 0 sends the next one as
    soon as a connection is free. With TLS when ``secure`` says how."""

    def __init__(
        self,
        url: str,
        prompts: Sequence[Prompt],
        *,
        rate: float,
        connections: int = 32,
        secure: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 0
        self.prompts = prompts
        self.results = Results()
        self.idle: deque[_Connection] = deque()
        self.busy: set[_Connection] = set()
        self._rate = rate
        self._secure = secure
        self.name = f"load{next(_names)}"
        self._connections = connections
        self._due = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()

    # From the test's thread.

    def start(self) -> Load:
        """Begin."""
        self._thread.start()
        return self

    @property
    def in_flight(self) -> int:
        """Requests that are sent and not answered now."""
        return len(self.busy)

    def stop(self) -> Results:
        """Send no more, wait up to ten seconds for answers that are still to come, and close. May be called again."""
        self._stopped.set()
        self._thread.join()
        return self.results

    # On the loop's thread.

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        for _ in range(self._connections):
            self._connect()
        began = time.monotonic()
        while not self._stopped.is_set():
            self._send_due(time.monotonic() - began)
            await asyncio.sleep(TICK)
        until = time.monotonic() + 10
        while self.busy and time.monotonic() < until:
            await asyncio.sleep(TICK)
        for connection in (*self.idle, *self.busy):
            connection.transport.abort()
        await asyncio.sleep(0.05)

    def _send_due(self, elapsed: float) -> None:
        self._due = int(elapsed * self._rate) if self._rate else sys.maxsize
        while self.results.sent < self._due and self.idle:
            self._send(self.idle.popleft())

    def _send(self, connection: _Connection) -> None:
        number = self.results.sent
        self.results.sent = number + 1
        self.busy.add(connection)
        connection.ask(f"{self.name}-{number}", self.prompts[number % len(self.prompts)])

    def _connect(self) -> None:
        self._loop.create_task(self._open_one())

    async def _open_one(self) -> None:
        while not self._stopped.is_set():
            try:
                await self._loop.create_connection(
                    lambda: _Connection(self), self.host, self.port, ssl=self._secure
                )
            except OSError:
                self.results.refused += 1
                await asyncio.sleep(RECONNECT)
            else:
                return

    def free(self, connection: _Connection) -> None:
        """A connection can take the next request."""
        self.busy.discard(connection)
        results = self.results
        if results.sent < self._due and not self._stopped.is_set():
            self._send(connection)
        else:
            self.idle.append(connection)

    def gone(self, connection: _Connection) -> None:
        """A connection has ended: another takes its place."""
        self.busy.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        if not self._stopped.is_set():
            self._connect()


class _Connection(asyncio.Protocol):
    """One kept-alive connection, one request at a time."""

    def __init__(self, load: Load) -> None:
        self.transport: asyncio.Transport
        self._load = load
        self._data = b""
        self._id = ""
        self._prompt: Prompt | None = None
        self._sent = 0.0
        self._port = 0
        self._answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._port = int(transport.get_extra_info("sockname")[1])
        self._load.free(self)

    def ask(self, id: str, prompt: Prompt) -> None:
        """Send a request."""
        self._id, self._prompt, self._data = id, prompt, b""
        self._sent = time.monotonic()
        self.transport.write(prompt.before + id.encode() + prompt.after)

    def data_received(self, data: bytes) -> None:
        prompt = self._prompt
        if prompt is None:
            self._load.results.wrong.append(f"bytes that nobody asked for: {data[:200]!r}")
            self.transport.abort()
            return
        self._data += data
        end = self._data.find(b"\r\n\r\n") + 4
        length = _length.search(self._data, 0, end) if end >= 4 else None
        if length is not None and len(self._data) >= end + int(length[1]):
            self._check(prompt, self._data[:end], self._data[end:])

    def _check(self, prompt: Prompt, head: bytes, body: bytes) -> None:
        results = self._load.results
        results.answered += 1
        results.slowest = max(results.slowest, time.monotonic() - self._sent)
        if not head.startswith(b"HTTP/1.1 200 ") or body != prompt.answer:
            results.wrong.append(f"{self._id}: {head[:20]!r} {body[:300]!r}")
        elif f"x-request-id: {self._id}\r\n".encode() not in head.lower():
            results.wrong.append(f"{self._id}: the answer of another request: {head!r}")
        self._prompt = None
        self._answered = True
        if _close.search(head):
            self._load.gone(self)
            self.transport.close()
        else:
            self._load.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._prompt is not None:
            lost = Unanswered(self._id, self._port, self._answered, bool(self._data))
            self._load.results.unanswered.append(lost)
            self._prompt = None
            self._load.gone(self)
        elif self in self._load.idle:
            self._load.gone(self)


def capacity(url: str, prompts: Sequence[Prompt], seconds: float = 3.0) -> float:
    """The answers a second that this generator gets here when it sends as fast as it can."""
    made = Load(url, prompts, rate=0).start()
    time.sleep(0.5)
    before, began = made.results.answered, time.monotonic()
    time.sleep(seconds)
    reached = (made.results.answered - before) / (time.monotonic() - began)
    results = made.stop()
    assert not results.wrong, results.wrong[:3]
    assert not results.unanswered, results.unanswered[:3]
    return reached
