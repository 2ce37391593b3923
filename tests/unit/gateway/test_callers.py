"""Whom a certificate says the caller is, in requests that pass through the real front; and who is believed about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seekgate.config.snapshot import ANY_PROXY, Listener, Pair
from seekgate.gateway.callers import Callers, _names
from seekgate.gateway.downstream import Downstream
from seekgate.gateway.tls import Doors
from seekgate.host.messages import ListenFd
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.peer import Peer
from seekgate.pipeline.stage import Reply, Stage
from tests.fakes.transport import FakeTransport
from tests.support.certificates import Pki
from tests.support.scene import Peer as Client
from tests.support.scene import Scene
from tests.support.scene_answers import only
from tests.support.scene_config import get, snapshot

ENVOY = "spiffe://td/envoy"
XFCC = "Hash=" + "0a" * 32 + ';Subject="CN=caller";URI=spiffe://td/caller'


class Watch(Stage):
    """Keeps whom each request came from."""

    def __init__(self) -> None:
        self.seen: list[Peer | None] = []

    def on_request(self, x: Exchange) -> Reply:
        """Answer at once."""
        self.seen.append(x.peer)
        return Reply(body=b"{}")


class Shown:
    """A TLS connection's object, as far as it is looked at here."""

    def __init__(self, der: bytes | None) -> None:
        self.der = der

    def getpeercert(self, binary: bool) -> bytes | None:
        """The client's certificate."""
        assert binary
        return self.der


