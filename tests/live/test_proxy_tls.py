"""TLS on both sides, with certificates of the test's own, and the way out through a proxy."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import trustme
from openai import OpenAI

from tests.live.conftest import MakeGateway
from tests.support.live import KEY, Gateway, settings
from tests.support.live_emulators import Emulators, emulators
from tests.support.live_proxy import connect_proxy
from tests.support.live_wire import Answer, exchange, post
from tests.support.until import until

NAME = "upstream.test"
ASK: Any = [{"role": "user", "content": "长江有多长？"}]


class Certificates:
    """An authority, and files of what it issues."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self.folder = folder
        self.authority.cert_pem.write_to_path(self.ca)

    def issue(self, name: str, *identities: str) -> dict[str, str]:
        """Certificate and key for these identities, as the configuration names them."""
        issued = self.authority.issue_cert(*identities)
        files = {"certificate": self.folder / f"{name}.pem", "key": self.folder / f"{name}.key"}
        beside = {kind: path.with_suffix(path.suffix + ".new") for kind, path in files.items()}
        issued.private_key_pem.write_to_path(beside["key"])
        beside["certificate"].write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        for kind, path in beside.items():
            path.replace(files[kind])
        return {kind: str(path) for kind, path in files.items()}

    def server(self, *identities: str, clients: Path | None = None) -> ssl.SSLContext:
        """The context of a server with these identities; it demands a certificate of ``clients``' authority."""
        files = self.issue("server", *identities)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(files["certificate"], files["key"])
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)
        return context


@pytest.fixture
def ours(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "theirs")


@pytest.fixture
def place() -> Iterator[Emulators]:
    with emulators() as made:
        yield made


def _tls(config: dict[str, Any], **tls: Any) -> dict[str, Any]:
    config["providers"]["deepseek"]["tls"] = tls
    return config


def _ask(node: Gateway) -> Answer:
    return exchange(node.url, post("/v1/chat/completions", {"model": "deepseek-flash", "messages": ASK}))


def _error(said: Answer) -> str:
    """The message of a 502, which is the upstream's fault and says so."""
    error = said.json()["error"]
    assert (said.status, error["type"], error["request_id"]) == (
        502,
        "api_error",
        said.headers["x-request-id"],
    )
    return str(error["message"])


# Towards clients.


def test_clients_speak_tls_1_3_and_nothing_older(
    make_gateway: MakeGateway, place: Emulators, ours: Certificates
) -> None:
    _, port = place.start()
    files = ours.issue("front", "127.0.0.1")
    listen = [{"address": "127.0.0.1:0", "tls": files}, "127.0.0.1:0"]
    node = make_gateway(settings(f"http://127.0.0.1:{port}", listen=listen))
    assert node.url.startswith("https://")
    context = ssl.create_default_context(cafile=str(ours.ca))
    with OpenAI(
        base_url=f"{node.url}/v1", api_key=KEY, max_retries=0, http_client=httpx.Client(verify=context)
    ) as made:
        assert made.chat.completions.create(model="deepseek-flash", messages=ASK).choices[0].message.content
        chunks = list(made.chat.completions.create(model="deepseek-flash", messages=ASK, stream=True))
        assert chunks[-1].choices[0].finish_reason == "stop"
    command = [
        "curl",
        "-sN",
        "--cacert",
        str(ours.ca),
        "-H",
        f"Authorization: Bearer {KEY}",
        "-w",
        "%{http_code}",
    ]
    for version, works in (("1.3", True), ("1.2", False)):
        flags = [f"--tlsv{version}", "--tls-max", version]
        done = subprocess.run([*command, *flags, f"{node.url}/v1/models"], capture_output=True, timeout=60)
        assert (done.returncode == 0) == works
        assert done.stdout.endswith(b"200" if works else b"000")
    old = ssl.create_default_context(cafile=str(ours.ca))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with httpx.Client(verify=old) as client, pytest.raises(httpx.ConnectError, match="SSL"):
        client.get(f"{node.url}/v1/models")
    # Whoever does not speak TLS at all ends nothing but his own connection.
    with httpx.Client() as client, pytest.raises(httpx.TransportError):
        client.get(node.url.replace("https", "http"))
    plain = str(node.ready["listen"][1])
    request = post("/v1/chat/completions", {"model": "deepseek-flash", "messages": ASK})
    assert exchange(plain, request).status == 200


