"""One worker's life, told by a supervisor that the test plays; sockets, files and the loop are real."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import json
import re
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from seekgate.app import Application
from seekgate.config.compiled.quota import Quota
from seekgate.config.rows import LimitRow
from seekgate.config.snapshot import AccessLog, Limits, Listener, Provider, Tls
from seekgate.config.snapshot_file import sealed, write_snapshot
from seekgate.gateway.resolver import SystemResolver
from seekgate.gateway.worker import UNSENT_BYTES, Worker, _broken
from seekgate.host.clock import SystemClock
from seekgate.host.messages import (
    Drain,
    ListenFd,
    Load,
    Loaded,
    Ready,
    Rejected,
    Start,
    decode_to_supervisor,
    encode,
)
from seekgate.telemetry.dump import decode
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from tests.support.certificates import Authority
from tests.support.scene_answers import Answer, only
from tests.support.scene_config import chat, get, post, snapshot
from tests.support.until import until


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """A worker sets the garbage collector for its own process."""
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support.scene_config import SECRETS

    for reference, secret in SECRETS.items():
        monkeypatch.setenv(reference.removeprefix("env:"), secret)


class Supervisor:
    """The other end of a worker's control connection, and its clients."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.number = 0
        self.always: dict[str, object] = {}
        self.pair: Tls | None = None
        self.public, self.admin = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.heard = b""

    def snapshot(self, **changes: object) -> str:
        self.number += 1
        path = self.home / f"{self.number}.json"
        log = AccessLog(str(self.home / "access.log"))
        made = msgspec.structs.replace(
            snapshot(), **{"number": self.number, "access_log": log, **self.always, **changes}
        )
        write_snapshot(path, sealed(made))
        return str(path)

    async def say(self, message: Start | Load | Drain) -> None:
        await asyncio.get_running_loop().sock_sendall(self.ours, encode(message))

    async def hears(self) -> Ready | Loaded | Rejected:
        while b"\n" not in self.heard:
            more = await asyncio.get_running_loop().sock_recv(self.ours, 65_536)
            assert more, "the worker closed its control channel"
            self.heard += more
        line, _, self.heard = self.heard.partition(b"\n")
        return decode_to_supervisor(line)

    async def start(self) -> None:
        listeners = (ListenFd(self.public.dup().detach(), self.pair, "127.0.0.1", 0),)
        await self.say(Start(0, 1, listeners, self.admin.dup().detach(), self.snapshot(), str(self.home)))
        assert isinstance(await self.hears(), Ready)

    async def ask(self, request: bytes, admin: bool = False) -> Answer:
        port = (self.admin if admin else self.public).getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        data = await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        return only(data)


def played(
    home: Path,
    act: Callable[[Supervisor], Awaitable[None]],
    compose: Callable[[Metrics, SystemClock], Application] = Application,
) -> Supervisor:
    """Run a worker while ``act`` goes on; it must have ended as told when this returns."""
    supervisor = Supervisor(home)

    async def play() -> None:
        metrics, clock = Metrics(Registry()), SystemClock()
        worker = Worker(compose(metrics, clock), metrics, clock, SystemResolver())
        running = asyncio.create_task(worker.run(supervisor.theirs.detach()))
        try:
            await act(supervisor)
            assert await running == 0
        finally:
            running.cancel()

    try:
        asyncio.run(asyncio.wait_for(play(), 60))
    finally:
        for part in (supervisor.public, supervisor.admin, supervisor.ours):
            part.close()
    return supervisor


async def eventually(condition: Callable[[], object], what: str) -> None:
    """`until` while the loop goes on."""
    await asyncio.to_thread(until, condition, what, 30.0)


def test_serve_reload_and_drain(tmp_path: Path) -> None:
    async def act(supervisor: Supervisor) -> None:
        await supervisor.start()
        assert (await supervisor.ask(get())).status == 200
        assert (await supervisor.ask(get("/readyz"), admin=True)).body == b"ready\n"
        await supervisor.say(Load(str(tmp_path / "none.json")))
        rejected = await supervisor.hears()
        assert isinstance(rejected, Rejected)
        assert "cannot read the snapshot" in rejected.reason
        await supervisor.say(Load(supervisor.snapshot(models={})))
        assert await supervisor.hears() == Loaded(2)
        assert json.loads((await supervisor.ask(get())).body)["data"] == []
        metrics = (await supervisor.ask(get("/metrics"), admin=True)).body
        assert b'seekgate_snapshot_number{worker="0"} 2' in metrics
        assert b'seekgate_snapshot_loads_total{result="rejected"} 1' in metrics
        await supervisor.say(Drain(5.0))

    supervisor = played(tmp_path, act)
    lines = [json.loads(line) for line in (tmp_path / "access.log").read_bytes().splitlines()]
    assert [(line["path"], line["status"], line["key"]) for line in lines] == [("/v1/models", 200, "app")] * 2
    assert (supervisor.home / "run/metrics/0.json").stat().st_size > 0


