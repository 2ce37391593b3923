"""The scenes of `tests.live.chaos`: what is broken under load, and what may become of the requests meanwhile."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.dns import Hosts
from tests.support.live import Gateway, add_engine, settings
from tests.support.live_emulators import emulator_process
from tests.support.live_load import Load, Prompt, Results, capacity, prompts
from tests.support.live_wire import connect, exchange, post, read_until
from tests.support.processes import Process, alive
from tests.support.until import until

FAST, SLOW, SMALL = "deepseek-flash", "slow", "small"
STREAM_END = b"data: [DONE]\n\n\r\n0\r\n\r\n"


@dataclass(frozen=True)
class Row:
    """One figure: ``ok`` is None when nothing is demanded of it."""

    scene: str
    what: str
    value: str
    demanded: str = ""
    ok: bool | None = None


@dataclass
class Plan:
    """How much load, and what has been found. ``judge_times`` False only reports durations."""

    requests: int
    share: float
    judge_times: bool
    folder: Path
    rows: list[Row] = field(default_factory=list)
    capacity: float = 0.0

    def note(self, scene: str, what: str, value: object) -> None:
        """Report a figure of which nothing is demanded."""
        self.rows.append(Row(scene, what, str(value)))

    def demand(self, scene: str, what: str, value: object, demanded: str, ok: bool) -> None:
        """Report a figure that has to be right."""
        self.rows.append(Row(scene, what, str(value), demanded, ok))

    def in_time(self, scene: str, what: str, seconds: float, most: float) -> None:
        """Report a duration, which has to be right unless times are not judged."""
        shown = f"{seconds * 1000:.1f} ms" if most < 1 else f"{seconds:.2f} s"
        limit = f"<= {most * 1000:g} ms" if most < 1 else f"<= {most:g} s"
        self.rows.append(Row(scene, what, shown, limit, seconds <= most if self.judge_times else None))


@dataclass
class Node:
    """A node under test and the load that fits it."""

    gateway: Gateway
    prompts: list[Prompt]
    rate: float

    loads: list[Load] = field(default_factory=list)

    def load(self) -> Load:
        """Paced load, running evenly; it goes on until it is stopped, at the latest with its node."""
        made = Load(self.gateway.url, self.prompts, rate=self.rate).start()
        self.loads.append(made)
        until(lambda: made.results.answered > made.results.sent * 0.9 > 200, "the load to run")
        return made


def free_port() -> int:
    """A port that nobody had a moment ago: a node that is to start again on the same one needs it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def node(plan: Plan, name: str, *, engine: bool = False, workers: int = 2) -> Iterator[Node]:
    """A node with an instant upstream, one that streams slowly, perhaps an engine. The first one's capacity counts."""
    log = plan.folder / f"{name}-slow.log"
    with ExitStack() as stack:
        fast = stack.enter_context(emulator_process("--instant"))
        slow = stack.enter_context(emulator_process("--always", "slow=20ms,tokens=60", "--log", str(log)))
        config = settings(fast, listen=f"127.0.0.1:{free_port()}", workers=workers)
        config["providers"]["slow"] = {**config["providers"]["deepseek"], "base_url": slow}
        config["models"][SLOW] = {"deployments": [{"provider": "slow", "model": FAST}]}
        if engine:
            add_engine(config)
        gateway = Gateway(plan.folder / name, config)
        stack.callback(gateway.end)
        gateway.start()
        asked = prompts(gateway.url, FAST)
        if not plan.capacity:
            plan.capacity = capacity(gateway.url, asked)
            plan.note("all", "capacity of two workers", f"{plan.capacity:.0f} requests/s")
            plan.note("all", "load", f"{plan.share * plan.capacity:.0f} requests/s")
        made = Node(gateway, asked, plan.share * plan.capacity)
        try:
            yield made
        finally:
            for each in made.loads:
                each.stop()


def loaded(gateway: Gateway) -> dict[str, Any]:
    """The configuration that it was started with."""
    found: dict[str, Any] = yaml.safe_load(gateway.file.read_text())
    return found


# What became of the requests.


def read_and_lost(gateway: Gateway, results: Results) -> set[str]:
    """The requests that got no answer although a worker had read them.

    Whatever a worker has read is in its access log, with the id that the client gave it.
    """
    wanted = {each.id for each in results.unanswered}
    seen = {line["id"] for line in gateway.access} & wanted if wanted else set()
    return seen | {each.id for each in results.unanswered if each.begun}


def judge(plan: Plan, scene: str, gateway: Gateway, results: Results) -> None:
    """No response may be lost whose request was read, and none may be wrong."""
    lost = read_and_lost(gateway, results)
    unread = [each for each in results.unanswered if each.id not in lost]
    reused = sum(each.reused for each in unread)
    plan.note(scene, "requests sent", results.sent)
    plan.note(scene, "slowest answer", f"{results.slowest * 1000:.0f} ms")
    plan.note(scene, "unread: closed idle connections", reused)
    plan.note(scene, "unread: closed before it was accepted", len(unread) - reused)
    plan.demand(scene, "lost responses", len(lost), "0", not lost)
    plan.demand(scene, "wrong answers", len(results.wrong), "0", not results.wrong)
    if results.wrong:
        plan.note(scene, "the first wrong answer", results.wrong[0])


