"""The systems under test: names, ports, requests, and refusals that say what is missing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from bench import systems
from bench.load import CONFIG, BenchError
from bench.stream import KEY


def test_every_system_is_known_and_no_port_is_used_twice() -> None:
    ports: list[int] = []
    for name in systems.NAMES:
        target = systems.system(name)
        assert target.name == name
        ports += set(target.ports.values())
    assert len(ports) == len(set(ports))


def test_the_configurations_name_the_ports() -> None:
    for name, file in [("nginx", "nginx.conf"), ("envoy", "envoy.yaml"), ("seekgate", "seekgate.yaml")]:
        text = (CONFIG / file).read_text()
        for port in (*systems.system(name).ports.values(), systems.UPSTREAM_PORT, systems.EVENTS_PORT):
            assert str(port) in text, f"{file} does not name port {port}"


def test_all_get_the_same_request() -> None:
    portkey = systems.system("portkey")
    plain = systems.system("nginx").request_headers("sse")
    assert plain == {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    assert portkey.request_headers("unary").items() > plain.items()
    assert portkey.request_headers("unary")["x-portkey-custom-host"].endswith(f":{systems.UPSTREAM_PORT}/v1")
    assert systems.system("nginx").url("unary_tls").startswith("https://127.0.0.1:18012/")


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(BenchError, match="there are nginx, envoy"):
        systems.system("haproxy")


def test_a_taken_port_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BenchError, match="in use"):
            systems.must_be_free(taken.getsockname()[1])


def test_a_program_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "WORK", tmp_path)
    with pytest.raises(BenchError, match="is not installed"):
        systems.Running("absent", (str(tmp_path / "absent"),))


def test_a_program_that_ends_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systems, "WORK", tmp_path)
    running = systems.Running("short", ("sh", "-c", "echo no such luck; exit 3"))
    running._process.wait()
    with pytest.raises(BenchError, match=r"(?s)status 3.*no such luck"):
        running.must_live()
    running.stop()
