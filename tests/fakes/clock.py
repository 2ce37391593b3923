"""A clock and an event loop whose time only a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple, Unpack

_Ts = TypeVarTuple("_Ts")


class FakeClock:
    """Monotonic and Unix seconds, both settable."""

    def __init__(self, monotonic: float = 1_000.0, wall: float = 1_780_000_000.0) -> None:
        self.monotonic_now = monotonic
        self.wall_now = wall

    def monotonic(self) -> float:
        """The fake's monotonic instant."""
        return self.monotonic_now

    def wall(self) -> float:
        """The fake's Unix instant."""
        return self.wall_now

    def advance(self, seconds: float) -> None:
        """Let both go on."""
        self.monotonic_now += seconds
        self.wall_now += seconds


class FakeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop that takes its time from a `FakeClock`, and that can tell when nothing is left to do."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.scheduled = 0
        super().__init__()

    def time(self) -> float:
        """The fake's monotonic instant: timers fire when a test advances it."""
        return self._clock.monotonic()

    def call_soon(
        self, callback: Callable[[Unpack[_Ts]], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As asyncio's, counted."""
        self.scheduled += 1
        return super().call_soon(callback, *args, context=context)

    async def idle(self) -> None:
        """Return when two whole turns have gone by in which nothing but this waiting was scheduled."""
        quiet = 0
        while quiet < 2:
            before = self.scheduled
            await asyncio.sleep(0)
            quiet = quiet + 1 if self.scheduled == before + 1 else 0
