"""Whatever workers do, and whatever is lost on the way: a real Valkey never lets them hold more than the limit."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seekgate.stages.quota.counter import Reservation
from seekgate.stages.quota.leases import Leases
from seekgate.stages.quota.state import GRANTED, NEED, Tables
from seekgate.store.resp import Replies, Reply, ServerError, command
from seekgate.store.valkey_script import LIFE, SCRIPT, arguments, keys, read
from tests.support.limits import ANN, ValkeyServer, row, valkey

TOKENS, SLOTS = 60, 7
numbers = count()


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


class Place:
    """The script, asked one call at a time."""

    def __init__(self, path: str) -> None:
        self.prefix = f"p{time.monotonic_ns()}-{next(numbers)}"
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.settimeout(20)
        self._connection.connect(path)
        self._replies = Replies()
        self._seq = 0

    def ask(self, *parts: bytes | str | int) -> Reply:
        self._connection.sendall(command(*parts))
        while True:
            for reply in self._replies.feed(self._connection.recv(65_536)):
                assert not isinstance(reply, ServerError), str(reply)
                return reply

    def close(self) -> None:
        self._connection.close()


class Worker:
    """Tables, their leases, and the requests in flight. ``spent`` is what was settled."""

    def __init__(self, place: Place) -> None:
        self.name = f"w{next(numbers)}"
        self.place = place
        self.tables = Tables(lambda counter: None)
        self.tables.use_file([row(tokens={86_400: TOKENS}, concurrency=SLOTS)])
        self.tables.share(True, time.time())
        self.leases = Leases(self.tables)
        self.held: list[Reservation] = []
        self.spent = 0

    def exchange(self, lost: str = "") -> None:
        """Ask for everything that is asked for; ``lost``: the call, or its answer, gets lost."""
        asks = self.leases.collect(time.time())
        if not asks:
            return
        self.place._seq += 1
        if lost != "call":
            names = keys(self.place.prefix, asks)
            given = arguments(self.name, LIFE, self.place._seq, asks)
            told = read(self.place.ask("EVAL", SCRIPT, len(names), *names, *given), len(asks))
            assert told is not None
            if not lost:
                self.leases.answered(asks, told.answers, told.now)  # type: ignore[arg-type]
                return
        self.leases.failed(asks)

    def request(self, tokens: int, lost: str) -> None:
        """A request, asked for twice at most."""
        for _ in range(2):
            now = time.time()
            plan = self.tables.plan(ANN, "d", "m", "p", now)
            if (
                plan.take(now, tokens, 0, {})
                or (found := self.tables.decide(plan, now, tokens, 0, {})) is GRANTED
            ):
                self.held.append(Reservation(plan, now, tokens, 0))
                return
            if found is not NEED:
                return
            self.exchange(lost)

    def settle(self, at: int, share: int) -> None:
        """The end of a request that used some of what it had reserved."""
        if self.held:
            held = self.held.pop(at % len(self.held))
            used = held.input * share // 10
            held.plan.settle(held, used, 0, {})
            self.spent += used

    def sweep(self, lost: str) -> None:
        """As at intervals, long after the last one."""
        for c in self.tables.counters.values():
            c.reported_at, c.refused_until = 0.0, 0.0
        self.leases.sweep(time.time())
        self.exchange(lost)


steps = st.tuples(
    st.integers(0, 2),
    st.sampled_from(["request", "request", "settle", "sweep", "die"]),
    st.integers(0, 20),
    st.integers(0, 10),
    st.sampled_from(["", "", "", "call", "answer"]),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=5, max_size=60))
def test_never_more_than_the_limit(
    server: ValkeyServer, played: list[tuple[int, str, int, int, str]]
) -> None:
    place = Place(server.path)
    workers = [Worker(place) for _ in range(3)]
    buried = 0
    try:
        for which, what, first, second, lost in played:
            worker = workers[which]
            if what == "request":
                worker.request(first, lost)
            elif what == "settle":
                worker.settle(first, second)
            elif what == "sweep":
                worker.sweep(lost)
            else:
                # What a worker used just before its death is not known: it reports once more, and dies.
                worker.sweep("")
                place.ask("ZREM", "{" + place.prefix + ":quota}:workers", worker.name)
                buried += worker.spent
                workers[which] = Worker(place)
            reserved = sum(held.input for each in workers for held in each.held)
            assert buried + sum(each.spent for each in workers) + reserved <= TOKENS
            assert sum(len(each.held) for each in workers) <= SLOTS
        _settled_in_the_end(place, workers, buried)
    finally:
        place.close()


def _settled_in_the_end(place: Place, workers: list[Worker], buried: int) -> None:
    """Once all have settled and reported, exactly what was not used can be had again, all at once."""
    for worker in workers:
        while worker.held:
            worker.settle(0, 10)
        for _ in range(3):
            worker.sweep("")
    rest = TOKENS - buried - sum(each.spent for each in workers)
    last = Worker(place)
    last.request(rest, "")
    assert [held.input for held in last.held] == [rest]
    for _ in range(SLOTS):
        last.request(0, "")
    assert len(last.held) == SLOTS
