"""The client that has left, while its upstream is let finish (``x.drain``).

Some policies want the whole answer to be made and charged all the same: the upstream bills it anyway, and its prompt
stays in the provider's cache. The relay then goes on, and what it sends goes nowhere. Bounded in number and in time,
since nobody else would end it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seekgate.gateway.front import PublicFront
    from seekgate.gateway.relay import Relay

MOST = 256
"""Answers that one worker finishes for nobody at a time; for others the upstream is closed at once."""

SECONDS = 300.0
"""How long one of them may take."""


class Nowhere:
    """A transport that takes nothing."""

    __slots__ = ()

    def write(self, data: bytes) -> None:
        """Nothing is sent."""

    def close(self) -> None:
        """Nothing is open."""

    def abort(self) -> None:
        """Nothing is open."""

    def is_closing(self) -> bool:
        """It takes no writes."""
        return True


class Nobody:
    """Stands where the client's connection stood."""

    __slots__ = ("_front", "deadline", "relay", "transport")

    writable = True

    def __init__(self, relay: Relay, front: PublicFront) -> None:
        self.relay: Relay | None = relay
        self.transport = Nowhere()
        self.deadline = front.clock.monotonic() + SECONDS
        self._front = front
        front.nobodies.add(self)
        front.sweep.add(self)

    def write(self, data: bytes) -> None:
        """Nothing is sent."""

    def write_last(self, data: bytes) -> None:
        """Nothing is sent."""

    def abort(self) -> None:
        """Nothing is open."""

    def finish(self, keep_alive: bool, now: float) -> None:
        """The answer is whole, or there is none."""
        self.relay = None
        self._front.nobodies.discard(self)
        self._front.sweep.discard(self)

    def give_up(self) -> None:
        """It takes too long, or the worker ends."""
        relay = self.relay
        if relay is not None:
            self.finish(False, 0.0)
            relay.client_left()

    def on_deadline(self, now: float) -> None:
        """It has taken long enough."""
        self.give_up()
