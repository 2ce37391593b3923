"""Certificates, authorities and revocations replaced while traffic goes on: nobody's request fails."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seekgate.emulate import BackgroundEmulator, Settings
from tests.live.conftest import MakeGateway
from tests.support.certificates import Pki, replace
from tests.support.live import Gateway, settings
from tests.support.live_load import Load, prompts
from tests.support.live_wire import connect, exchange, post
from tests.support.until import until

RATE = 120.0
ASK = [{"role": "user", "content": "x"}]
NOWHERE = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.fixture(scope="module")
def emulator() -> Iterator[BackgroundEmulator]:
    with BackgroundEmulator(Settings(instant=True)) as running:
        yield running


class Newcomers:
    """One new connection after the other, each with a handshake of its own and one request."""

    def __init__(self, url: str, secure: ssl.SSLContext) -> None:
        self.answered = 0
        self.trouble: list[str] = []
        self._url, self._secure = url, secure
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> Newcomers:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._done.set()
        self._thread.join(30)

    def _run(self) -> None:
        request = post("/v1/chat/completions", {"model": "deepseek-flash", "messages": ASK})
        while not self._done.is_set():
            try:
                said = exchange(self._url, request, self._secure)
            except OSError as error:
                self.trouble.append(repr(error))
            else:
                self.answered += 1
                if said.status != 200:
                    self.trouble.append(f"{said.status} {said.body[:200]!r}")


def shown(node: Gateway, secure: ssl.SSLContext) -> int:
    """The serial number of the certificate that a new connection sees."""
    with connect(node.url, secure=secure) as made:
        assert isinstance(made, ssl.SSLSocket)
        found = made.getpeercert()
    assert found is not None
    return int(str(found["serialNumber"]), 16)


def test_everything_is_replaced_and_nobody_notices(
    make_gateway: MakeGateway, emulator: BackgroundEmulator, tmp_path: Path
) -> None:
    pki = Pki(tmp_path / "pki")
    tls = pki.tls()
    client = pki.client(pki.issue("load", client=True))
    leaver = pki.client(pki.issue("leaver", client=True))
    config = settings(emulator.url)
    files = ("certificate", "key", "client_certificates", "client_ca", "crl")
    config["listen"] = [{"address": "127.0.0.1:0", "tls": {name: getattr(tls, name) for name in files}}]
    node = make_gateway(config, arguments=["--workers", "2"])
    load = Load(
        node.url, prompts(node.url, "deepseek-flash", 4, client), rate=RATE, connections=8, secure=client
    )
    newcomers = Newcomers(node.url, client).start()
    load.start()

    def after(change: Callable[[], object]) -> None:
        """Change something, see it come into force, and traffic go on."""
        count = len(node.said("configuration in force"))
        change()
        node.hears("configuration in force", count + 1)
        reached = load.results.answered, newcomers.answered
        until(
            lambda: load.results.answered > reached[0] + RATE / 2 and newcomers.answered > reached[1] + 3,
            "traffic",
        )

    try:
        # A broken file changes nothing, is told once, and a good one after it counts.
        before = shown(node, client)
        replace(Path(tls.certificate), b"junk")
        told = node.hears("the new configuration cannot be used")
        assert any("this certificate and key cannot be used" in detail for detail in told["detail"])
        assert shown(node, client) == before
        after(lambda: pki.issue("server", server=True))
        assert shown(node, client) != before
        assert len(node.said("the new configuration cannot be used")) == 1

        # A second authority joins: its clients are let in, those of the first are asked to connect anew.
        other = Pki(tmp_path / "other", "other")
        joined = pki.client(other.issue("joined", client=True))
        with pytest.raises(OSError, match=r".*"):
            exchange(node.url, NOWHERE, joined)
        first = pki.ca.read_bytes()
        replace(pki.crl, pki.crl.read_bytes() + other.crl.read_bytes())
        after(lambda: replace(pki.ca, first + other.ca.read_bytes()))
        assert [exchange(node.url, NOWHERE, each).status for each in (joined, leaver)] == [404, 404]

        # It leaves again, and one client of the first is revoked.
        pki.revoke("leaver")
        after(lambda: replace(pki.ca, first))
        for each in (joined, leaver):
            with pytest.raises(OSError, match=r".*"):
                exchange(node.url, NOWHERE, each)
    finally:
        results = load.stop()
        newcomers.stop()
    print(
        f"{results.answered} answers on kept connections, {newcomers.answered} on new ones;"
        f" the slowest after {results.slowest:.3f} s"
    )
    assert results.wrong == []
    assert results.unanswered == []
    assert results.refused == 0
    assert newcomers.trouble == []
