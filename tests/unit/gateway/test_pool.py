"""What the scenes (`tests/scenes/test_failover.py`) do not show of the pools."""

from __future__ import annotations

import ssl

import msgspec
import pytest

from seekgate.config.snapshot import Snapshot
from seekgate.gateway.pool import describe
from tests.support.scene import Peer, Scene
from tests.support.scene_config import chat, post, provider, snapshot
from tests.support.scene_streams import unary


def ask(scene: Scene, count: int) -> list[tuple[Peer, Peer]]:
    pairs = []
    for _ in range(count):
        client = scene.client()
        client.sends(post(chat("priced")))
        pairs.append((client, scene.upstream()))
    return pairs


def changed(**changes: object) -> Snapshot:
    base = snapshot()
    cloud = msgspec.structs.replace(provider("cloud", "198.51.100.1", "env:CLOUD"), **changes)
    return msgspec.structs.replace(base, providers={**base.providers, "cloud": cloud})


def test_no_more_idle_connections_than_wanted() -> None:
    with Scene(changed(max_idle_connections=2)) as scene:
        pairs = ask(scene, 4)
        for _, upstream in pairs:
            upstream.sends(unary(b"{}"))
        assert [upstream.state for _, upstream in pairs] == ["open", "open", "aborted", "aborted"]
        assert scene.front.world.pools["cloud"].idle == 2


def test_the_connection_used_last_is_taken_first() -> None:
    with Scene() as scene:
        (client, first), (_, second) = ask(scene, 2)
        second.sends(unary(b"{}"))
        first.sends(unary(b"{}"))
        first.received()
        second.received()
        client.sends(post(chat("priced")))
        assert first.received()
        assert not second.received()
        first.sends(unary(b"{}"))


def test_an_idle_connection_that_is_reset() -> None:
    with Scene() as scene:
        ((_, upstream),) = ask(scene, 1)
        upstream.sends(unary(b"{}"))
        pool = scene.front.world.pools["cloud"]
        assert (pool.idle, len(pool.connections)) == (1, 1)
        upstream.resets()
        assert (pool.idle, len(pool.connections)) == (0, 0)


def test_a_proxy_is_given_the_name() -> None:
    with Scene(changed(host="models.internal", proxy="http://proxy:3128")) as scene:
        client = scene.client()
        client.sends(post(chat("priced")))
        assert scene.upstream().name == "models.internal:80"
        assert scene.resolver.asked == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('10.1.2.3', 80)"), "the connection was refused"),
        (ConnectionResetError(104, "Connection reset by peer"), "connection reset by peer"),
        (OSError(-2, "Name or service not known"), "name or service not known"),
        (OSError("the proxy answered 403 to CONNECT"), "the proxy answered 403 to CONNECT"),
        (OSError(), "OSError"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "TLS failed (handshake)"),
    ],
)
def test_what_went_wrong(error: OSError, said: str) -> None:
    assert describe(error) == said


def test_a_certificate_that_is_not_accepted() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    assert describe(error) == "the certificate was not accepted (self-signed certificate)"
