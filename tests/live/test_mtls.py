"""Client certificates at a real gateway: who is let in, who is who, and a sidecar that speaks for others."""

from __future__ import annotations

import shlex
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from seekgate.config.snapshot import Pair
from seekgate.emulate import BackgroundEmulator, Settings
from tests.live.conftest import MakeGateway
from tests.support.certificates import Pki
from tests.support.live import KEY, SEEKGATE, Gateway, gateway, settings
from tests.support.live_envoy import sidecar
from tests.support.live_wire import Tap, answer, connect, exchange, post, tap
from tests.support.until import until

ENVOY = "spiffe://td/envoy"
FORGED = "URI=spiffe://td/admin"


@pytest.fixture(scope="module")
def emulator() -> Iterator[BackgroundEmulator]:
    with BackgroundEmulator(Settings()) as running:
        yield running


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


def listening(pki: Pki, *xfcc_from: str) -> dict[str, Any]:
    """A listener that demands client certificates."""
    tls = pki.tls()
    wanted = ("certificate", "key", "client_certificates", "client_ca", "crl")
    asked = {name: getattr(tls, name) for name in wanted}
    return {"address": "127.0.0.1:0", "tls": asked, "xfcc_from": list(xfcc_from)}


WHO = {
    "mtls": [
        {"match": {"spiffe": "spiffe://td/**"}},
        {"match": {"subject": "CN=张三"}, "name": "zhang-san"},
    ]
}


@pytest.fixture(scope="module")
def line(emulator: BackgroundEmulator) -> Iterator[Tap]:
    """What the gateway sends to its upstream."""
    with tap(emulator.url) as made:
        yield made