def test_a_new_certificate_is_shown_without_a_restart(
    make_gateway: MakeGateway, place: Emulators, ours: Certificates
) -> None:
    _, port = place.start()
    listen = [{"address": "127.0.0.1:0", "tls": ours.issue("front", "127.0.0.1")}]
    node = make_gateway(settings(f"http://127.0.0.1:{port}", listen=listen))

    def shown() -> str:
        parts = urlsplit(node.url)
        return ssl.get_server_certificate((parts.hostname or "", parts.port or 0))

    first = shown()
    assert first == shown()
    ours.issue("front", "127.0.0.1")
    node.hears("configuration in force")
    until(lambda: shown() != first, "the new certificate to be shown")


# Towards upstreams.


def test_an_upstream_is_trusted_by_its_own_authority(
    make_gateway: MakeGateway, place: Emulators, ours: Certificates, theirs: Certificates
) -> None:
    emulator, port = place.start(tls=theirs.server("127.0.0.1"))
    config = settings(f"https://127.0.0.1:{port}")
    node = make_gateway(_tls(config, ca=str(theirs.ca)))
    assert _ask(node).status == 200
    assert len(emulator.requests) == 1
    for ca in (None, str(ours.ca)):
        node.write(_tls(config, ca=ca))
        node.hears("configuration in force", 1 + (ca is not None))
        assert "the certificate was not accepted" in _error(_ask(node))
    assert len(emulator.requests) == 1
    assert "PRIVATE KEY" not in "".join(str(line) for line in node.lines)


def test_a_certificate_for_another_name_is_not_accepted(
    make_gateway: MakeGateway, place: Emulators, theirs: Certificates
) -> None:
    emulator, port = place.start(tls=theirs.server("elsewhere.test"))
    node = make_gateway(_tls(settings(f"https://127.0.0.1:{port}"), ca=str(theirs.ca)))
    assert "the certificate was not accepted" in _error(_ask(node))
    assert not emulator.requests


def test_an_upstream_that_demands_a_certificate_gets_it(
    make_gateway: MakeGateway, place: Emulators, ours: Certificates, theirs: Certificates
) -> None:
    emulator, port = place.start(tls=theirs.server("127.0.0.1", clients=ours.ca))
    config = settings(f"https://127.0.0.1:{port}")
    node = make_gateway(_tls(config, ca=str(theirs.ca), **ours.issue("client", "gateway@example.test")))
    assert _ask(node).status == 200
    node.write(_tls(config, ca=str(theirs.ca)))
    node.hears("configuration in force")
    # With TLS 1.3 a server tells its refusal only after the handshake, as an end of the connection.
    assert _error(_ask(node))
    assert len(emulator.requests) == 1


# Through a proxy.


def test_the_way_out_is_through_the_proxy_of_the_environment(
    make_gateway: MakeGateway, place: Emulators, theirs: Certificates
) -> None:
    emulator, port = place.start(tls=theirs.server(NAME))
    with connect_proxy({f"{NAME}:443": ("127.0.0.1", port)}) as proxy:
        config = _tls(settings(f"https://{NAME}"), ca=str(theirs.ca))
        node = make_gateway(config, environment={"HTTPS_PROXY": proxy.url})
        assert _ask(node).status == 200
        request = {"model": "deepseek-flash", "messages": ASK, "stream": True}
        said = exchange(node.url, post("/v1/chat/completions", request))
        assert said.body.endswith(b"data: [DONE]\n\n")
        # One tunnel serves both, and the proxy learned no more than where to.
        assert [head.split("\r\n")[0] for head in proxy.asked] == [f"CONNECT {NAME}:443 HTTP/1.1"]
        assert "authorization" not in proxy.asked[0].lower()
        assert len(emulator.requests) == 2
        proxy.where.clear()
        place.close(emulator)
        until(lambda: node.gauge("seekgate_upstream_connections") == 0, "the tunnel to be closed")
        assert "the proxy answered 403 to CONNECT" in _error(_ask(node))


def test_no_proxy_is_asked_for_what_the_environment_excepts(
    make_gateway: MakeGateway, place: Emulators, theirs: Certificates
) -> None:
    emulator, port = place.start(tls=theirs.server("127.0.0.1"))
    with connect_proxy({}) as proxy:
        config = _tls(settings(f"https://127.0.0.1:{port}"), ca=str(theirs.ca))
        node = make_gateway(config, environment={"HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.0/8"})
        assert _ask(node).status == 200
        assert not proxy.asked
        config["providers"]["deepseek"]["proxy"] = proxy.url
        node.write(config)
        node.hears("configuration in force")
        assert "the proxy answered 403 to CONNECT" in _error(_ask(node))
        assert len(emulator.requests) == 1
    assert "the connection was refused" in _error(_ask(node))