def test_a_snapshot_whose_secret_is_missing_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(supervisor: Supervisor) -> None:
        await supervisor.start()
        monkeypatch.delenv("OFFICE")
        await supervisor.say(Load(supervisor.snapshot()))
        rejected = await supervisor.hears()
        assert isinstance(rejected, Rejected)
        assert rejected.number == 2
        assert "OFFICE" in rejected.reason
        assert (await supervisor.ask(get())).status == 200
        await supervisor.say(Drain(5.0))

    played(tmp_path, act)


def test_an_access_log_that_cannot_be_opened_changes_nothing(tmp_path: Path) -> None:
    async def act(supervisor: Supervisor) -> None:
        await supervisor.start()
        await supervisor.say(
            Load(supervisor.snapshot(models={}, access_log=AccessLog(str(tmp_path / "nowhere" / "log"))))
        )
        rejected = await supervisor.hears()
        assert isinstance(rejected, Rejected)
        assert (rejected.number, "No such file" in rejected.reason) == (2, True)
        assert json.loads((await supervisor.ask(get())).body)["data"]
        await supervisor.say(Load(supervisor.snapshot()))
        assert await supervisor.hears() == Loaded(3)
        await supervisor.say(Drain(5.0))

    played(tmp_path, act)
    assert len((tmp_path / "access.log").read_bytes().splitlines()) == 1


def test_certificates_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    async def act(supervisor: Supervisor) -> None:
        port = supervisor.public.getsockname()[1]
        authority = Authority(tmp_path)
        first, second = authority.issue("first"), authority.issue("second")
        supervisor.pair = first
        await supervisor.start()
        key = Path(first.key).read_bytes()
        Path(first.key).write_bytes(Path(second.key).read_bytes())
        await supervisor.say(Load(supervisor.snapshot(listeners=(Listener("127.0.0.1", 0, first),))))
        rejected = await supervisor.hears()
        assert isinstance(rejected, Rejected)
        assert "key values mismatch" in rejected.reason
        assert await asyncio.to_thread(authority.shown, port) == "first"
        Path(first.key).write_bytes(key)
        await supervisor.say(Load(supervisor.snapshot(listeners=(Listener("127.0.0.1", 0, second),))))
        assert await supervisor.hears() == Loaded(3)
        assert await asyncio.to_thread(authority.shown, port) == "second"
        await supervisor.say(Drain(5.0))

    played(tmp_path, act)


def test_a_worker_without_a_supervisor_finishes_and_goes(tmp_path: Path) -> None:
    async def act(supervisor: Supervisor) -> None:
        await supervisor.start()
        supervisor.ours.close()

    played(tmp_path, act)


def test_draining_before_it_has_begun(tmp_path: Path) -> None:
    async def act(supervisor: Supervisor) -> None:
        await supervisor.say(Drain(5.0))

    played(tmp_path, act)


def test_counts_go_on_where_the_worker_before_left_off(tmp_path: Path) -> None:
    async def act(supervisor: Supervisor) -> None:
        await supervisor.start()
        await supervisor.ask(get())
        metrics = (await supervisor.ask(get("/metrics"), admin=True)).body
        found.append(
            next(line for line in metrics.splitlines() if line.startswith(b"seekgate_requests_total{"))
        )
        await supervisor.say(Drain(5.0))

    found: list[bytes] = []
    played(tmp_path, act)
    played(tmp_path, act)
    assert [line.split()[-1] for line in found] == [b"1.0", b"2.0"]


