"""One turn of the loop: everything that was read is worked on together, and everything written goes out together.

A loop hands out reads one by one. Working on each at once means going back and forth between the kernel's network code
and ours, each pushing the other out of the processor's caches, and waking the other side for each single write. A turn
collects what one poll found readable, works on all of it, and then writes. Under load that saves about a quarter.
Nothing waits for anything: a turn is run by the loop before it waits again.

Where a poll mostly finds a read or two, collecting them would cost a second poll for little. So reads are collected
only while polls find many, and worked on at once otherwise; a few turns now and then tell which it is (`adapt`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

# Reads in a turn, on average, from which on collecting pays.
ENOUGH = 8
# A read of so many bytes is not collected: the loop reads a full socket again and again before it polls, and only
# working on what it read can pause that.
LARGE = 65_536
# Turns that are collected to find out.
PROBES = 8


class Transport(Protocol):
    """What a turn needs of asyncio's transports."""

    def write(self, data: bytes) -> None:
        """Send, or keep until it can be sent."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...

    def is_closing(self) -> bool:
        """It takes no more writes."""
        ...


class Reader(Protocol):
    """A connection whose reads a turn collects."""

    @property
    def transport(self) -> Transport:
        """Where it writes."""
        ...

    def received(self, data: bytes) -> None:
        """Work on what was read."""
        ...


class Turn:
    """Collects reads and writes of one event loop.

    ``schedule`` runs a callback in this iteration of the loop (``loop.call_soon``); ``report`` is told of an exception
    in a connection's work, which costs that connection only.
    """

    __slots__ = (
        "_probes",
        "_report",
        "_schedule",
        "clients",
        "collecting",
        "reads",
        "running",
        "scheduled",
        "turns",
        "upstreams",
        "writes",
    )

    def __init__(
        self, schedule: Callable[[Callable[[], None]], object], report: Callable[[Exception], None]
    ) -> None:
        self._schedule = schedule
        self._report = report
        # Connections append to these themselves: a call for each read would be felt.
        self.clients: list[tuple[Reader, bytes]] = []
        self.upstreams: list[tuple[Reader, bytes]] = []
        self.writes: list[tuple[Transport, bytes]] = []
        self.collecting = False
        self.reads = 0
        self.turns = 0
        self._probes = 0
        self.scheduled = False
        self.running = False

    def adapt(self) -> None:
        """Look whether collecting pays; called at intervals."""
        if self.collecting and not self._probes:
            self.collecting = self.reads >= ENOUGH * self.turns
        if not self.collecting:
            self.collecting = True
            self._probes = PROBES
        self.reads = self.turns = 0

    def begin(self) -> None:
        """Something was read, and no turn is scheduled yet."""
        self.scheduled = True
        self._schedule(self.run)

    def at_once(self, reader: Reader, data: bytes) -> None:
        """Work on a read now, behind what has been collected so far."""
        if self.clients or self.upstreams:
            self.run()
        reader.received(data)

    def write(self, transport: Transport, data: bytes) -> None:
        """Write at the end of this turn; at once between turns."""
        if self.running:
            self.writes.append((transport, data))
        else:
            transport.write(data)

    def flush(self) -> None:
        """Write now: whoever closes a connection must have sent what came before."""
        writes = self.writes
        if writes:
            self.writes = []
            for transport, data in writes:
                if not transport.is_closing():
                    transport.write(data)

    def run(self) -> None:
        """Work on all reads, in the order of each connection; then write."""
        self.scheduled = False
        self.running = True
        clients, self.clients = self.clients, []
        upstreams, self.upstreams = self.upstreams, []
        self.turns += 1
        self.reads += len(clients) + len(upstreams)
        if self._probes:
            self._probes -= 1
            if not self._probes:
                self.collecting = self.reads >= ENOUGH * self.turns
        unreported: Exception | None = None
        try:
            # Requests first: what goes to the upstreams keeps them busy while their answers are worked on.
            for reads in (clients, upstreams):
                for reader, data in reads:
                    try:
                        reader.received(data)
                    except Exception as error:  # noqa: BLE001 - reported, and costs this connection only
                        reader.transport.abort()
                        unreported = self._tell(error) or unreported
        finally:
            self.running = False
            self.flush()
        if unreported is not None:
            raise unreported

    def _tell(self, error: Exception) -> Exception | None:
        """Report; what goes wrong with that must not cost the reads of other connections."""
        try:
            self._report(error)
        except Exception as failure:  # noqa: BLE001 - raised at the end of the turn
            return failure
        return None
