"""The supervisor's event loop: descriptors, timers and signals on one thread.

A loop of `selectors` instead of asyncio: it is imported in a fifth of the time, which counts in every start, and the
supervisor has no use for tasks.
"""

from __future__ import annotations

import heapq
import selectors
import signal
import socket
import time
from collections.abc import Callable
from itertools import count
from typing import Protocol


class HasFileno(Protocol):
    """Something that can be waited on."""

    def fileno(self) -> int:
        """Its descriptor."""
        ...


class Timer:
    """A pending call; `cancel` forgets it."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """The call will not be made."""
        self.callback = None


class Loop:
    """Waits for what is watched and calls back. Used by one thread; signals need it to be the main thread."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._signals: dict[int, Callable[[], object]] = {}
        self._wake, self._awake = socket.socketpair()
        self._wake.setblocking(False)
        self._awake.setblocking(False)
        self._selector.register(self._awake, selectors.EVENT_READ, self._signalled)
        self._running = False
        self._before = -1

    @staticmethod
    def now() -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def watch(self, source: HasFileno, callback: Callable[[], object]) -> None:
        """Call back whenever ``source`` can be read, until `unwatch`."""
        self._selector.register(source.fileno(), selectors.EVENT_READ, callback)

    def unwatch(self, source: HasFileno) -> None:
        """Stop watching; call it before the descriptor is closed."""
        self._selector.unregister(source.fileno())

    def later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call back once after this time."""
        timer = Timer(callback)
        heapq.heappush(self._timers, (self.now() + seconds, next(self._order), timer))
        return timer

    def on_signal(self, signum: int, callback: Callable[[], object]) -> None:
        """Call back from the loop, never in the middle of something, when the signal arrives."""
        if not self._signals:
            # From the first handler on, or a signal that comes before `run` would be lost.
            self._before = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._signals[signum] = callback
        # A handler must exist for the wake-up descriptor to be written; the number arrives there.
        signal.signal(signum, lambda *_: None)
        signal.siginterrupt(signum, False)

    def run(self) -> None:
        """Run until `stop`."""
        self._running = True
        while self._running:
            self._once()

    def close(self) -> None:
        """Let go of the signals and the loop's own descriptors."""
        if self._signals:
            signal.set_wakeup_fd(self._before)
            for signum in self._signals:
                signal.signal(signum, signal.SIG_DFL)
            self._signals.clear()
        self._selector.close()
        self._wake.close()
        self._awake.close()

    def stop(self) -> None:
        """Return from `run` after the present callback."""
        self._running = False

    def _once(self) -> None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        timeout = max(0.0, self._timers[0][0] - self.now()) if self._timers else None
        for key, _ in self._selector.select(timeout):
            # An earlier callback of this round may have closed this one's descriptor.
            if self._selector.get_map().get(key.fd) is key:
                key.data()
        now = self.now()
        while self._timers and self._timers[0][0] <= now:
            callback = heapq.heappop(self._timers)[2].callback
            if callback is not None:
                callback()

    def _signalled(self) -> None:
        try:
            numbers = self._awake.recv(4096)
        except BlockingIOError:
            return
        for signum in dict.fromkeys(numbers):
            callback = self._signals.get(signum)
            if callback is not None:
                callback()