def test_a_part_of_a_tick_that_fails_takes_no_other_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(Application):
        def tick(self) -> None:
            raise RuntimeError("no tick today")

    async def act(supervisor: Supervisor) -> None:
        await supervisor.start()
        file = tmp_path / "run/metrics/0.json"
        await eventually(file.exists, "the metrics to be written")
        first = file.stat().st_mtime_ns
        await eventually(lambda: file.stat().st_mtime_ns > first, "the metrics to be written again")
        await supervisor.say(Drain(5.0))

    played(tmp_path, act, Failing)
    complaint = json.loads(capsys.readouterr().err.splitlines()[0])
    assert (complaint["level"], complaint["error"].startswith("RuntimeError at test_worker.py")) == (
        "error",
        True,
    )


def test_nobody_reads_the_complaints(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    _broken(RuntimeError("unheard"))


@pytest.mark.parametrize("on_cancel", ["cancel", "drain"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_what_a_drain_cuts_off_is_counted(
    tmp_path: Path, secure: bool, on_cancel: Literal["cancel", "drain"]
) -> None:
    async def act(supervisor: Supervisor) -> None:
        limit = LimitRow("model:*", "model", "*", concurrency=9)
        supervisor.always["quota"] = Quota(limits=(limit,), on_cancel=on_cancel)
        authority = Authority(tmp_path)
        supervisor.pair = authority.issue("gateway") if secure else None
        supervisor.always["providers"] = at(upstream.getsockname()[1])
        await supervisor.start()
        _, client = await asyncio.open_connection(
            "127.0.0.1", supervisor.public.getsockname()[1], ssl=authority.client() if secure else None
        )
        client.write(post(chat("priced")))
        accepted, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(upstream), 20)
        kept.extend((client, accepted))
        await supervisor.say(Drain(0.2))

    kept: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as upstream:  # accepts, and never answers
        upstream.setblocking(False)
        played(tmp_path, act)
    dump = decode((tmp_path / "run/metrics/0.json").read_bytes()).families
    counted = {sample.labels[1:]: sample.value for sample in dump["seekgate_requests_total"].samples}
    assert counted == {("priced", "priced", "499"): 1}
    assert [sample.value for sample in dump["seekgate_requests_in_flight"].samples] == [0]
    (line,) = (tmp_path / "access.log").read_bytes().splitlines()
    assert json.loads(line)["status"] == 499


def at(port: int) -> dict[str, Provider]:
    """The scene's providers, all at a port of this machine."""
    return {
        name: msgspec.structs.replace(each, host="127.0.0.1", port=port)
        for name, each in snapshot().providers.items()
    }


def test_a_provider_that_is_gone_has_no_connections(tmp_path: Path) -> None:
    async def act(supervisor: Supervisor) -> None:
        supervisor.always["providers"] = at(upstream.getsockname()[1])
        await supervisor.start()
        request = asyncio.create_task(supervisor.ask(post(chat("priced"))))
        accepted, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(upstream), 20)
        assert await busy(supervisor) == {"cloud": "1"}
        await supervisor.say(Load(supervisor.snapshot(providers={}, deployments=(), models={})))
        assert await supervisor.hears() == Loaded(2)
        assert await busy(supervisor) == {"cloud": "1"}, "it is still being answered"
        accepted.close()
        assert (await request).status == 502
        assert await busy(supervisor) == {"cloud": "0"}
        await supervisor.say(Drain(5.0))

    with socket.create_server(("127.0.0.1", 0)) as upstream:
        upstream.setblocking(False)
        played(tmp_path, act)


async def busy(supervisor: Supervisor) -> dict[str, str]:
    """Busy connections to the provider ``cloud``, if there is any such line."""
    text = (await supervisor.ask(get("/metrics"), admin=True)).body.decode()
    found = re.findall(
        r'^seekgate_upstream_connections{provider="(\w+)",state="busy"} (\d)', text, re.MULTILINE
    )
    return {name: count for name, count in found if name == "cloud"}


def test_a_handshake_has_the_time_of_a_head(tmp_path: Path) -> None:
    async def act(supervisor: Supervisor) -> None:
        supervisor.pair = Authority(tmp_path).issue("gateway")
        supervisor.always["limits"] = Limits(header_timeout=0.2)
        await supervisor.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", supervisor.public.getsockname()[1])
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        await supervisor.say(Drain(5.0))

    played(tmp_path, act)


def test_the_kernel_holds_little_for_a_slow_client(tmp_path: Path) -> None:
    async def act(supervisor: Supervisor) -> None:
        await supervisor.start()
        held = supervisor.public.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)
        assert held == UNSENT_BYTES, "accepted connections have what their listener has"
        await supervisor.say(Drain(5.0))

    played(tmp_path, act)
