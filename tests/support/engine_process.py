"""A real engine process under a test that plays the supervisor."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import IO, Any

from seekgate.host.messages import Drain, Ready, decode_to_supervisor, encode


class EngineProcess:
    """The process, its end of the control channel, and requests to it."""

    def __init__(self, model: Path, log: IO[bytes], *arguments: str) -> None:
        self.control, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            command = [sys.executable, "-m", "seekgate.engine", "--name", "small", "--model", str(model)]
            command += ["--control-fd", str(fd), *arguments]
            self.process = subprocess.Popen(command, pass_fds=[fd], stderr=log)

    def ready(self) -> Ready:
        """Wait for the engine to say where it is."""
        with self.control.makefile("rb") as lines:
            message = decode_to_supervisor(lines.readline())
        assert isinstance(message, Ready)
        self.where = message
        return message

    def drain(self, deadline: float) -> None:
        """Tell it to leave."""
        self.control.sendall(encode(Drain(deadline)))

    def connect(self) -> HTTPConnection:
        """A connection of its own."""
        connection = HTTPConnection(self.where.host or "localhost", self.where.port, timeout=120)
        if self.where.port == 0:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(120)
            connection.sock.connect(self.where.host)
        return connection

    def ask(
        self, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> tuple[HTTPConnection, HTTPResponse]:
        """Send one request; the caller reads the answer and closes the connection."""
        connection = self.connect()
        headers = {"Authorization": f"Bearer {self.where.key if key is None else key}"}
        data = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, data, headers)
        return connection, connection.getresponse()

    def answer(
        self, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> tuple[int, bytes]:
        """Status and whole body of one request."""
        connection, response = self.ask(path, body, key)
        data = response.read()
        connection.close()
        return response.status, data


@contextmanager
def engine(model: Path, log: Path, *arguments: str) -> Iterator[EngineProcess]:
    """A started engine; it is killed at the end of the block if it still runs."""
    with log.open("ab") as file:
        started = EngineProcess(model, file, *arguments)
        try:
            yield started
        finally:
            started.control.close()
            if started.process.poll() is None:
                started.process.kill()
            started.process.wait()
