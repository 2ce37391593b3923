"""Leasing limits from Valkey: everything that is asked for within one turn of the loop goes out together.

A call has a budget. What is not answered within it counts as failed, and after two failures in a row nobody waits any
more: the breaker is open, limits are counted by the policy for an outage, and a try every half a second finds out when
that is over. A late answer is not used; reports are absolute, so that nothing has to be taken back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import Any, Protocol

from seekgate.config.compiled.quota import Valkey
from seekgate.host.clock import Clock
from seekgate.store.breaker import Breaker
from seekgate.store.resp import Reply, ServerError, command
from seekgate.store.valkey import Link, Unusable, connect
from seekgate.store.valkey_script import LIFE, SCRIPT, Ask, arguments, keys, read

BATCH = 64
"""Asks in one call of the script, which blocks the server for some microseconds each."""

HEARTBEAT = 1.0
RECONNECT = 0.5
BEGINNING = 3.0
"""Seconds from the start on in which a server that is not there yet is looked for again at each tick, and nobody is
told that it does not answer: it may be starting too."""
_SHA = sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


class Book(Protocol):
    """Who asks, and who makes something of the answers. ``now`` is Valkey's clock in Unix seconds."""

    @property
    def offset(self) -> float:
        """How far Valkey's clock is ahead of ours, as far as known."""
        ...

    def collect(self, now: float) -> Sequence[Any]:
        """What is to be asked now (`Ask`)."""
        ...

    def answered(self, asks: Sequence[Any], answers: Sequence[Any], now: float) -> None:
        """The answers (`Said`), in the order of the asks."""
        ...

    def failed(self, asks: Sequence[Any]) -> None:
        """These asks were not answered, or too late."""
        ...

    def sweep(self, now: float) -> None:
        """Called at short intervals."""
        ...

    def farewell(self, now: float) -> Sequence[Any]:
        """Reports that give back everything."""
        ...

    def heard(self, offset: float, fleet: int) -> None:
        """Valkey's clock is so far ahead of ours, and so many workers live."""
        ...

    def cut_off(self, outage: bool) -> None:
        """Valkey can, or cannot, be asked."""
        ...


class _Batch:
    """A call under way."""

    __slots__ = ("asks", "sent", "sent_wall", "settled", "timer", "waiters")

    def __init__(self, asks: Sequence[Ask], sent: float, sent_wall: float) -> None:
        self.asks = asks
        self.sent = sent
        self.sent_wall = sent_wall
        self.settled = False
        self.waiters: list[asyncio.Future[bool]] = []
        self.timer: asyncio.TimerHandle | None = None


