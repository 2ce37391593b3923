"""One turn of the loop: everything that was read is worked on together, and everything written goes out together.

Before anything goes out, what the turn has to record is committed (`Turn.commit`): who gets an answer can be sure that
it stands in the journal.

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

    def close(self) -> None:
        """Close when everything is sent."""
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


class Ticket(Protocol):
    """Something that is being made durable."""

    def then(self, done: Callable[[], object]) -> None:
        """Call ``done`` on the loop once it is, or once it is known that it cannot be."""
        ...


class Turn:
    """Collects reads and writes of one event loop.

    ``schedule`` runs a callback in this iteration of the loop (``loop.call_soon``); ``report`` is told of an exception
    in a connection's work, which costs that connection only. ``commit``, if set, is called before writes go out; if it
    gives a `Ticket`, those that stand for something recorded (`write_recorded`) wait for it. It gives one for as long
    as an earlier record is not safe.
    """

    __slots__ = (
        "_held",
        "_probes",
        "_recorded",
        "_report",
        "_schedule",
        "clients",
        "collecting",
        "commit",
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
        self.commit: Callable[[], Ticket | None] | None = None
        self._recorded: set[Transport] = set()
        # What waits, by connection, and the ticket that it waits for; None closes the connection behind it, and a
        # callable is called.
        self._held: dict[Transport, tuple[Ticket, list[bytes | Callable[[], None] | None]]] = {}
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
        if self.running:
            reader.received(data)
            return
        self.running = True
        try:
            reader.received(data)
        finally:
            self.running = False
            self.flush()

    def write(self, transport: Transport, data: bytes) -> None:
        """Write at the end of this turn; at once between turns."""
        self.writes.append((transport, data))
        if not self.running:
            self.flush()

    def write_recorded(self, transport: Transport, data: bytes) -> None:
        """`write` what must not be seen before its record is safe: a request to an upstream, the end of an answer."""
        if self.commit is not None:
            self._recorded.add(transport)
        self.writes.append((transport, data))
        if not self.running:
            self.flush()

    def close(self, transport: Transport) -> None:
        """Close when everything is sent that was written so far."""
        self.flush()
        if transport in self._held:
            self._held[transport][1].append(None)
        else:
            transport.close()

    def holds(self, transport: Transport) -> bool:
        """Whether something written to it waits for its record."""
        return transport in self._held

    def after(self, transport: Transport, then: Callable[[], None]) -> None:
        """Have ``then`` called by the loop once nothing written to it so far waits any more; `holds` is true."""
        self._held[transport][1].append(then)

    def flush(self) -> None:
        """Commit, then write."""
        if self.commit is not None:
            self._flush_committed(self.commit)
            return
        writes = self.writes
        if writes:
            self.writes = []
            for transport, data in writes:
                if not transport.is_closing():
                    transport.write(data)

    def _flush_committed(self, commit: Callable[[], Ticket | None]) -> None:
        ticket = commit()
        writes, self.writes = self.writes, []
        recorded = self._recorded
        if recorded:
            self._recorded = set()
        if (ticket is None or not recorded) and not self._held:
            for transport, data in writes:
                if not transport.is_closing():
                    transport.write(data)
            return
        self._write_or_hold(writes, recorded, ticket)

    def _write_or_hold(
        self, writes: list[tuple[Transport, bytes]], recorded: set[Transport], ticket: Ticket | None
    ) -> None:
        held = self._held
        waiting: list[Transport] = []
        if ticket is not None:
            waiting += recorded
            for transport in recorded:
                # What waited for an earlier ticket waits for this one too, so that nothing is overtaken.
                held[transport] = (ticket, held[transport][1] if transport in held else [])
        for transport, data in writes:
            if transport in held:
                held[transport][1].append(data)
            elif not transport.is_closing():
                transport.write(data)
        if ticket is not None and waiting:
            ticket.then(lambda: self._release(ticket, waiting))

    def _release(self, ticket: Ticket, transports: list[Transport]) -> None:
        """What these connections waited for is safe. What was written to them meanwhile follows."""
        for transport in transports:
            if transport not in self._held or self._held[transport][0] is not ticket:
                continue  # it waits for a later one
            for data in self._held.pop(transport)[1]:
                if data is None:
                    transport.close()
                elif callable(data):
                    self._schedule(data)
                elif not transport.is_closing():
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
