"""The emulator: an `Api` behind a listening socket. Start it in a test, or with ``seekgate emulate deepseek``."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator

from seekgate.emulate.api import Api, Received
from seekgate.emulate.delivery import Progress, Step, Terms, deliver
from seekgate.emulate.log import RequestLog, RequestRecord, new_record
from seekgate.emulate.server import Connection, Exchange, Parsed
from seekgate.emulate.settings import ModelSpec, Settings

#: Connections that may wait to be accepted.
_BACKLOG = 8_192

#: Different requests whose answers ``instant`` keeps, and the largest answer it keeps, in bytes.
_KEPT_ANSWERS = 256
_KEPT_BYTES = 4_194_304


class Emulator:
    """DeepSeek's API on a socket of this machine.

    ``requests`` has the records of the last requests, oldest first; none in instant mode.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.requests: deque[RequestRecord] = deque(maxlen=self.settings.keep_requests)
        self.api = Api(self.settings)
        self._log = RequestLog(self.settings.log)
        self._terms = Terms(
            keepalive_interval=self.settings.keepalive_interval, queue_limit=self.settings.queue_limit
        )
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._number = 0
        self._instant: dict[tuple[object, ...], bytes] = {}
        self._watchers: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """The models that are served."""
        return self.settings.models

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def start(self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> int:
        """Listen, and return the port (chosen by the system when 0 is given). Raise `OSError` when not possible."""
        self._log.open()
        loop = asyncio.get_running_loop()
        begin = self._begin_instant if self.settings.instant else self._begin

        def connection() -> Connection:
            return Connection(begin, self._terms, self.settings.max_body, self._connections)

        self._server = await loop.create_server(connection, host, port, ssl=tls, backlog=_BACKLOG)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and close every connection; requests in flight are recorded as aborted."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._connections):
                connection.close()
            await self._server.wait_closed()
            self._server = None
        self._log.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds. It is tried now and whenever a request starts or ends."""
        if condition():
            return
        future = asyncio.get_running_loop().create_future()
        self._watchers.append((condition, future))
        await future

    def _begin(self, parsed: Parsed, terms: Terms) -> Exchange:
        self._number += 1
        method, target, headers, body = parsed
        record = new_record(self._number, method, target, headers, body, self.settings.keep_body)
        handled = self.api.handle(
            Received(self._number, method, target, dict(headers), body), int(time.time())
        )
        peek = handled.peek
        record.model = peek.model if isinstance(peek.model, str) else ""
        record.user_id = peek.user_id if isinstance(peek.user_id, str) else ""
        record.stream = peek.stream is True
        record.status = handled.answer.status
        self.requests.append(record)
        self._log.started(record)
        progress = Progress()
        steps = deliver(handled.answer, handled.faults, terms, progress)
        self._wake()
        return _Recorded(self, steps, record, progress, handled.lease)

    def _begin_instant(self, parsed: Parsed, terms: Terms) -> Exchange:
        """Answer equal requests with equal bytes, kept ready. Waits and faults work; they are just not kept."""
        method, target, headers, body = parsed
        fields = dict(headers)
        key = (method, target, body, fields.get("authorization"), fields.get("x-emulate"), terms)
        kept = self._instant.get(key)
        if kept is not None:
            return _Unrecorded(iter((kept,)), self, None)
        self._number += 1
        handled = self.api.handle(Received(self._number, method, target, fields, body), int(time.time()))
        steps = deliver(handled.answer, handled.faults, terms, Progress())
        keepable = handled.answer.status == 200 and terms.keep_alive and not self.settings.rules
        if not keepable or handled.faults != self.settings.always:
            return _Unrecorded(steps, self, handled.lease)
        taken: list[bytes] = []
        size = 0
        for step in steps:
            if not isinstance(step, bytes) or size > _KEPT_BYTES:
                return _Unrecorded(_chain(taken, step, steps), self, handled.lease)
            taken.append(step)
            size += len(step)
        whole = b"".join(taken)
        if len(self._instant) >= _KEPT_ANSWERS:
            self._instant.pop(next(iter(self._instant)))
        self._instant[key] = whole
        return _Unrecorded(iter((whole,)), self, handled.lease)

    def _ended(self, record: RequestRecord) -> None:
        record.ended = time.monotonic()
        self._log.ended(record)
        self._wake()

    def _wake(self) -> None:
        for watcher in self._watchers[:]:
            condition, future = watcher
            if future.done():
                self._watchers.remove(watcher)
            elif condition():
                self._watchers.remove(watcher)
                future.set_result(None)


def _chain(taken: list[bytes], step: Step, rest: Iterator[Step]) -> Iterator[Step]:
    yield from taken
    yield step
    yield from rest


class _Recorded:
    """A request in flight that is logged and recorded."""

    def __init__(
        self,
        emulator: Emulator,
        steps: Iterator[Step],
        record: RequestRecord,
        progress: Progress,
        lease: tuple[str, str] | None,
    ) -> None:
        self.steps = steps
        self._emulator = emulator
        self._record = record
        self._progress = progress
        self._lease = lease

    def finish(self, sent_bytes: int, left: bool) -> None:
        """Release the account's slot and complete the record."""
        if self._lease is not None:
            self._emulator.api.accounts.release(*self._lease)
        record = self._record
        record.sent_bytes = sent_bytes
        record.sent_events = self._progress.events
        record.outcome = "aborted" if left else self._progress.outcome
        self._emulator._ended(record)


class _Unrecorded:
    """A request in flight in instant mode."""

    def __init__(self, steps: Iterator[Step], emulator: Emulator, lease: tuple[str, str] | None) -> None:
        self.steps = steps
        self._emulator = emulator
        self._lease = lease

    def finish(self, sent_bytes: int, left: bool) -> None:
        """Release the account's slot."""
        if self._lease is not None:
            self._emulator.api.accounts.release(*self._lease)
