"""Reads of one turn are worked on together; what is written goes out at its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seekgate.gateway.turn import Turn


class Wire:
    """A transport that notes."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name, self.notes, self.closing = name, notes, False

    def write(self, data: bytes) -> None:
        self.notes.append(f"{self.name} writes {data.decode()}")

    def abort(self) -> None:
        self.notes.append(f"{self.name} aborts")
        self.closing = True

    def close(self) -> None:
        self.notes.append(f"{self.name} closes")
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing


class Echo:
    """Writes what it reads; fails on ``boom``."""

    def __init__(self, name: str, turn: Turn, notes: list[str]) -> None:
        self.wire, self.turn, self.notes = Wire(name, notes), turn, notes

    @property
    def transport(self) -> Wire:
        return self.wire

    def received(self, data: bytes) -> None:
        self.notes.append(f"{self.wire.name} reads {data.decode()}")
        if data == b"boom":
            raise RuntimeError("boom")
        self.turn.write(self.wire, data)


class Stage:
    """A turn, its schedule and what happened."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.scheduled: list[Callable[[], None]] = []
        self.failures: list[str] = []
        self.turn = Turn(self.scheduled.append, lambda error: self.failures.append(str(error)))
        self.client = Echo("client", self.turn, self.notes)
        self.upstream = Echo("upstream", self.turn, self.notes)

    def read(self, *clients: bytes, upstreams: tuple[bytes, ...] = ()) -> None:
        """Queue reads, as connections do."""
        for reads, echo, queue in (
            (upstreams, self.upstream, self.turn.upstreams),
            (clients, self.client, self.turn.clients),
        ):
            for data in reads:
                queue.append((echo, data))
                if not self.turn.scheduled:
                    self.turn.begin()


def test_requests_first_and_writes_last() -> None:
    stage = Stage()
    stage.read(b"a", b"b", upstreams=(b"c",))
    assert stage.notes == []
    (run,) = stage.scheduled
    run()
    assert stage.notes == [
        *("client reads a", "client reads b", "upstream reads c"),
        *("client writes a", "client writes b", "upstream writes c"),
    ]
    stage.read(b"d")
    assert len(stage.scheduled) == 2, "the next read schedules the next turn"


def test_between_turns_writes_go_out_at_once() -> None:
    stage = Stage()
    stage.turn.write(stage.client.wire, b"now")
    assert stage.notes == ["client writes now"]


def test_a_failure_costs_one_connection() -> None:
    stage = Stage()
    stage.read(b"boom", upstreams=(b"c",))
    stage.scheduled[0]()
    assert stage.failures == ["boom"]
    assert stage.notes == ["client reads boom", "client aborts", "upstream reads c", "upstream writes c"]


def test_a_failure_that_cannot_be_reported_costs_one_connection_too() -> None:
    stage = Stage()

    def fail(error: Exception) -> None:
        raise OSError("nobody reads the reports")

    stage.turn = Turn(stage.scheduled.append, fail)
    stage.client.turn = stage.upstream.turn = stage.turn
    stage.read(b"boom", b"b", upstreams=(b"c",))
    with pytest.raises(OSError, match="nobody reads"):
        stage.scheduled[0]()
    assert stage.notes == [
        *("client reads boom", "client aborts", "client reads b", "upstream reads c"),
        "upstream writes c",
    ]
    stage.turn.write(stage.upstream.wire, b"now")
    assert stage.notes[-1] == "upstream writes now", "the turn has ended"


def test_flushing_early_and_closed_connections() -> None:
    stage = Stage()

    class Closing(Echo):
        def received(self, data: bytes) -> None:
            super().received(data)
            self.turn.flush()
            self.wire.abort()
            self.turn.write(self.wire, b"late")

    stage.turn.clients.append((Closing("client", stage.turn, stage.notes), b"a"))
    stage.turn.run()
    assert stage.notes == ["client reads a", "client writes a", "client aborts"]


def test_reads_are_collected_only_while_a_poll_finds_many() -> None:
    stage = Stage()
    turn = stage.turn
    assert not turn.collecting

    def turns(count: int, reads: int) -> None:
        for _ in range(count):
            turn.clients.extend((Echo("client", turn, stage.notes), b"a") for _ in range(reads))
            turn.run()

    turn.adapt()
    assert turn.collecting, "a few turns are collected to find out"
    turns(8, 1)
    assert not turn.collecting
    turn.adapt()
    turns(8, 9)
    assert turn.collecting
    turns(100, 8)
    turn.adapt()
    assert turn.collecting
    turns(100, 1)
    turn.adapt()
    assert turn.collecting, "and again a few turns are"
    turns(8, 1)
    assert not turn.collecting


def test_what_is_worked_on_at_once_comes_behind_what_was_collected() -> None:
    stage = Stage()
    turn = stage.turn
    echo = Echo("client", turn, stage.notes)
    turn.clients.append((echo, b"a"))
    turn.at_once(echo, b"b")
    reads = [note for note in stage.notes if "reads" in note]
    assert reads == ["client reads a", "client reads b"]
    assert not turn.clients


class Slow:
    """A ticket whose record is safe when the test says so."""

    def __init__(self) -> None:
        self.done: list[Callable[[], object]] = []

    def then(self, done: Callable[[], object]) -> None:
        self.done.append(done)

    def safe(self) -> None:
        for done in self.done:
            done()


def test_records_are_committed_before_anything_goes_out() -> None:
    stage = Stage()

    def commit() -> None:
        stage.notes.append("commits")

    stage.turn.commit = commit
    stage.read(b"a", upstreams=(b"b",))
    stage.scheduled[0]()
    assert stage.notes[2:] == ["commits", "client writes a", "upstream writes b"]
    stage.turn.write(stage.client.wire, b"c")
    stage.turn.write_recorded(stage.client.wire, b"d")
    assert stage.notes[5:] == ["commits", "client writes c", "commits", "client writes d"]
    stage.turn.at_once(stage.client, b"e")
    assert stage.notes[9:] == ["client reads e", "commits", "client writes e"]


def test_what_stands_for_a_record_waits_for_its_ticket_and_nothing_else_does() -> None:
    stage = Stage()
    turn, client, other = stage.turn, Wire("client", stage.notes), Wire("other", stage.notes)
    tickets: list[Slow | None] = [Slow(), None]
    first = tickets[0]
    assert first is not None
    waiting = iter(tickets)
    turn.commit = lambda: next(waiting)
    turn.running = True
    turn.write(other, b"event")
    turn.write_recorded(client, b"end")
    turn.running = False
    turn.flush()
    assert stage.notes == ["other writes event"]
    assert turn.holds(client)
    turn.write(client, b"next answer")
    assert stage.notes == ["other writes event"], "nothing overtakes what waits"
    first.safe()
    assert stage.notes[1:] == ["client writes end", "client writes next answer"]
    assert not turn.holds(client)


def test_a_later_record_is_waited_for_too() -> None:
    stage = Stage()
    turn, client = stage.turn, Wire("client", stage.notes)
    first, second = Slow(), Slow()
    waiting = iter((first, second))
    turn.commit = lambda: next(waiting)
    turn.write_recorded(client, b"one")
    turn.write_recorded(client, b"two")
    first.safe()
    assert stage.notes == []
    second.safe()
    assert stage.notes == ["client writes one", "client writes two"]


def test_a_ticket_that_nothing_waits_for_holds_nothing() -> None:
    stage = Stage()
    turn, client = stage.turn, Wire("client", stage.notes)
    ticket = Slow()
    turn.commit = lambda: ticket
    turn.write(client, b"event")
    assert stage.notes == ["client writes event"]
    assert not ticket.done
    turn.write_recorded(client, b"end")
    turn.write_recorded(client, b"another")
    assert stage.notes[1:] == []
    ticket.safe()
    assert stage.notes[1:] == ["client writes end", "client writes another"]


def test_closing_waits_for_what_is_held() -> None:
    stage = Stage()
    turn, client = stage.turn, Wire("client", stage.notes)
    ticket = Slow()
    waiting = iter((ticket, None))
    turn.commit = lambda: next(waiting)
    turn.write_recorded(client, b"end")
    turn.close(client)
    assert stage.notes == []
    ticket.safe()
    assert stage.notes == ["client writes end", "client closes"]


def test_what_comes_after_the_record() -> None:
    stage = Stage()
    turn, client = stage.turn, Wire("client", stage.notes)
    ticket = Slow()
    waiting = iter((ticket, None))
    turn.commit = lambda: next(waiting)
    turn.write_recorded(client, b"end")
    turn.after(client, lambda: stage.notes.append("after"))
    assert not stage.scheduled
    ticket.safe()
    stage.scheduled.pop()()
    assert stage.notes == ["client writes end", "after"]


def test_a_held_connection_that_is_gone() -> None:
    stage = Stage()
    turn, client = stage.turn, Wire("client", stage.notes)
    ticket = Slow()
    turn.commit = lambda: ticket
    turn.write_recorded(client, b"end")
    client.abort()
    ticket.safe()
    assert stage.notes == ["client aborts"]
    assert not turn.holds(client)
