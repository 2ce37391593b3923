"""The systems under test: names, ports, requests, and refusals that say what is missing."""

from __future__ import annotations

import pytest

from bench import systems
from bench.load import CONFIG, BenchError
from bench.stream import KEY
from bench.traffic import api_key


def test_every_system_is_known_and_no_port_is_used_twice() -> None:
    ports: list[int] = []
    for name in systems.NAMES:
        target = systems.system(name)
        assert target.name == name
        ports += set(target.ports.values())
    assert len(ports) == len(set(ports))


def test_the_configurations_name_the_ports() -> None:
    files = {"nginx": "nginx.conf", "envoy": "envoy.yaml", "seekgate": "seekgate.yaml"}
    for name, file in files.items():
        for case, port in systems.system(name).ports.items():
            chosen = "governed.yaml" if name == "seekgate" and case in systems.GOVERNED else file
            text = (CONFIG / chosen).read_text()
            for each in (port, systems.UPSTREAM_PORT, systems.EVENTS_PORT):
                assert str(each) in text, f"{chosen} does not name port {each}"


def test_the_front_leads_to_each_system_with_a_certificate() -> None:
    text = (CONFIG / "front.conf").read_text()
    for name, port in systems.FRONTS.items():
        target = systems.system(name)
        assert f"upstream {name} {{ server 127.0.0.1:{target.ports['mtls']};" in text
        assert f"listen 127.0.0.1:{port} " in text
        assert target.url("mtls").startswith(f"http://127.0.0.1:{port}/")
        assert "Authorization" not in target.request_headers("mtls")


def test_governed_cases_have_a_home_and_keys_of_their_own() -> None:
    target = systems.system("seekgate")
    plain, governed = target.setup_for("unary"), target.setup_for("governed")
    assert plain.environment["SEEKGATE_HOME"] != governed.environment["SEEKGATE_HOME"] == str(systems.HOME)
    assert "governed/journal" in governed.leftovers
    assert target.request_headers("sse_restore")["Authorization"] == f"Bearer {api_key(0)}"
    assert systems.system("nginx").setup_for("governed") == systems.system("nginx").setup


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
