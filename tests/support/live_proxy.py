"""A forward proxy that speaks CONNECT (RFC 9110, 9.3.6) and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.support.live_wire import read_until


class ConnectProxy:
    """``where`` maps the authority that is asked for (``host:port``) to an address here; others are refused with 403.

    ``asked`` has the head of every request.
    """

    def __init__(self, where: dict[str, tuple[str, int]]) -> None:
        self.where = where
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        """Accept connections."""
        self._run(self._accept)

    def close(self) -> None:
        """Close everything."""
        for each in (self._listener, *self._open):
            _shut(each)
            each.close()
        for thread in self._threads:
            thread.join(10)

    def _run(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            self._run(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        head = read_until(client, b"\r\n\r\n").decode("latin-1")
        self.asked.append(head)
        method, authority, _ = head.split("\r\n", 1)[0].split(" ")
        address = self.where.get(authority)
        if method != "CONNECT" or address is None:
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            _shut(client)
            return
        target = socket.create_connection(address)
        self._open.append(target)
        client.sendall(b"HTTP/1.1 200 Connection Established\r\nVia: 1.1 tests\r\n\r\n")
        self._run(self._pass, client, target)
        self._pass(target, client)

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                sink.sendall(data)
        except OSError:
            pass  # one side broke off; so does the other
        _shut(source)
        _shut(sink)


def _shut(each: socket.socket) -> None:
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is gone already


@contextmanager
def connect_proxy(where: dict[str, tuple[str, int]]) -> Iterator[ConnectProxy]:
    """A running proxy for a block."""
    made = ConnectProxy(where)
    made.start()
    try:
        yield made
    finally:
        made.close()
