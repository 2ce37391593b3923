"""Clients that leave, and clients that read slowly: what becomes of their upstream and of the worker's memory."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seekgate.emulate import BackgroundEmulator, Settings
from tests.live.conftest import MakeGateway
from tests.support.live import Gateway, gateway, settings
from tests.support.live_emulators import by_user
from tests.support.live_wire import Tap, connect, post, read_until, tap
from tests.support.processes import resident
from tests.support.until import until

CHAT = "/v1/chat/completions"
BIG = 100_000_000
EVENTS = 25_000
FAULTS = {
    "slow": "slow=20ms,tokens=100000",
    "late": "latency=60s",
    "queues": "queue=60s",
    "big": f"tokens={EVENTS},token-bytes={BIG // EVENTS},reasoning=0",
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emulator") / "requests.log"


@pytest.fixture(scope="module")
def emulator(log: Path) -> Iterator[BackgroundEmulator]:
    chosen = Settings(rules=by_user(FAULTS), log=str(log))
    with BackgroundEmulator(chosen) as running:
        yield running


@pytest.fixture(scope="module")
def node(emulator: BackgroundEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("leaving"), settings(emulator.url)) as running:
        yield running


def _ask(user: str, **more: Any) -> bytes:
    message = {"role": "user", "content": "x"}
    return post(CHAT, {"model": "deepseek-flash", "messages": [message], "user_id": user, **more})


def _logged(log: Path, event: str, user: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    ids = {line["id"] for line in lines if line["event"] == "start" and line["user_id"] == user}
    return [line for line in lines if line["event"] == event and line["id"] in ids]


def _close(connection: socket.socket) -> None:
    connection.close()


def _half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("leave", [_close, _half_close])
@pytest.mark.parametrize(
    ("user", "stream", "seen"),
    [
        ("slow", True, b'"content"'),  # between two events
        ("queues", True, b": keep-alive\n\n"),  # before the first event
        ("late", True, b""),  # before the head
        ("late", False, b""),
        ("queues", False, b"\r\n\r\n"),  # after empty lines of a plain answer
    ],
)
def test_the_upstream_of_a_client_that_left_is_closed(
    node: Gateway, log: Path, user: str, stream: bool, seen: bytes, leave: Callable[[socket.socket], None]
) -> None:
    before = len(_logged(log, "aborted", user))
    asked = len(_logged(log, "start", user))
    with connect(node.url) as connection:
        connection.sendall(_ask(user, stream=stream))
        if seen:
            read_until(connection, seen)
        until(lambda: len(_logged(log, "start", user)) > asked, "the request to arrive")
        left = time.monotonic()
        leave(connection)
        until(lambda: len(_logged(log, "aborted", user)) > before, "the emulator to log that it was left")
    took = _logged(log, "aborted", user)[-1]["t"] - left
    print(f"left after {seen!r}: the upstream was closed {took * 1000:.1f} ms later")


def test_a_client_that_leaves_is_on_record(node: Gateway) -> None:
    with connect(node.url) as connection:
        connection.sendall(_ask("late").replace(b"Host:", b"X-Request-Id: leaver\r\nHost:"))
        until(lambda: node.gauge("seekgate_requests_in_flight") == 1, "the request to be in flight")
    until(lambda: [line for line in node.access if line["id"] == "leaver"], "the access log")
    line = next(line for line in node.access if line["id"] == "leaver")
    assert (line["status"], line["outcome"]) == (499, "client_left")


def test_a_slow_reader_of_100_mb_leaves_the_memory_flat(
    emulator: BackgroundEmulator, make_gateway: MakeGateway
) -> None:
    with tap(emulator.url, keep=False) as line:
        node = make_gateway(settings(line.url))
        (worker,) = node.workers
        with connect(node.url) as connection:
            # Once quickly, so that what a first stream allocates is not taken for growth.
            connection.sendall(_ask("big", stream=True))
            assert _read(connection, lambda taken: None) > BIG
            before = resident(worker)
            growth = [0]

            def measure(taken: int) -> None:
                if taken >= len(growth) * BIG // 12:
                    _stand_still(line)
                    growth.append(resident(worker) - before)

            connection.sendall(_ask("big", stream=True))
            assert _read(connection, measure) > BIG
        print(f"growth while standing still, in KB: {[bytes // 1000 for bytes in growth]}")
        assert len(growth) > 10
        assert max(growth) < 4_000_000
    assert emulator.emulator.requests[-1].outcome == "complete"


def _read(connection: socket.socket, taken: Callable[[int], None]) -> int:
    """Read a chunked answer to its end, telling how many bytes have come; the number of all."""
    total, tail = 0, b""
    while not tail.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"):
        data = connection.recv(262_144)
        assert data, f"the stream ended after {total} bytes: {tail!r}"
        total += len(data)
        tail = (tail + data)[-64:]
        taken(total)
    return total


def _stand_still(line: Tap) -> None:
    """Do not read until the upstream has stopped sending: every buffer on the way is full."""
    seen = [-2, -1]

    def still() -> bool:
        seen.append(line.passed)
        return seen[-1] == seen[-2] == seen[-3]

    until(still, "the upstream to be held back")
