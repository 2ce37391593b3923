"""Deadlines without timers.

Each connection carries a ``deadline`` in monotonic seconds (0: none). Setting one is an attribute store; the sweep
visits every connection twice a second, a slice at a time, and calls those that are late. A timeout is therefore up to
half a second late, which is fine for timeouts of seconds and would not be for anything shorter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from seekgate.gateway.turn import Transport

SLICES = 4
TICK = 0.125


class Watched(Protocol):
    """What the sweep looks after."""

    deadline: float

    @property
    def transport(self) -> Transport:
        """What is closed when looking after it fails."""
        ...

    def on_deadline(self, now: float) -> None:
        """The deadline has passed. Set a new one, or 0, or go away."""
        ...


class Sweep:
    """Slices of watched objects, one looked at on each tick.

    ``report`` is told of an exception in a call, which costs that connection only.
    """

    __slots__ = ("_next", "_report", "_slices", "_turn")

    def __init__(self, report: Callable[[Exception], None]) -> None:
        self._report = report
        self._slices: tuple[set[Watched], ...] = tuple(set() for _ in range(SLICES))
        self._next = 0
        self._turn = 0

    def __len__(self) -> int:
        return sum(len(part) for part in self._slices)

    def add(self, watched: Watched) -> None:
        """Look after it until `discard`."""
        self._slices[self._next].add(watched)
        self._next = (self._next + 1) % SLICES

    def discard(self, watched: Watched) -> None:
        """Forget it."""
        for part in self._slices:
            part.discard(watched)

    def tick(self, now: float) -> None:
        """Look at one slice; call what is late."""
        part = self._slices[self._turn]
        self._turn = (self._turn + 1) % SLICES
        late = [watched for watched in part if 0.0 < watched.deadline <= now]
        for watched in late:
            # Another's call may have moved its deadline or let it go.
            if not 0.0 < watched.deadline <= now or watched not in part:
                continue
            try:
                watched.on_deadline(now)
            except Exception as error:  # noqa: BLE001 - reported, and costs this connection only
                watched.deadline = 0.0
                watched.transport.abort()
                self._report(error)
