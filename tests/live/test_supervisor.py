"""The supervisor as a process, with a worker that speaks its messages: what outlives what."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seekgate.host.processes import start_time
from tests.support.model import small_model
from tests.support.node import CONFIG, Node
from tests.support.until import until


class Nodes:
    """Makes nodes in one directory, and ends them all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "seekgate.yaml"
        self.made: list[Node] = []
        self.write()

    def write(self, workers: int = 1, port: int = 0) -> None:
        """Write the configuration, whole, as an editor would."""
        text = CONFIG.format(workers=workers).replace("listen: 127.0.0.1:0", f"listen: 127.0.0.1:{port}")
        self.write_text(text)

    def write_text(self, text: str) -> None:
        beside = self.path / "seekgate.new"
        beside.write_text(text)
        beside.replace(self.config)

    def node(self, home: str = "home", **options: Any) -> Node:
        node = Node(self.path / home, self.config, **options)
        self.made.append(node)
        return node


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    made = Nodes(tmp_path)
    yield made
    for node in made.made:
        node.end()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def children(node: Node) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads((node.home / "run/children.json").read_text())
    except FileNotFoundError:
        return []
    return found


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if start_time(pid) is not None]


def test_first_and_later_start_serve_and_end_in_order(nodes: Nodes) -> None:
    numbers = []
    for _ in range(2):
        node = nodes.node().start()
        answer = node.get()
        numbers.append(answer["number"])
        assert node.ready["pid"] == node.pid
        assert node.ready["admin"].startswith("http://127.0.0.1:")
        assert oct(node.home.stat().st_mode)[-3:] == "700"
        assert node.stop() == 0
        assert not alive([answer["pid"]])
        assert children(node) == []
    assert numbers[1] >= numbers[0]


def test_a_killed_worker_is_replaced_and_its_port_stays(nodes: Nodes) -> None:
    node = nodes.node().start()
    before = node.get()
    killed = time.monotonic()
    os.kill(before["pid"], signal.SIGKILL)
    # The connection waits in the backlog of the socket that the supervisor holds; it is neither refused nor reset.
    after = node.get()
    print(f"answered {time.monotonic() - killed:.3f} s after the kill")
    assert after["pid"] != before["pid"]
    assert after["generation"] > before["generation"]
    assert node.said("worker died")[0]["how"] == "signal SIGKILL"


def test_a_connection_that_waits_in_the_backlog_is_served_by_the_next_worker(nodes: Nodes) -> None:
    node = nodes.node().start()
    before = node.get()
    os.kill(before["pid"], signal.SIGSTOP)
    with socket.create_connection(("127.0.0.1", node.port), timeout=30) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        os.kill(before["pid"], signal.SIGKILL)
        answer = b""
        while data := client.recv(65536):
            answer += data
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["pid"] != before["pid"]


def test_rolling_restart_replaces_each_worker_and_loses_no_request(nodes: Nodes) -> None:
    nodes.write(workers=2)
    node = nodes.node().start()
    old = {child["pid"] for child in children(node) if child["role"].startswith("worker")}
    assert len(old) == 2
    stop, failures, answers = threading.Event(), [], []

    def ask() -> None:
        while not stop.is_set():
            try:
                answers.append(node.get()["pid"])
            except (OSError, ValueError) as error:
                failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        node.signal(signal.SIGUSR2)
        node.hears("rolling restart done")
        node.hears("worker drained", 2)
        until(lambda: answers and answers[-1] not in old, "an answer from a new worker")
    finally:
        stop.set()
        asking.join()
    assert failures == []
    assert not alive(list(old))
    assert {child["pid"] for child in children(node)}.isdisjoint(old)


def test_a_request_in_flight_is_finished_by_the_draining_worker(nodes: Nodes) -> None:
    node = nodes.node().start()
    old = node.get()["pid"]
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(node.get("/slow?1.5")))
    asking.start()
    until(lambda: connected(node.port), "the slow request to be connected")
    node.signal(signal.SIGUSR2)
    node.hears("rolling restart done")
    assert node.get()["pid"] != old
    asking.join()
    assert answers[0]["pid"] == old
    node.hears("worker drained")


