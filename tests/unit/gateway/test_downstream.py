"""What the scenes (`tests/scenes/test_connection.py`) do not show of a client's connection."""

from __future__ import annotations

from seekgate.gateway.downstream import Downstream
from tests.fakes.transport import FakeTransport
from tests.support.scene import Peer, Scene
from tests.support.scene_answers import only
from tests.support.scene_config import chat, get, post
from tests.support.scene_streams import unary


def down(client: Peer) -> Downstream:
    found = client.transport.protocol
    assert isinstance(found, Downstream)
    return found


def test_idle_is_neither_reading_nor_answering() -> None:
    with Scene() as scene:
        client = scene.client()
        assert down(client).idle
        client.sends(get()[:10])
        assert not down(client).idle
        client.sends(get()[10:])
        assert down(client).idle
        request = post(chat())
        client.sends(request[:-5])
        assert not down(client).idle, "a body is missing"
        client.sends(request[-5:])
        assert not down(client).idle, "an answer is missing"
        scene.upstream().sends(unary(b"{}"))
        assert down(client).idle


def test_a_deadline_over_tls() -> None:
    with Scene() as scene:
        client = scene.client(tls=True)
        client.sends(get()[:10])
        scene.advance(11.0)
        assert only(client.received()).status == 408
        assert client.state == "closed"


def test_a_connection_without_an_address() -> None:
    """A Unix socket's peer has no name."""

    class Nameless(FakeTransport):
        def get_extra_info(self, name: str, default: object = None) -> object:
            return ""

    with Scene() as scene:
        transport = Nameless(scene.loop, "")
        client = Peer(scene, transport, "")
        scene.clients.append(client)
        scene.play(lambda: transport.attach(Downstream(scene.front)))
        client.sends(get())
        assert only(client.received()).status == 200
        assert scene.record.client == ""