# Scenes.


def reloads(plan: Plan) -> None:
    """Twenty reloads and a rolling restart, while at least so many requests are sent."""
    scene = "reload"
    with node(plan, scene) as made:
        gateway = made.gateway
        config = loaded(gateway)
        load = made.load()
        for number in range(20):
            config["models"][f"added-{number}"] = config["models"][FAST] | {"aliases": []}
            gateway.write(config)
            gateway.signal(signal.SIGHUP)
            gateway.hears("configuration in force", number + 1)
        plan.note(scene, "reloads done after requests", load.results.sent)
        before = [each.pid for each in gateway.workers]
        gateway.signal(signal.SIGUSR2)
        gateway.hears("worker drained", len(before))
        plan.note(scene, "rolling restart done after requests", load.results.sent)
        until(lambda: load.results.sent >= plan.requests, "all requests to be sent", 600)
        results = load.stop()
        after = [each.pid for each in gateway.workers]
        plan.demand(
            scene, "workers replaced", len(set(after) - set(before)), "2", not set(before) & set(after)
        )
        judge(plan, scene, gateway, results)


def worker_killed(plan: Plan) -> None:
    """One of two workers is killed, three times."""
    scene = "worker killed"
    with node(plan, scene) as made:
        gateway = made.gateway
        load = made.load()
        for number in range(3):
            _kill_worker(plan, scene, gateway, load, number + 1)
            reached = load.results.answered
            until(lambda: load.results.answered > reached + 500, "the load to go on")  # noqa: B023
        results = load.stop()
        plan.note(scene, "requests sent", results.sent)
        plan.demand(scene, "wrong answers", len(results.wrong), "0", not results.wrong)


def _kill_worker(plan: Plan, scene: str, gateway: Gateway, load: Load, number: int) -> None:
    victim = gateway.workers[0]
    before = len(load.results.unanswered)
    ready = len(gateway.said("worker ready"))
    its_own = {each.raddr.port for each in victim.net_connections("tcp") if each.raddr}
    killed = time.monotonic()
    victim.send_signal(signal.SIGKILL)
    gateway.hears("worker ready", ready + 1)
    plan.in_time(scene, f"back, {number}", time.monotonic() - killed, 1.0)
    lost = load.results.unanswered[before:]
    strangers = [each for each in lost if each.port not in its_own]
    plan.note(scene, f"connections of the worker, {number}", len(its_own))
    plan.demand(scene, f"lost with it, {number}", len(lost), "on its connections only", not strangers)


def sigterm(plan: Plan) -> None:
    """SIGTERM with streams in flight and load."""
    scene = "SIGTERM"
    with node(plan, scene) as made:
        with Streams(made.gateway, 10) as streams:
            load = made.load()
            streams.begin()
            made.gateway.signal(signal.SIGTERM)
            code = made.gateway.wait()
        results = load.stop()
        plan.demand(scene, "exit code", code, "0", code == 0)
        plan.demand(scene, "streams finished", streams.finished, "10", streams.finished == 10)
        judge(plan, scene, made.gateway, results)


class Streams:
    """Slow streams, each on a connection and a thread of its own."""

    def __init__(self, gateway: Gateway, count: int) -> None:
        self.finished = 0
        self._url = gateway.url
        self._begun = [threading.Event() for _ in range(count)]
        self._threads = [threading.Thread(target=self._run, args=(each,)) for each in self._begun]

    def _run(self, begun: threading.Event) -> None:
        with connect(self._url) as connection:
            connection.sendall(ask(SLOW, stream=True))
            read_until(connection, b'"content"')
            begun.set()
            read_until(connection, STREAM_END)
            self.finished += 1

    def begin(self) -> None:
        """Start them and wait until each has had its first content."""
        for thread in self._threads:
            thread.start()
        until(lambda: all(each.is_set() for each in self._begun), "all streams to begin")

    def __enter__(self) -> Streams:
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(60)


def ask(model: str, **more: Any) -> bytes:
    """A chat request."""
    body = {"model": model, "messages": [{"role": "user", "content": "Tell me about the sea."}], **more}
    return post("/v1/chat/completions", body)


