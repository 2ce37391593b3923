from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator

import pytest

from seekgate.supervisor.loop import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def test_timers_run_in_order_and_cancelled_ones_do_not(loop: Loop) -> None:
    done: list[str] = []
    loop.later(0.03, lambda: (done.append("last"), loop.stop()))
    loop.later(0.0, lambda: done.append("first"))
    loop.later(0.0, lambda: done.append("second"))
    loop.later(0.01, lambda: done.append("never")).cancel()
    loop.run()
    assert done == ["first", "second", "last"]


def test_a_timer_that_is_set_by_a_timer(loop: Loop) -> None:
    done: list[int] = []
    loop.later(0.0, lambda: (done.append(1), loop.later(0.0, lambda: (done.append(2), loop.stop()))))
    loop.run()
    assert done == [1, 2]


def test_what_can_be_read_is_called_until_it_is_unwatched(loop: Loop) -> None:
    ours, theirs = socket.socketpair()
    got = bytearray()

    def read() -> None:
        got.extend(ours.recv(1))
        if len(got) == 2:
            loop.unwatch(ours)
            loop.later(0.0, loop.stop)

    loop.watch(ours, read)
    theirs.send(b"abc")
    loop.run()
    assert got == b"ab"
    ours.close()
    theirs.close()


def test_a_callback_that_ends_another_watch_of_the_same_round(loop: Loop) -> None:
    one, one_peer = socket.socketpair()
    two, two_peer = socket.socketpair()
    calls: list[str] = []

    def reader(name: str) -> None:
        calls.append(name)
        for sock in (one, two):
            loop.unwatch(sock)
            sock.close()
        loop.stop()

    loop.watch(one, lambda: reader("one"))
    loop.watch(two, lambda: reader("two"))
    one_peer.send(b"x")
    two_peer.send(b"x")
    loop.run()
    assert len(calls) == 1
    one_peer.close()
    two_peer.close()


def test_signals_come_from_the_loop_and_repeated_ones_count_once(loop: Loop) -> None:
    got: list[int] = []
    loop.on_signal(signal.SIGUSR1, lambda: got.append(signal.SIGUSR1))
    loop.on_signal(signal.SIGUSR2, lambda: (got.append(signal.SIGUSR2), loop.stop()))

    def send() -> None:
        for signum in (signal.SIGUSR1, signal.SIGUSR1, signal.SIGUSR2):
            os.kill(os.getpid(), signum)
        assert got == []

    loop.later(0.0, send)
    loop.run()
    assert got == [signal.SIGUSR1, signal.SIGUSR2]


def test_a_signal_before_the_loop_runs_is_not_lost_and_its_end_gives_signals_back(loop: Loop) -> None:
    got: list[int] = []
    loop.on_signal(signal.SIGUSR1, lambda: (got.append(1), loop.stop()))
    os.kill(os.getpid(), signal.SIGUSR1)
    loop.run()
    assert got == [1]
    other = Loop()
    other.on_signal(signal.SIGUSR2, lambda: None)
    other.close()
    assert signal.getsignal(signal.SIGUSR2) == signal.SIG_DFL
    os.kill(os.getpid(), signal.SIGUSR1)
    loop.run()
    assert got == [1, 1]
