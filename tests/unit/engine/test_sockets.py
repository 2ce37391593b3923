"""Closing the door of a server that offers no drain, with real sockets."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from seekgate.engine import sockets
from tests.support.until import until


def test_addresses() -> None:
    assert sockets.parse("http://127.0.0.1:8080") == ("127.0.0.1", 8080)
    assert sockets.parse("http://[::1]:9/") == ("::1", 9)
    assert sockets.parse("unix:///run/e.sock") == "/run/e.sock"


def test_a_loopback_port_refuses_new_clients_while_the_old_ones_talk_on() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            if kept:
                peer.close()
            else:
                kept.append(peer)

    thread = threading.Thread(target=serve)
    thread.start()
    with socket.create_connection(address, timeout=5) as client:
        until(lambda: kept, "the server to accept")
        sockets.refuse_new(address)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=5)
        kept[0].sendall(b"still here")
        assert client.recv(100) == b"still here"
        until(lambda: sockets.open_connections(address) == 1, "only the kept connection to be left")
        kept[0].close()
    until(lambda: sockets.open_connections(address) == 0, "no connection to be left")
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    listener.close()


def test_a_unix_socket_loses_its_name(tmp_path: Path) -> None:
    path = str(tmp_path / "e.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            peer, _ = listener.accept()
            with peer:
                assert sockets.open_connections(path) == 1
                sockets.refuse_new(path)
                assert not os.path.exists(path)
                peer.sendall(b"x")
                assert client.recv(1) == b"x"
            assert sockets.open_connections(path) == 0