class Secured(FakeTransport):
    """A transport whose handshake the client's certificate was part of."""

    def __init__(self, scene: Scene, address: str, der: bytes | None) -> None:
        super().__init__(scene.loop, address, tls=True)
        self._shown = Shown(der)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As an SSL transport."""
        return self._shown if name == "ssl_object" else super().get_extra_info(name, default)


@dataclasses.dataclass
class Stagehand:
    """A scene with one door, and the stage that watches."""

    scene: Scene
    watch: Watch
    doors: Doors

    def listen(self, tls: Any, *xfcc_from: str) -> None:
        """Open the door."""
        self.doors.open(ListenFd(5, tls, "h", 1, xfcc_from))

    def connect(self, der: bytes | None = None, address: str = "10.0.0.1") -> Client:
        """A client comes by the door."""
        (door,) = self.doors
        transport: FakeTransport
        if door.parts.context is None:
            transport = FakeTransport(self.scene.loop, address)
        else:
            transport = Secured(self.scene, address, der)
        client = Client(self.scene, transport, address)
        self.scene.clients.append(client)
        down = Downstream(self.scene.front, door, door.parts.trust)
        self.scene.play(lambda: transport.attach(down))
        return client

    def ask(self, client: Client, **headers: str) -> Peer | None:
        """Ask something; who the request came from."""
        fields = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        client.sends(get().replace(b"\r\n\r\n", b"\r\n" + fields.encode() + b"\r\n", 1))
        self.answer = only(client.received())
        return self.watch.seen[-1] if self.answer.status == 200 else None

    def reload(self, tls: Any, *xfcc_from: str, trusted: tuple[str, ...] = ("10.0.0.0/8",)) -> None:
        """As a worker does it."""
        front = self.scene.front
        new = snapshot_with(trusted)
        before = {door: door.parts.trust for door in self.doors}
        self.doors.use(
            self.doors.read(msgspec.structs.replace(new, listeners=(Listener("h", 1, tls, xfcc_from),)))
        )
        self.scene.reload(new)
        front.callers.reconsider(front.connections, before)


def snapshot_with(trusted: tuple[str, ...]) -> Any:
    return msgspec.structs.replace(snapshot(), trusted_proxies=trusted)


@pytest.fixture
def hand() -> Iterator[Stagehand]:
    watch = Watch()
    with Scene(snapshot_with(("10.0.0.0/8",)), extra=[watch]) as scene:
        yield Stagehand(scene, watch, Doors())


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


def der(pair: Pair) -> bytes:
    import ssl

    return ssl.PEM_cert_to_DER_cert(Path(pair.certificate).read_text())


def test_nobody_has_a_certificate_on_a_plain_connection(hand: Stagehand) -> None:
    hand.listen(None)
    client = hand.connect()
    assert hand.ask(client, x_forwarded_client_cert=XFCC) is None
    assert hand.watch.seen == [None]


def test_the_certificate_of_a_connection_is_that_of_its_requests(hand: Stagehand, pki: Pki) -> None:
    hand.listen(pki.tls())
    client = hand.connect(der(pki.issue("team-a", client=True, uris=["spiffe://td/a"])))
    first, second = hand.ask(client), hand.ask(client)
    assert first is second
    assert first is not None
    assert (first.common_name, first.spiffe, first.source) == ("team-a", "spiffe://td/a", "handshake")


def test_optional_without_one(hand: Stagehand, pki: Pki) -> None:
    hand.listen(pki.tls(client_certificates="optional"))
    assert hand.ask(hand.connect()) is None
    assert hand.watch.seen == [None]


@pytest.mark.parametrize("xfcc_from", [(), (ENVOY,), ("envoy.example",)], ids=str)
def test_a_header_from_anybody_else_is_ignored(hand: Stagehand, pki: Pki, xfcc_from: tuple[str, ...]) -> None:
    hand.listen(pki.tls(), *xfcc_from)
    client = hand.connect(der(pki.issue("rogue", client=True, uris=["spiffe://td/rogue"])))
    peer = hand.ask(client, x_forwarded_client_cert=XFCC)
    assert peer is not None
    assert peer.spiffe == "spiffe://td/rogue"


def test_a_header_from_the_right_holder_at_the_wrong_address_is_ignored(hand: Stagehand, pki: Pki) -> None:
    hand.listen(pki.tls(), ENVOY)
    envoy = der(pki.issue("envoy", client=True, uris=[ENVOY]))
    peer = hand.ask(hand.connect(envoy, "192.0.2.7"), x_forwarded_client_cert=XFCC)
    assert peer is not None
    assert (peer.spiffe, peer.source) == (ENVOY, "handshake")


def test_a_proxy_that_is_believed_speaks_for_others_only(hand: Stagehand, pki: Pki) -> None:
    hand.listen(pki.tls(), ENVOY)
    client = hand.connect(der(pki.issue("envoy", client=True, uris=[ENVOY])))
    peer = hand.ask(client, x_forwarded_client_cert=f"URI=spiffe://td/forged,{XFCC}")
    assert peer is not None
    assert (peer.spiffe, peer.common_name, peer.source) == ("spiffe://td/caller", "caller", "xfcc")
    assert hand.ask(client) is None
    assert hand.ask(client, x_forwarded_client_cert="nonsense") is None
    assert hand.watch.seen[1:] == [None, None]


def test_by_address_where_no_certificates_are_asked_for(hand: Stagehand) -> None:
    hand.listen(None, ANY_PROXY)
    peer = hand.ask(hand.connect(), x_forwarded_client_cert=XFCC)
    assert peer is not None
    assert peer.source == "xfcc"
    assert hand.ask(hand.connect(address="192.0.2.7"), x_forwarded_client_cert=XFCC) is None


def test_a_forwarded_certificate_that_has_expired_names_nobody(hand: Stagehand, pki: Pki) -> None:
    from urllib.parse import quote

    hand.listen(None, ANY_PROXY)
    pem = Path(pki.issue("old", client=True).certificate).read_text()
    client = hand.connect()
    assert hand.ask(client, x_forwarded_client_cert=f'Cert="{quote(pem)}"') is not None
    hand.scene.clock.advance(31 * 86_400 + 4e9)
    late = hand.connect()
    assert hand.ask(late, x_forwarded_client_cert=f'Cert="{quote(pem)}"') is None


def test_a_reload_takes_belief_away(hand: Stagehand, pki: Pki) -> None:
    tls = pki.tls()
    hand.listen(tls, ENVOY)
    client = hand.connect(der(pki.issue("envoy", client=True, uris=[ENVOY])))
    for trusted, believed in (((), ENVOY), (("10.0.0.0/8",), "spiffe://td/another")):
        hand.reload(tls, believed, trusted=trusted)
        peer = hand.ask(client, x_forwarded_client_cert=XFCC)
        assert peer is not None
        assert peer.source == "handshake"
    hand.reload(tls, ENVOY)
    peer = hand.ask(client, x_forwarded_client_cert=XFCC)
    assert peer is not None
    assert peer.source == "xfcc"


def test_a_revoked_client_is_refused_on_the_connection_that_it_has(hand: Stagehand, pki: Pki) -> None:
    tls = pki.tls()
    hand.listen(tls)
    client = hand.connect(der(pki.issue("a", client=True)))
    other = hand.connect(der(pki.issue("b", client=True)))
    assert hand.ask(client) is not None
    pki.revoke("a")
    hand.reload(tls)
    assert hand.ask(client) is None
    assert (hand.answer.status, hand.answer.header("connection")) == (403, "close")
    assert b'"client_certificate"' in hand.answer.body
    assert client.state == "closed"
    assert hand.ask(other) is not None
    assert hand.answer.header("connection") is None


def test_another_bundle_asks_for_new_handshakes_and_fails_nobody(
    hand: Stagehand, pki: Pki, tmp_path: Path
) -> None:
    tls = pki.tls()
    hand.listen(tls)
    client = hand.connect(der(pki.issue("a", client=True)))
    pki.ca.write_bytes(pki.ca.read_bytes() + Pki(tmp_path / "other", "other").ca.read_bytes())
    hand.reload(tls)
    assert hand.ask(client) is not None
    assert hand.answer.header("connection") == "close"


def test_an_anonymous_connection_ends_when_certificates_are_required(hand: Stagehand, pki: Pki) -> None:
    tls = pki.tls(client_certificates="off")
    hand.listen(tls)
    client = hand.connect()
    hand.reload(pki.tls())
    assert hand.ask(client) is None
    assert (hand.answer.status, hand.answer.header("connection")) == (200, "close")


def test_a_certificate_that_expires_on_its_connection(hand: Stagehand, pki: Pki) -> None:
    hand.listen(pki.tls())
    client = hand.connect(der(pki.issue("a", client=True)))
    assert hand.ask(client) is not None
    hand.scene.clock.advance(4e9)
    late = hand.connect(der(pki.issue("b", client=True)))
    assert hand.ask(late) is None
    assert hand.answer.status == 403


def test_a_reload_between_handshake_and_arrival(hand: Stagehand, pki: Pki) -> None:
    tls = pki.tls()
    hand.listen(tls)
    (door,) = hand.doors
    shaken = door.parts.trust
    mine = der(pki.issue("a", client=True))
    pki.revoke("a")
    hand.reload(tls)
    down = Downstream(hand.scene.front, door, shaken)
    down.transport, down.peer = Secured(hand.scene, "10.0.0.1", mine), "10.0.0.1"
    caller = Callers().arrived(down, door)
    assert caller is not None
    assert caller.standing


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        (ENVOY, True),
        ("spiffe://td/*", True),
        ("spiffe://td/envoy/*", False),
        ("spiffe://t/*", False),
        ("envoy.example", True),
        ("CN=envoy,O=x", True),
        ("CN=envoy", False),
        ("spiffe://td/env", False),
    ],
)
def test_what_names_a_certificate(entry: str, named: bool) -> None:
    peer = Peer(subject="CN=envoy,O=x", common_name="envoy", dns=("envoy.example",), spiffe=ENVOY)
    assert _names(entry, peer) is named
    assert not _names(entry, Peer())
