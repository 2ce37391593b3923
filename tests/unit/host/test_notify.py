from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.host.notify import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(10)
        yield sock


def test_without_a_service_manager_nothing_is_sent() -> None:
    notifier = Notifier.from_environment({}, 1)
    assert notifier.watchdog is None
    assert not notifier.ready("serving", 1)
    notifier.close()


def test_one_datagram_for_each_change(manager: socket.socket) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": manager.getsockname()}, 7)
    assert notifier.ready("two\nlines", 7)
    assert manager.recv(4096) == b"READY=1\nMAINPID=7\nSTATUS=two lines"
    assert notifier.reloading("again")
    first, usec, last = manager.recv(4096).decode().split("\n")
    assert (first, last) == ("RELOADING=1", "STATUS=again")
    assert int(usec.removeprefix("MONOTONIC_USEC=")) > 0
    assert notifier.stopping("bye")
    assert manager.recv(4096) == b"STOPPING=1\nSTATUS=bye"
    assert notifier.status("x")
    assert manager.recv(4096) == b"STATUS=x"
    assert notifier.alive()
    assert manager.recv(4096) == b"WATCHDOG=1"
    assert notifier.extend(1.5)
    assert manager.recv(4096) == b"EXTEND_TIMEOUT_USEC=1500000"
    notifier.close()
    assert notifier.status("reopened")
    notifier.close()


def test_an_abstract_address() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("")
        name = sock.getsockname()
        notifier = Notifier.from_environment({"NOTIFY_SOCKET": "@" + name[1:].decode()}, 1)
        assert notifier.alive()
        assert sock.recv(100) == b"WATCHDOG=1"
        notifier.close()


def test_a_service_manager_that_is_gone_is_no_error(tmp_path: Path) -> None:
    notifier = Notifier(str(tmp_path / "gone"))
    assert not notifier.alive()
    notifier.close()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_ours_only_if_it_says_so(environment: dict[str, str], seconds: float | None) -> None:
    assert Notifier.from_environment({"NOTIFY_SOCKET": "/x", **environment}, 7).watchdog == seconds
    assert Notifier.from_environment(environment, 7).watchdog is None