def supervisor_killed(plan: Plan) -> None:
    """The supervisor is killed under load, and started again at the same place."""
    scene = "supervisor killed"
    with node(plan, scene) as made, Streams(made.gateway, 5) as streams:
        gateway = made.gateway
        load = made.load()
        streams.begin()
        orphans: list[Process] = [*gateway.workers]
        gateway.note_family()
        gateway.signal(signal.SIGKILL)
        assert gateway.process is not None
        gateway.process.wait()  # and not for the end of its output, which the orphans still hold
        again = Gateway(gateway.folder, loaded(gateway))
        try:
            began = time.monotonic()
            again.start()
            plan.note(scene, "next start ready after", f"{time.monotonic() - began:.2f} s")
            until(lambda: not any(alive(each) for each in orphans), "the orphans to end")
            plan.note(scene, "orphans gone after", f"{time.monotonic() - began:.2f} s")
            reached = load.results.answered
            until(lambda: load.results.answered > reached + 500, "the load to go on")
            results = load.stop()
            status = exchange(again.url, ask(FAST)).status
            plan.demand(scene, "next start serves", status, "200", status == 200)
            code = again.stop()
            plan.demand(scene, "and ends in order", code, "0", code == 0)
        finally:
            again.end()
    plan.demand(scene, "streams finished", streams.finished, "5", streams.finished == 5)
    judge(plan, scene, gateway, results)


def engine_killed(plan: Plan) -> None:
    """The engine is killed with both slots streaming, beside load on another model."""
    scene = "engine killed"
    with node(plan, scene, engine=True) as made:
        gateway = made.gateway
        load = made.load()
        with connect(gateway.url) as one, connect(gateway.url) as two:
            for each in (one, two):
                each.sendall(ask(SMALL, stream=True, max_tokens=900, ignore_eos=True))
            begun = [read_until(each, b'"content"') for each in (one, two)]
            (engine,) = gateway.engines
            killed = time.monotonic()
            engine.send_signal(signal.SIGKILL)
            ends = [read_until(each, b"\r\n0\r\n\r\n") for each in (one, two)]
        clear = [b'"code":"upstream_cut"' in end and b"[DONE]" not in end for end in ends]
        plan.demand(scene, "streams that end with an error event", sum(clear), "2", all(clear) and all(begun))
        statuses: set[int] = set()
        while (status := exchange(gateway.url, ask(SMALL, max_tokens=2)).status) != 200:
            statuses.add(status)
        plan.note(scene, "back by itself after", f"{time.monotonic() - killed:.2f} s")
        plan.demand(scene, "statuses until then", sorted(statuses), "503", statuses <= {503})
        judge(plan, scene, gateway, load.stop())


def clients_leave(plan: Plan) -> None:
    """Twenty clients leave in the middle of their streams, under load."""
    scene = "client leaves"
    with node(plan, scene) as made:
        log = plan.folder / f"{scene}-slow.log"
        load = made.load()
        took = [_leave(made.gateway, log) for _ in range(20)]
        results = load.stop()
        plan.in_time(scene, "upstream closed, slowest of 20", max(took), 0.1)
        plan.note(scene, "upstream closed, median", f"{sorted(took)[10] * 1000:.1f} ms")
        judge(plan, scene, made.gateway, results)


def _leave(gateway: Gateway, log: Path) -> float:
    def aborted() -> list[dict[str, Any]]:
        return [each for each in map(json.loads, log.read_text().splitlines()) if each["event"] == "aborted"]

    before = len(aborted())
    with connect(gateway.url) as connection:
        connection.sendall(ask(SLOW, stream=True))
        read_until(connection, b'"content"')
        left = time.monotonic()
    until(lambda: len(aborted()) > before, "the emulator to log that it was left")
    return float(aborted()[-1]["t"]) - left


def addresses_change(plan: Plan) -> None:
    """The upstream's name gets another address under load."""
    scene = "DNS change"
    old, new, name = "127.0.0.2", "127.0.0.3", "models.test"
    hosts = Hosts(plan.folder / "hosts")
    hosts.say(name, old)
    with ExitStack() as stack:
        first = stack.enter_context(emulator_process("--instant", "--host", old))
        port = first.rpartition(":")[2]
        log = plan.folder / "new.log"
        stack.enter_context(emulator_process("--host", new, "--port", port, "--log", str(log)))
        config = settings(f"http://{name}:{port}")
        gateway = Gateway(plan.folder / scene, config, prefix=hosts.prefix)
        stack.callback(gateway.end)
        gateway.start()
        done, statuses = threading.Event(), list[int]()

        def traffic() -> None:
            while not done.is_set():
                statuses.append(exchange(gateway.url, ask(FAST, max_tokens=2)).status)

        thread = threading.Thread(target=traffic)
        thread.start()
        until(lambda: len(statuses) > 50, "traffic")
        changed = time.monotonic()
        hosts.say(name, new)
        until(lambda: log.exists() and log.stat().st_size > 0, "traffic at the new address")
        followed = time.monotonic() - changed
        reached = len(statuses)
        until(lambda: len(statuses) > reached + 50, "traffic")
        done.set()
        thread.join()
        plan.in_time(scene, "followed after", followed, 5.0)
        failed = sum(status != 200 for status in statuses)
        plan.demand(scene, f"failed of {len(statuses)} requests", failed, "0", failed == 0)


SCENES: dict[str, Callable[[Plan], None]] = {
    "reload": reloads,
    "worker": worker_killed,
    "sigterm": sigterm,
    "supervisor": supervisor_killed,
    "engine": engine_killed,
    "leave": clients_leave,
    "dns": addresses_change,
}
