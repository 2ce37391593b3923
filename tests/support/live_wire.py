"""Bytes on sockets: a client that sends exactly what it is given, and a tap that keeps what passes between two."""

from __future__ import annotations

import io
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from tests.support.live import KEY


def post(path: str, body: bytes | dict[str, Any], key: str = KEY, **headers: str) -> bytes:
    """A request as bytes. A body that is a dict is written as JSON; underscores in header names become hyphens."""
    if isinstance(body, dict):
        body = json.dumps(body, ensure_ascii=False).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: gateway", f"Authorization: Bearer {key}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def connect(url: str, timeout: float = 60.0, secure: ssl.SSLContext | None = None) -> socket.socket:
    """A connection to where ``url`` points, with TLS when ``secure`` says how."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = socket.create_connection((host, parts.port or 80), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection if secure is None else secure.wrap_socket(connection, server_hostname=host)


class Answer:
    """A whole response: status, headers in lower case, body without its framing."""

    def __init__(self, response: HTTPResponse) -> None:
        self.body = response.read()
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


def exchange(url: str, request: bytes, secure: ssl.SSLContext | None = None) -> Answer:
    """Send bytes on a connection of their own and read one response."""
    with connect(url, secure=secure) as connection:
        connection.sendall(request)
        return answer(connection)


def answer(connection: socket.socket) -> Answer:
    """Read one response; framing that is cut or wrong raises `http.client.HTTPException`."""
    response = HTTPResponse(connection)
    try:
        response.begin()
        return Answer(response)
    finally:
        response.close()


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    """Read until ``mark`` has come; fail when the connection ends before it."""
    data = bytearray()
    while mark not in data[-len(mark) - 262_144 :]:
        more = connection.recv(262_144)
        assert more, f"the connection ended before {mark!r}: {data[-500:]!r}"
        data += more
    return bytes(data)


class _Recorded:
    """Recorded bytes in the shape of a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def parse_answer(data: bytes) -> Answer:
    """The first response in recorded bytes."""
    return answer(_Recorded(data))  # type: ignore[arg-type]


def parse_request(data: bytes) -> tuple[str, dict[str, str], bytes]:
    """Request line, headers in lower case, and whatever follows the head of recorded bytes."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    pairs = (field.partition(":") for field in fields)
    return line, {name.lower(): value.strip() for name, _, value in pairs}, body


class Tap:
    """Passes connections on to a target and keeps the bytes of each, both ways.

    ``sent`` and ``received`` have an entry for each connection: what its client sent, what the target sent; both stay
    empty without ``keep``. ``passed`` counts the bytes that were taken from it,
    both ways together.
    """

    def __init__(self, target: str, keep: bool = True) -> None:
        self.passed = 0
        self._keep = keep
        self.sent: list[bytearray] = []
        self.received: list[bytearray] = []
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def forget(self) -> None:
        """Forget the bytes so far; connections go on."""
        for each in (*self.sent, *self.received):
            each.clear()

    @property
    def request(self) -> bytes:
        """What clients have sent since `forget`, of all connections; a test asks one thing at a time."""
        return b"".join(self.sent)

    @property
    def response(self) -> bytes:
        """What the target has sent since `forget`."""
        return b"".join(self.received)

    def start(self) -> None:
        """Accept connections."""
        self._run(self._accept)

    def close(self) -> None:
        """Close everything."""
        for each in (self._listener, *self._open):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is gone already
            finally:
                each.close()
        for thread in self._threads:
            thread.join(10)

    def _run(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            target = connect(self._target, timeout=600)
            self._open += [client, target]
            self.sent.append(bytearray())
            self.received.append(bytearray())
            self._run(self._pass, client, target, self.sent[-1])
            self._run(self._pass, target, client, self.received[-1])

    def _pass(self, source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
        try:
            while data := source.recv(65_536):
                if self._keep:
                    kept += data
                sink.sendall(data)
                self.passed += len(data)
        except OSError:
            pass  # one side broke off; so does the other
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


@contextmanager
def tap(target: str, keep: bool = True) -> Iterator[Tap]:
    """A tap before a target for a block."""
    made = Tap(target, keep)
    made.start()
    try:
        yield made
    finally:
        made.close()
