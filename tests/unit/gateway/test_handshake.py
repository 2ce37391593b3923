"""Handshakes with real clients over real sockets: how each ends, and that only so many go on at once."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from seekgate.config.snapshot import Limits, Tls
from seekgate.gateway.callers import Callers
from seekgate.gateway.downstream import Downstream
from seekgate.gateway.handshake import LOGGED, Handshakes, SecureServer, result_of
from seekgate.gateway.sweep import Sweep
from seekgate.gateway.tls import Doors
from seekgate.gateway.turn import Turn
from seekgate.host.clock import SystemClock
from seekgate.host.messages import ListenFd
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from seekgate.wire.errors import ErrorKind
from seekgate.wire.message import Request
from tests.support.certificates import Pki

ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


class Hall:
    """A front that knows no stages: whoever asks is answered with who they are."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.clock = SystemClock()
        self.sweep = Sweep(_raise)
        self.turn = Turn(asyncio.get_running_loop().call_soon, _raise)
        self.callers = Callers()
        self.draining = False
        self.buffered = 0
        self.connections: set[Downstream] = set()
        self.seen: list[str] = []

    def connected(self, down: Downstream) -> None:
        assert down.door is not None
        self.connections.add(down)
        down.caller = self.callers.arrived(down, down.door)
        certified = None if down.caller is None else down.caller.certified
        self.seen.append("" if certified is None else certified.common_name)

    def disconnected(self, down: Downstream) -> None:
        self.connections.discard(down)

    def refused(self, down: Downstream, kind: ErrorKind) -> None:
        raise AssertionError(kind)

    def admit(self, down: Downstream, request: Request) -> None:
        down.write(ANSWER)
        down.finish(True, self.clock.monotonic())


def _raise(error: Exception) -> None:
    raise error


class House:
    """A listener with its handshakes. ``results`` counts how they ended, ``log`` is what the access log is told."""

    def __init__(self, tls: Tls, limits: Limits) -> None:
        self.hall = Hall(limits)
        self.metrics = Metrics(Registry())
        self.log: list[tuple[str, str]] = []
        self.handshakes = Handshakes(
            self.hall,  # type: ignore[arg-type]
            self.metrics,
            self.hall.clock,
            lambda client, kind: self.log.append((client, kind.name)),
        )
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.doors = Doors()
        self.server = SecureServer(self.handshakes, self.doors.open(ListenFd(0, tls)), listening)

    @property
    def results(self) -> dict[str, int]:
        return {
            labels[0]: int(child.value)
            for labels, child in self.metrics.tls_handshakes.children.items()
            if child.value
        }

    async def settled(self, count: int) -> dict[str, int]:
        """The results, once there are so many."""
        async with asyncio.timeout(20):
            while sum(self.results.values()) < count or len(self.handshakes):
                await asyncio.sleep(0)
        return self.results

    async def ask(self, client: ssl.SSLContext) -> bytes:
        """One request on a connection of its own. Raise `OSError` when it is refused."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=client)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            return await reader.readexactly(len(ANSWER))
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("closed") from error
        finally:
            writer.transport.abort()


def insist(port: int) -> None:
    """A client that does not know the authority, and says so before it leaves."""
    with socket.create_connection(("127.0.0.1", port), 20) as plain:
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")


LOOPS = pytest.mark.parametrize("loop", [asyncio, uvloop], ids=["asyncio", "uvloop"])


def played(loop: Any, tls: Tls, act: Callable[[House], Awaitable[None]], **limits: Any) -> None:
    async def play() -> None:
        house = House(tls, Limits(**limits))
        try:
            await act(house)
        finally:
            house.server.close()
            house.server.close()

    loop.run(play())


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


ALERTS = {
    "no_certificate": "CERTIFICATE_REQUIRED",
    "untrusted": "UNKNOWN_CA",
    "expired": "CERTIFICATE_EXPIRED",
    "revoked": "CERTIFICATE_REVOKED",
    "unverified": "UNSUPPORTED_CERTIFICATE",
}
"""What each client is told."""


@LOOPS
def test_how_handshakes_end(pki: Pki, tmp_path: Path, loop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = {
        "ok": pki.issue("good", client=True),
        "no_certificate": None,
        "untrusted": Pki(tmp_path / "foreign").issue("foreign", client=True),
        "expired": pki.issue("expired", client=True, days=-1),
        "revoked": pki.issue("revoked", client=True),
        "unverified": pki.issue("server-only", server=True),
    }
    pki.revoke("revoked")

    async def act(house: House) -> None:
        for number, (result, pair) in enumerate(pairs.items(), 1):
            if result == "ok":
                assert await house.ask(pki.client(pair)) == ANSWER
            else:
                with pytest.raises(ssl.SSLError, match=ALERTS[result]):
                    await house.ask(pki.client(pair))
            assert (await house.settled(number)).get(result) == 1, result
        assert house.hall.seen == ["good"]
        refused = [result for result in pairs if result != "ok"]
        assert house.log == [("127.0.0.1", f"tls_{result}") for result in refused]
        assert [house.metrics.rejected.labels(f"tls_{result}").value for result in refused] == [1] * 5
        with pytest.raises(OSError, match=r".*"):
            await house.ask(pki.client(None))
        assert (await house.settled(7))["no_certificate"] == 2

    played(loop, pki.tls(), act)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["result"] for line in told] == [result for result in pairs if result != "ok"], (
        "each is told once"
    )
    assert {line["client"] for line in told} == {"127.0.0.1"}
    assert told[3]["reason"] == "certificate revoked"


@LOOPS
def test_clients_that_do_not_get_so_far(pki: Pki, loop: Any) -> None:
    async def act(house: House) -> None:
        for number, said in enumerate((b"", b"GET / HTTP/1.1\r\n\r\n"), 1):
            reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
            writer.write(said)
            if not said:
                writer.close()
            await reader.read()
            writer.close()
            await house.settled(number)
        old = pki.client()
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(OSError, match=r".*"):
            await house.ask(old)
        await house.settled(3)
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(insist, house.port)
        await house.settled(4)
        assert house.results == {"left": 1, "protocol": 2, "client_refused": 1}
        assert [name for _, name in house.log] == ["tls_protocol", "tls_protocol", "tls_client_refused"]

    played(loop, pki.tls(client_certificates="off"), act)


@LOOPS
def test_only_so_many_at_once_and_each_for_so_long(pki: Pki, loop: Any) -> None:
    async def act(house: House) -> None:
        silent = [await asyncio.open_connection("127.0.0.1", house.port) for _ in range(2)]
        async with asyncio.timeout(20):
            while len(house.handshakes) < 2:
                await asyncio.sleep(0)
        assert house.metrics.tls_handshaking.value == 2
        with pytest.raises(OSError, match=r".*"):
            await house.ask(pki.client())
        assert house.results == {"crowded": 1}
        silent[0][1].transport.abort()
        async with asyncio.timeout(20):
            while len(house.handshakes) > 1:
                await asyncio.sleep(0)
        assert await house.ask(pki.client()) == ANSWER, "who leaves makes room at once"
        assert await silent[1][0].read() == b"", "who says nothing is closed in the end"
        assert await house.settled(4) == {"crowded": 1, "left": 1, "ok": 1, "timeout": 1}
        silent[1][1].close()

    played(loop, pki.tls(client_certificates="off"), act, handshakes=2, header_timeout=1.0)


@LOOPS
def test_connections_and_handshakes_count_together(pki: Pki, loop: Any) -> None:
    async def act(house: House) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", house.port, ssl=pki.client())
        await house.settled(1)
        with pytest.raises(OSError, match=r".*"):
            await house.ask(pki.client())
        assert await house.settled(2) == {"ok": 1, "crowded": 1}
        writer.transport.abort()

    played(loop, pki.tls(client_certificates="off"), act, connections=1)


@LOOPS
def test_what_a_client_says_with_its_handshake_is_not_lost(pki: Pki, loop: Any) -> None:
    """In TLS 1.3 the end of the client's handshake and its first request may come in one read."""

    async def act(house: House) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = pki.client().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                if outgoing.pending:
                    writer.write(outgoing.read())
                incoming.write(await reader.read(65_536))
        client.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 3)
        writer.write(outgoing.read())  # with the handshake's last message before it
        answers = b""
        while len(answers) < 3 * len(ANSWER):
            try:
                answers += client.read(65_536)
            except ssl.SSLWantReadError:
                incoming.write(await reader.read(65_536))
        assert answers == ANSWER * 3
        writer.transport.abort()

    played(loop, pki.tls(client_certificates="off"), act)