def connected(port: int) -> bool:
    """Whether a client has an established connection to this port (from /proc: no traffic of our own)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_a_good_reload_swaps_and_a_bad_one_changes_nothing(nodes: Nodes) -> None:
    node = nodes.node().start()
    before = node.get()
    nodes.write_text(nodes.config.read_text().replace("m:\n", "other:\n"))
    node.hears("configuration in force")
    after = node.get()
    assert after["pid"] == before["pid"]
    assert after["number"] > before["number"]

    nodes.write_text("listen: nowhere\nwrokers: 2\n")
    event = node.hears("cannot be used: nothing changes")
    told = "\n".join(event["detail"])
    assert "seekgate.yaml:1" in told
    assert "seekgate.yaml:2" in told
    assert node.get()["number"] == after["number"]

    nodes.write()
    node.hears("configuration in force", 2)
    node.signal(signal.SIGHUP)
    node.hears("configuration in force", 3)
    assert node.get()["number"] > after["number"]


def test_a_later_start_serves_the_last_good_snapshot_first_and_checks_it_afterwards(nodes: Nodes) -> None:
    node = nodes.node().start()
    number = node.get()["number"]
    assert node.stop() == 0

    again = nodes.node().start()
    assert again.get()["number"] == number
    until(lambda: json.loads((again.home / "run/number").read_text()) > number, "the check to begin")
    until(lambda: not any(c["role"] == "compiler" for c in children(again)), "the check to end")
    assert again.stop() == 0
    assert not again.said("configuration in force")

    nodes.write(workers=2)
    changed = nodes.node().start()
    assert changed.ready["workers"] == 2
    assert changed.get()["number"] > number


def test_a_snapshot_that_a_worker_refuses_changes_nothing(nodes: Nodes) -> None:
    node = nodes.node().start()
    before = node.get()
    (node.home / "reject").write_text("the certificate does not fit its key")
    node.signal(signal.SIGHUP)
    event = node.hears("cannot be served: nothing changes")
    assert event["detail"] == ["the certificate does not fit its key"]
    assert node.get()["number"] == before["number"]
    (node.home / "reject").unlink()
    os.kill(before["pid"], signal.SIGKILL)
    assert node.get()["number"] == before["number"]


def test_changes_that_need_a_restart_are_named(nodes: Nodes) -> None:
    node = nodes.node().start()
    nodes.write(workers=2, port=1)
    node.hears("configuration in force")
    assert {line["what"] for line in node.said("needs a restart")} == {
        "listen addresses",
        "number of workers",
    }


def test_sigterm_finishes_what_is_in_flight_and_refuses_what_comes_later(nodes: Nodes) -> None:
    node = nodes.node().start()
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(node.get("/slow?1.5")))
    asking.start()
    until(lambda: connected(node.port), "the slow request to be connected")
    node.signal(signal.SIGTERM)
    until(lambda: refused(node.port), "the port to be closed")
    assert node.wait() == 0
    asking.join()
    assert len(answers) == 1


def refused(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def test_a_second_signal_ends_at_once(nodes: Nodes) -> None:
    node = nodes.node().start()
    failures: list[Exception] = []

    def ask() -> None:
        try:
            node.get("/slow?60")
        except (OSError, ValueError) as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: connected(node.port), "the slow request to be connected")
    node.signal(signal.SIGINT)
    node.hears("draining")
    node.signal(signal.SIGINT)
    assert node.wait() == 1
    asking.join()
    assert failures


def test_a_signal_during_the_start_ends_it_in_order(nodes: Nodes) -> None:
    for role in ("compiler", "worker 0"):
        node = nodes.node(home=role)
        node.launch()
        until(lambda n=node, r=role: r in [c["role"] for c in children(n)], f"the {role} to be started")  # type: ignore[misc]
        pids = [child["pid"] for child in children(node)]
        assert node.stop() == 0
        assert not alive(pids)
        assert not (node.home / "run/children.json").exists()


def test_the_built_in_configuration_greets_people_with_a_line_to_paste(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEKGATE_LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("SEEKGATE_ADMIN", "127.0.0.1:0")
    key = ""
    for _ in range(2):
        node = Node(nodes.path / "home", json=False, engines=False)
        nodes.made.append(node)
        process = node.launch()
        assert process.stdout is not None
        greeting = ""
        for line in process.stdout:
            greeting += line
            if line.startswith("curl "):
                break
        file = node.home / "demo.key"
        assert f'-H "Authorization: Bearer $(cat {file})"' in greeting
        key = key or file.read_text().strip()
        assert file.read_text().strip() == key
        assert oct(file.stat().st_mode)[-3:] == "600"
        assert key not in greeting
        assert node.stop() == 0
        assert key not in json.dumps(node.lines)


ENGINE = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
providers:
  local: {{type: llamacpp, engine: small}}
engines:
  small: {{model: {model}, context: {context}, slots: 1}}
models:
  m:
    deployments: [{{provider: local}}]
"""


def engine_pid(node: Node) -> int:
    return max((child["pid"] for child in children(node) if child["role"] == "engine small"), default=0)