class ValkeyLeases:
    """The place where limits are shared, for one worker. Made inside its loop.

    ``worker`` names this worker among all; ``count`` is told of each call's result (``ok``, ``late``, ``error``), and
    ``note`` of each change: "" when Valkey answers (again), else why not.
    """

    def __init__(
        self,
        where: Valkey,
        password: str | None,
        worker: str,
        book: Book,
        clock: Clock,
        count: Callable[[str], object],
        note: Callable[[str], object],
    ) -> None:
        self.where = where
        self._password = password
        self._worker = worker
        self._book = book
        self._clock = clock
        self._count = count
        self._note = note
        self._breaker = Breaker()
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._batches: dict[_Batch, None] = {}
        self._waiters: list[asyncio.Future[bool]] = []
        self._scheduled = self._closed = False
        self._seq = 0
        self._last_call = 0.0
        self._said: str | None = None
        self._began = clock.monotonic()

    # -- what the stage asks --------------------------------------------------------------------------------------

    @property
    def patience(self) -> float:
        """Seconds that one request may wait in all."""
        return self.where.budget

    async def turn(self, until: float) -> bool:
        """Everything that is asked for now has been asked; False: not before ``until``, or not at all."""
        patience = until - self._clock.monotonic()
        if self._breaker.open or patience <= 0 or (self._link is None and self._said is not None):
            return False
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._waiters.append(future)
        self.poke()
        timer = loop.call_later(patience, self._after_reading, lambda: _resolve([future], False))
        try:
            return await future
        finally:
            timer.cancel()

    def poke(self) -> None:
        """Ask in this turn of the loop."""
        if not self._scheduled and not self._closed:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _after_reading(self, act: Callable[[], None]) -> None:
        """What was due at the beginning of a busy turn may have been answered already: look once more before acting."""
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(act))

    # -- calls ----------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._scheduled = False
        link = self._link
        if link is None and self._said is None:
            return  # it has not answered for the first time yet: wait for that
        waiters, self._waiters = self._waiters, []
        if link is None or not link.open or self._breaker.open:
            _resolve(waiters, False)
            return
        asks = self._book.collect(self._clock.wall() + self._book.offset)
        for at in range(0, len(asks), BATCH):
            self._call(link, asks[at : at + BATCH])
        if not waiters:
            return
        if self._batches:
            next(reversed(self._batches)).waiters += waiters
        else:
            _resolve(waiters, True)

    def _call(self, link: Link, asks: Sequence[Ask]) -> None:
        now = self._clock.monotonic()
        batch = _Batch(asks, now, self._clock.wall())
        self._batches[batch] = None
        self._last_call = now
        batch.timer = asyncio.get_running_loop().call_later(
            self.where.budget, self._after_reading, lambda: self._late(batch)
        )
        link.send(self._command(asks, LIFE), lambda reply: self._told(batch, reply))

    def _command(self, asks: Sequence[Ask], life: int) -> bytes:
        self._seq += 1
        names = keys(self.where.prefix, asks)
        return command("EVALSHA", _SHA, len(names), *names, *arguments(self._worker, life, self._seq, asks))

    def _told(self, batch: _Batch, reply: Reply) -> None:
        if isinstance(reply, ServerError) and str(reply).startswith("NOSCRIPT") and self._link is not None:
            self._link.send(command("SCRIPT", "LOAD", SCRIPT), lambda _: None)
        if batch.settled:
            return
        told = read(reply, len(batch.asks))
        if told is None:
            self._settle(batch, False, "error", str(reply) if isinstance(reply, ServerError) else "no reply")
            return
        half = (self._clock.monotonic() - batch.sent) / 2
        ahead = told.now - batch.sent_wall - half
        known = self._book.offset
        # A measurement is exact to half the way there and back; what agrees with it that far is not moved.
        self._book.heard(known if abs(known - ahead) <= half + 0.001 else ahead, told.fleet)
        self._book.answered(batch.asks, told.answers, told.now)
        self._settle(batch, True, "ok", "")

    def _late(self, batch: _Batch) -> None:
        if not batch.settled:
            self._settle(batch, False, "late", f"no answer within {self.where.budget * 1000:g} ms")

    def _settle(self, batch: _Batch, well: bool, result: str, reason: str) -> None:
        batch.settled = True
        self._batches.pop(batch, None)
        if batch.timer is not None:
            batch.timer.cancel()
        self._count(result)
        if well:
            self._breaker.succeeded()
            self._state("")
        else:
            self._book.failed(batch.asks)
            self._breaker.failed(self._clock.monotonic())
            if self._breaker.open:
                self._state(reason)
        _resolve(batch.waiters, well)
        batch.waiters = []

    def _state(self, trouble: str) -> None:
        """Tell of a change between answering and not answering."""
        if self._said is None or bool(trouble) != bool(self._said):
            self._book.cut_off(bool(trouble))
            self._note(trouble)
            self._said = trouble

    # -- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Connect, and stay connected."""
        self._task = asyncio.get_running_loop().create_task(self._connect())

    async def ready(self, patience: float = 2.0) -> None:
        """Return when it answers, or when the patience is over."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=patience)

    async def _connect(self) -> None:
        try:
            link = await connect(self.where, self._password, self._lost)
            await link.ask("SCRIPT", "LOAD", SCRIPT)
        except (OSError, TimeoutError, Unusable) as error:
            if not self._closed and not self._beginning:
                self._state(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
            return
        self._link = link
        self._call(link, [])
        self.poke()

    def _lost(self) -> None:
        self._link = None
        for batch in list(self._batches):
            self._settle(batch, False, "error", "the connection was lost")
        waiters, self._waiters = self._waiters, []
        _resolve(waiters, False)
        if not self._closed:
            self._state("the connection was lost")

    @property
    def _beginning(self) -> bool:
        return self._said is None and self._clock.monotonic() - self._began < BEGINNING

    def tick(self) -> None:
        """Called at short intervals: sweep, a sign of life, reconnecting, a try while the breaker is open."""
        now = self._clock.monotonic()
        self._book.sweep(self._clock.wall() + self._book.offset)
        link = self._link
        if link is None or not link.open:
            due = self._beginning or now - self._last_call >= RECONNECT
            if due and (self._task is None or self._task.done()):
                self._last_call = now
                self.start()
        elif self._breaker.open:
            if self._breaker.may_try(now):
                self._call(link, [])
        elif now - self._last_call >= HEARTBEAT:
            self._call(link, [])
        else:
            self.poke()

    def close(self) -> None:
        """Give back everything, without waiting; the loop may end right after this."""
        self._closed = True
        link, self._link = self._link, None
        if self._task is not None:
            self._task.cancel()
        if link is None or not link.open:
            return
        descriptor = link.descriptor
        asks = self._book.farewell(self._clock.wall() + self._book.offset)
        # Whatever does not fit into the socket now is given back when this worker is missed.
        with contextlib.suppress(OSError):
            for at in range(0, max(len(asks), 1), BATCH):
                data = self._command(asks[at : at + BATCH], 0)
                if descriptor < 0 or os.write(descriptor, data) < len(data):
                    break
        link.close()


def _resolve(waiters: Sequence[asyncio.Future[bool]], value: bool) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(value)
