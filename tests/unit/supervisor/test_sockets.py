from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from seekgate.config.snapshot import Limits, Listener, Snapshot, Tls
from seekgate.host.messages import ListenFd
from seekgate.supervisor.sockets import BindError, Sockets, family, moved, show


def snapshot(*listeners: Listener, admin: Listener | None = None) -> Snapshot:
    return Snapshot(1, "", listeners, admin, 1, Limits(), {}, (), {})


HERE = Listener("127.0.0.1", 0)


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    made = Sockets()
    yield made
    made.close()


def test_port_0_is_chosen_once_for_all_slots(sockets: Sockets) -> None:
    wanted = snapshot(HERE, Listener("127.0.0.1", 0), admin=HERE)
    sockets.open([socket.AF_INET, socket.AF_INET], socket.AF_INET, 3)
    early = sockets.inherited(0)
    assert sockets.fits(wanted)
    sockets.bind(wanted, 3)
    assert sockets.inherited(0) == early
    ports = [
        [socket.socket(fileno=socket.dup(fd)).getsockname()[1] for fd in sockets.inherited(s)]
        for s in range(3)
    ]
    assert ports[0] == ports[1] == ports[2]
    assert len(set(ports[0])) == 3
    assert sockets.addresses == [("127.0.0.1", ports[0][0]), ("127.0.0.1", ports[0][1])]
    assert sockets.admin_address == ("127.0.0.1", ports[0][2])
    assert all(fds[-1] == sockets.admin_fd() for fds in map(sockets.inherited, range(3)))


def test_connections_wait_for_whoever_accepts(sockets: Sockets) -> None:
    sockets.open([socket.AF_INET], None, 1)
    sockets.bind(snapshot(HERE), 1)
    with socket.create_connection(sockets.addresses[0], timeout=10) as client:
        client.sendall(b"hello")
        with socket.socket(fileno=socket.dup(sockets.inherited(0)[0])) as inherited:
            inherited.setblocking(True)
            accepted, _ = inherited.accept()
            with accepted:
                assert accepted.recv(10) == b"hello"


def test_the_number_of_slots_may_be_guessed_wrong(sockets: Sockets) -> None:
    sockets.open([socket.AF_INET], None, 3)
    sockets.bind(snapshot(HERE), 1)
    with pytest.raises(IndexError):
        sockets.inherited(1)
    sockets.close()
    sockets.open([socket.AF_INET], None, 1)
    sockets.bind(snapshot(HERE), 2)
    assert sockets.inherited(0) != sockets.inherited(1)


def test_what_does_not_fit_is_seen(sockets: Sockets) -> None:
    sockets.open([socket.AF_INET], socket.AF_INET, 1)
    assert sockets.fits(snapshot(HERE, admin=HERE))
    assert not sockets.fits(snapshot(HERE))
    assert not sockets.fits(snapshot(HERE, HERE, admin=HERE))
    assert not sockets.fits(snapshot(Listener("::1", 0), admin=HERE))


def test_a_port_with_another_listener_is_refused_and_can_be_tried_again(sockets: Sockets) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        wanted = snapshot(HERE, Listener("127.0.0.1", other.getsockname()[1]))
        sockets.open([socket.AF_INET, socket.AF_INET], None, 1)
        for _ in range(2):
            with pytest.raises(BindError, match="another program listens there") as caught:
                sockets.bind(wanted, 1)
            assert caught.value.busy
    sockets.bind(wanted, 1)


def test_an_address_that_is_not_ours(sockets: Sockets) -> None:
    sockets.open([socket.AF_INET], None, 1)
    with pytest.raises(BindError, match=r"cannot listen on 192\.0\.2\.1:80") as caught:
        sockets.bind(snapshot(Listener("192.0.2.1", 80)), 1)
    assert not caught.value.busy
    with pytest.raises(BindError):
        family(Listener("no such host", 80))


def test_certificates_follow_the_snapshot_by_address(sockets: Sockets) -> None:
    sockets.open([socket.AF_INET], None, 1)
    sockets.bind(snapshot(Listener("127.0.0.1", 0, Tls("c", "k"))), 1)
    fd = sockets.inherited(0)[0]
    second = Tls("c2", "k2", client_certificates="required", client_ca="ca", crl="crl")
    newer = snapshot(Listener("127.0.0.2", 0), Listener("127.0.0.1", 0, second, ("spiffe://td/envoy",)))
    assert sockets.listen_fds(0, newer) == (ListenFd(fd, second, "127.0.0.1", 0, ("spiffe://td/envoy",)),)
    assert sockets.listen_fds(0, snapshot()) == (ListenFd(fd, Tls("c", "k"), "127.0.0.1", 0),)


def test_what_a_reload_cannot_move() -> None:
    tls = Listener("127.0.0.1", 0, Tls("c", "k"))
    assert moved(snapshot(tls), snapshot(Listener("127.0.0.1", 0, Tls("other", "k")))) == []
    assert moved(snapshot(HERE), snapshot(tls)) == ["listen addresses"]
    assert moved(snapshot(HERE, admin=HERE), snapshot(admin=None)) == ["listen addresses", "admin address"]
    assert show("::1", 80) == "[::1]:80"