@LOOPS
def test_a_reload_between_two_handshakes(pki: Pki, loop: Any) -> None:
    tls = pki.tls()
    client = pki.client(pki.issue("good", client=True))

    async def act(house: House) -> None:
        assert await house.ask(client) == ANSWER
        pki.revoke("good")
        (door,) = house.doors
        from seekgate.gateway.tls import parts

        house.doors.use([(door, parts(tls, ()))])
        with pytest.raises(OSError, match=r".*"):
            await house.ask(client)
        assert await house.settled(2) == {"ok": 1, "revoked": 1}

    played(loop, tls, act)


def test_without_descriptors_the_listener_waits(
    pki: Pki, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("seekgate.gateway.handshake.ACCEPT_PAUSE", 0.05)

    class Exhausted:
        """A listening socket of a process that has no descriptor left, once."""

        def __init__(self, listening: socket.socket) -> None:
            self._listening = listening
            self._refusals = 1

        def accept(self) -> Any:
            if self._refusals:
                self._refusals -= 1
                raise OSError(24, "Too many open files")
            return self._listening.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._listening, name)

    async def act(house: House) -> None:
        monkeypatch.setattr(house.server, "_listening", Exhausted(house.server._listening))
        assert await house.ask(pki.client()) == ANSWER

    played(uvloop, pki.tls(client_certificates="off"), act)
    assert "Too many open files" in capsys.readouterr().err


def test_every_result_is_in_the_metric_s_help() -> None:
    from seekgate.telemetry.metrics import TLS_HANDSHAKES

    for kind in LOGGED.values():
        assert kind.name.removeprefix("tls_") in TLS_HANDSHAKES.help
    assert msgspec.structs.asdict(LOGGED["revoked"])["status"] == 400
    assert result_of(OSError()) == "left"
    assert result_of(ssl.SSLError(1, "[SSL] x")) == "protocol"