@pytest.fixture(scope="module")
def node(pki: Pki, line: Tap, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    config = settings(line.url, identity=WHO, trusted_proxies=["127.0.0.1/32"])
    config["listen"] = [listening(pki, ENVOY)]
    with gateway(tmp_path_factory.mktemp("node"), config) as running:
        yield running


def asked(**headers: str) -> bytes:
    """A request without an API key: its caller is known by a certificate or not at all."""
    message = {"role": "user", "content": "x"}
    body = {"model": "deepseek-flash", "messages": [message], "max_tokens": 2}
    return post("/v1/chat/completions", body, **headers).replace(
        f"Authorization: Bearer {KEY}\r\n".encode(), b""
    )


def who(node: Gateway, id: str) -> Any:
    """Who the access log says that a request came from."""
    found: list[Any] = []

    def logged() -> bool:
        found.extend(each for each in node.access if each["id"] == id)
        return bool(found)

    until(logged, f"the access log to tell of {id}")
    return found[0]["key"]


def refused(url: str, client: ssl.SSLContext) -> bool:
    """Whether a connection is refused in its handshake."""
    try:
        exchange(url, asked(), client)
    except OSError:
        return True
    return False


def results(node: Gateway) -> dict[str, float]:
    """The handshakes' results so far."""
    from urllib.request import urlopen

    with urlopen(f"{node.admin}/metrics", timeout=30) as said:
        rows = [
            row
            for row in said.read().decode().splitlines()
            if row.startswith("seekgate_tls_handshakes_total{")
        ]
    return {row.split('"')[1]: float(row.split()[-1]) for row in rows}


def is_told(node: Gateway, result: str, times: float) -> None:
    """A refusal stands in the log, in the metric and in the access log."""
    until(lambda: [said for said in node.lines if said.get("result") == result], "the log")
    until(lambda: results(node).get(result, 0) == times, "the metric")
    until(lambda: [each for each in node.access if each.get("error") == f"tls_{result}"], "the access log")


def test_who_is_refused_and_how_it_is_told(node: Gateway, pki: Pki, tmp_path: Path) -> None:
    pairs: dict[str, Pair | None] = {
        "no_certificate": None,
        "untrusted": Pki(tmp_path / "foreign").issue("foreign", client=True),
        "expired": pki.issue("expired", client=True, days=-1),
        "revoked": pki.issue("revoked", client=True),
    }
    pki.revoke("revoked")
    node.hears("configuration in force")
    before = results(node)
    for result, pair in pairs.items():
        assert refused(node.url, pki.client(pair)), result
        is_told(node, result, before.get(result, 0) + 1)
    good = pki.client(pki.issue("good", client=True, uris=["spiffe://td/good"]))
    assert exchange(node.url, asked(x_request_id="good"), good).status == 200
    assert who(node, "good") == "spiffe://td/good"


def test_a_revoked_client_is_refused_where_it_is_already_in(node: Gateway, pki: Pki) -> None:
    client = pki.client(pki.issue("leaver", client=True, uris=["spiffe://td/leaver"]))
    count = len(node.said("configuration in force"))
    with connect(node.url, secure=client) as kept:
        kept.sendall(asked())
        assert answer(kept).status == 200
        pki.revoke("leaver")
        node.hears("configuration in force", count + 1)
        kept.sendall(asked())
        said = answer(kept)
        assert (said.status, said.json()["error"]["code"]) == (403, "client_certificate")
        assert kept.recv(1) == b""
    assert refused(node.url, client)


def test_a_header_from_anybody_but_the_sidecar_is_ignored(node: Gateway, pki: Pki, line: Tap) -> None:
    rogue = pki.client(pki.issue("rogue", client=True, uris=["spiffe://td/rogue"]))
    line.forget()
    for number, value in enumerate((FORGED, f"By={ENVOY};{FORGED}", "nonsense")):
        said = exchange(node.url, asked(x_request_id=f"rogue{number}", x_forwarded_client_cert=value), rogue)
        assert said.status == 200
        assert who(node, f"rogue{number}") == "spiffe://td/rogue"
    assert b"forwarded-client-cert" not in line.request.lower()
    assert len(line.request) > 0


@pytest.mark.parametrize("details", ["SANITIZE_SET", "APPEND_FORWARD"])
@pytest.mark.parametrize("cert", [False, True], ids=["names", "certificate"])
def test_a_sidecar_speaks_for_its_clients(
    node: Gateway, pki: Pki, line: Tap, tmp_path: Path, details: str, cert: bool
) -> None:
    envoy = pki.issue("envoy", client=True, server=True, uris=[ENVOY])
    callers = {
        "spiffe://td/team-a": pki.issue("team-a", client=True, uris=["spiffe://td/team-a"]),
        "zhang-san": pki.issue("张三", client=True),
    }
    with sidecar(
        tmp_path / "envoy",
        node.port,
        pki.ca,
        envoy,
        envoy,
        details,
        subject=True,
        uri=True,
        dns=True,
        cert=cert,
    ) as url:
        line.forget()
        for number, (name, pair) in enumerate(callers.items()):
            for forged in ({}, {"x_forwarded_client_cert": FORGED}):
                id = f"{details}{cert}{number}{len(forged)}"
                said = exchange(url, asked(x_request_id=id, **forged), pki.client(pair))
                assert said.status == 200, said.body
                assert who(node, id) == name
        nobody = exchange(url, asked(), pki.client(pki.issue("nobody", client=True)))
        assert nobody.status == 401, "known to Envoy, and to no rule here"
        assert refused(url, pki.client())
    assert b"forwarded-client-cert" not in line.request.lower()


def test_another_proxy_is_not_believed(node: Gateway, pki: Pki, tmp_path: Path) -> None:
    other = pki.issue("other-envoy", client=True, server=True, uris=["spiffe://td/other-envoy"])
    caller = pki.client(pki.issue("team-b", client=True, uris=["spiffe://td/team-b"]))
    with sidecar(tmp_path / "envoy", node.port, pki.ca, other, other, "SANITIZE_SET", uri=True) as url:
        assert exchange(url, asked(x_request_id="other"), caller).status == 200
    assert who(node, "other") == "spiffe://td/other-envoy"


def test_the_certificates_for_trials_work_as_they_are_printed(
    make_gateway: MakeGateway, emulator: BackgroundEmulator, tmp_path: Path
) -> None:
    out = tmp_path / "certs"
    done = subprocess.run(
        [SEEKGATE, "certs", "dev", "--out", str(out)], capture_output=True, text=True, check=True
    )
    snippet = done.stdout[done.stdout.index("listen:") : done.stdout.index("Then this")]
    command = " ".join(done.stdout[done.stdout.index("curl ") : done.stdout.index("\n\nThese")].split("\\\n"))
    config = settings(emulator.url)
    config["listen"] = [yaml.safe_load(snippet)["listen"]]
    config["listen"][0]["address"] = "127.0.0.1:0"
    node = make_gateway(config)
    command = command.replace("localhost:8443", f"localhost:{node.port}") + " -sS --fail"
    called = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        env={**node.environment, "SEEKGATE_API_KEY": KEY},
    )
    assert called.returncode == 0, called.stderr
    assert "deepseek-flash" in called.stdout
    without = shlex.split(command.replace("$SEEKGATE_API_KEY", KEY))
    without = [
        part
        for part in without
        if not part.startswith(str(out / "client")) and part not in ("--cert", "--key")
    ]
    assert subprocess.run(without, capture_output=True, text=True).returncode != 0