def test_an_engine_is_restarted_replaced_and_removed(nodes: Nodes) -> None:
    nodes.write_text(ENGINE.format(model=small_model(), context=512))
    node = nodes.node().start()
    assert node.ready["engines"] == {"small": ""}
    assert node.get()["engines"] == {"small": True}
    first = engine_pid(node)
    os.kill(first, signal.SIGKILL)
    node.hears("engine ready", 2)
    assert node.said("engine died")[0]["how"].startswith("signal SIGKILL")
    until(lambda: node.get()["engines"] == {"small": True}, "the worker to know of the new engine")
    second = engine_pid(node)

    nodes.write_text(ENGINE.format(model=small_model(), context=256))
    node.hears("engine ready", 3)
    node.hears("engine drained")
    assert not alive([first, second])
    assert node.get()["engines"] == {"small": True}
    assert (node.home / "log/engine-small.log").stat().st_size > 0

    nodes.write()
    node.hears("engine no longer configured")
    node.hears("engine drained", 2)
    assert node.get()["engines"] == {"small": False}
    assert node.stop() == 0


def test_an_engine_that_cannot_work_is_named_and_the_rest_serves(nodes: Nodes) -> None:
    broken = nodes.path / "broken.gguf"
    broken.write_bytes(b"not a model")
    nodes.write_text(ENGINE.format(model=broken, context=512))
    node = nodes.node().start()
    assert "cannot work" in node.ready["engines"]["small"]
    assert node.get()["engines"] == {}
    assert "not a model" in node.said("engine cannot work here")[0]["how"]
    assert node.stop() == 0


def test_a_killed_supervisor_leaves_nothing_that_the_next_start_trips_over(nodes: Nodes) -> None:
    nodes.write(port=free_port())
    node = nodes.node().start()
    orphan = node.get()["pid"]
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(node.get("/slow?1")))
    asking.start()
    until(lambda: connected(node.port), "the slow request to be connected")
    node.signal(signal.SIGKILL)
    node.wait()
    again = nodes.node().start()
    again.hears("the supervisor before this one was killed")
    assert again.get()["pid"] != orphan
    asking.join()
    assert answers[0]["pid"] == orphan
    until(lambda: not alive([orphan]), "the orphan to end")
    assert again.stop() == 0


def test_an_orphan_that_does_not_let_go_is_ended(nodes: Nodes) -> None:
    nodes.write(port=free_port())
    node = nodes.node().start()
    orphan = node.get()["pid"]
    (node.home / "cling").touch()
    node.signal(signal.SIGKILL)
    node.wait()
    again = nodes.node().start()
    again.hears("an orphan still listens: killed")
    assert again.get()["pid"] != orphan
    assert not alive([orphan])


def test_two_supervisors_on_one_home_are_refused(nodes: Nodes) -> None:
    node = nodes.node().start()
    second = nodes.node()
    second.launch()
    assert second.wait() == 1
    assert f"another supervisor (pid {node.pid})" in second.lines[-1]["message"]
    assert node.get()["pid"]


def test_two_supervisors_on_one_port_are_refused(nodes: Nodes) -> None:
    nodes.write(port=free_port())
    node = nodes.node().start()
    second = nodes.node(home="other")
    second.launch()
    assert second.wait() == 1
    assert second.said("another program listens there")
    assert node.get()["pid"]


def test_a_bad_configuration_ends_the_start(nodes: Nodes) -> None:
    nodes.write_text("listen: nowhere\n")
    node = nodes.node()
    node.launch()
    assert node.wait() == 1
    assert node.said("the configuration cannot be used")[0]["detail"]
    assert children(node) == []


def test_a_worker_that_always_dies_ends_the_start(nodes: Nodes) -> None:
    node = nodes.node()
    node.home.mkdir()
    (node.home / "die").touch()
    node.launch()
    assert node.wait() == 1
    assert node.said("died 3 times before it was ready")


def test_the_service_manager_is_told(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        address = str(nodes.path / "notify")
        manager.bind(address)
        told: list[str] = []

        def listen() -> None:
            while (message := manager.recv(4096).decode()) != "enough":
                told.append(message)

        # Read all the while, as systemd does: the queue of a datagram socket is short.
        listening = threading.Thread(target=listen)
        listening.start()
        try:
            monkeypatch.setenv("NOTIFY_SOCKET", address)
            monkeypatch.setenv("WATCHDOG_USEC", "200000")
            node = nodes.node().start()
            until(lambda: "\n".join(told).count("WATCHDOG=1") >= 2, "the watchdog to be fed")
            node.signal(signal.SIGHUP)
            node.hears("configuration in force")
            assert node.stop() == 0
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"enough", address)
            listening.join()
    changes = [m for m in told if m.startswith(("READY=1", "RELOADING=1", "STOPPING=1"))]
    assert [m.partition("=")[0] for m in changes] == ["READY", "RELOADING", "READY", "STOPPING"]
    assert f"MAINPID={node.pid}" in changes[0]
    assert "MONOTONIC_USEC=" in changes[1]
