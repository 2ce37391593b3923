"""Observers that need not be told at once.

Counting and logging an exchange can wait for a few milliseconds, and done for many exchanges in a row it costs about
half: the code stays in the processor's caches. Stages that decide something, or that somebody waits for, do not
belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Stage

SIZE = 32


class Batch(Stage):
    """Tells ``observers`` of ended exchanges, in their order, `SIZE` at a time or when `flush` is called.

    ``waiting`` is told (perhaps repeatedly) when there is something to flush: an exchange may end long after the
    snapshot that this batch belongs to was replaced.
    """

    __slots__ = ("_ended", "_observers", "_report", "_waiting")

    def __init__(
        self,
        observers: Sequence[Stage],
        report: Callable[[str, Exchange, Exception], None],
        waiting: Callable[[Batch], object],
    ) -> None:
        self._observers = observers
        self._report = report
        self._waiting = waiting
        self._ended: list[Exchange] = []

    def on_end(self, x: Exchange) -> None:
        """Keep it for the next flush."""
        ended = self._ended
        if not ended:
            self._waiting(self)
        ended.append(x)
        if len(ended) >= SIZE:
            self.flush()

    def flush(self) -> None:
        """Tell the observers now."""
        ended, self._ended = self._ended, []
        for observer in self._observers:
            on_end = observer.on_end
            for x in ended:
                try:
                    on_end(x)
                except Exception as error:  # noqa: BLE001 - reported; the other exchanges are still told
                    self._report(type(observer).__name__, x, error)
