"""Child processes: how they are started, spoken to, and recognised after a crash of their parent.

A child gets its end of a socket pair as an inherited descriptor (``--control-fd N`` on its command line), speaks
the messages of `seekgate.host.messages` over it, and learns of the death of its parent by end of file. It runs in a
process group of its own, so that Ctrl-C on a terminal reaches the supervisor alone, which then drains in order.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO

import msgspec

from seekgate.host import messages

MAX_LINE = 1_048_576
"""The longest message that a child may send, in bytes; nothing legitimate comes near."""

Stream = int | IO[bytes] | None


def forgo_core_dumps() -> None:
    """Have no core dump written when this process or a later child crashes: keys and prompts would be in it.

    The limit of one byte also keeps Linux from handing a dump to a program (``core_pattern`` with a pipe), which a
    limit of zero does not. Somebody who needs a dump raises the limit of the running process (``prlimit --core``).
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0 if hard == 0 else 1, hard))


class ProtocolError(Exception):
    """A child sent something that is no message. Its supervisor should end it: nothing it says can be trusted."""


class Channel:
    """The supervisor's end of a control socket: whole messages in and out, and it never blocks."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self.closed = False

    def fileno(self) -> int:
        """The descriptor to wait on for reading."""
        return self._sock.fileno()

    def send(self, message: messages.ToChild) -> bool:
        """Queue a message and write what fits. True when everything is written; False: call `flush` later."""
        self._outgoing += messages.encode(message)
        return self.flush()

    def flush(self) -> bool:
        """Write what is queued. True when nothing is left, also when the child is gone (its exit tells the rest)."""
        while self._outgoing and not self.closed:
            try:
                sent = self._sock.send(self._outgoing, socket.MSG_NOSIGNAL if _HAS_NOSIGNAL else 0)
            except BlockingIOError:
                return False
            except OSError:
                self._outgoing.clear()
                return True
            del self._outgoing[:sent]
        return True

    def receive(self) -> tuple[list[messages.ToSupervisor], bool]:
        """Read what has arrived: the whole messages in it, and whether the child closed its end.

        Raise `ProtocolError` for a line that is no message or is longer than `MAX_LINE`.
        """
        ended = False
        while not ended:
            try:
                data = self._sock.recv(65_536)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            ended = not data
            self._incoming += data
        *lines, rest = bytes(self._incoming).split(b"\n")
        self._incoming = bytearray(rest)
        if len(rest) > MAX_LINE:
            raise ProtocolError(f"a message longer than {MAX_LINE} bytes")
        try:
            return [messages.decode_to_supervisor(line) for line in lines], ended
        except msgspec.DecodeError as error:
            raise ProtocolError(str(error)) from error

    def close(self) -> None:
        """Close our end; the child reads end of file."""
        if not self.closed:
            self.closed = True
            self._sock.close()


_HAS_NOSIGNAL = hasattr(socket, "MSG_NOSIGNAL")


class Child:
    """A started process. ``channel`` is None for one that was started without a control socket."""

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel | None) -> None:
        self._process = process
        self.channel = channel
        self.pid = process.pid
        self.started = start_time(process.pid)

    @property
    def output(self) -> IO[bytes] | None:
        """The reading end of its output, when it was started with ``stdout`` or ``stderr`` as a pipe."""
        return self._process.stdout or self._process.stderr

    def poll(self) -> int | None:
        """The exit code, negative for a signal, once the process has ended; None while it runs. Never blocks."""
        return self._process.poll()

    def kill(self, signum: int = signal.SIGKILL) -> None:
        """Send a signal; nothing happens when the process has already ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signum)

    def close(self) -> None:
        """Close what we hold of a process that has ended."""
        if self.channel is not None:
            self.channel.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def python(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module with this interpreter.

    ``-P`` keeps the working directory off the module path: a stray ``token.py`` there must not become our code.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def spawn(
    command: Sequence[str],
    *,
    control: bool = True,
    fds: Sequence[int] = (),
    env: Mapping[str, str] | None = None,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = None,
    stderr: Stream = None,
) -> Child:
    """Start a child with only ``fds`` and, with ``control``, its end of a control socket open.

    Raise `OSError` when it cannot be started.
    """
    ours: socket.socket | None = None
    theirs: socket.socket | None = None
    arguments = list(command)
    passed = list(fds)
    if control:
        ours, theirs = socket.socketpair()
        arguments += ["--control-fd", str(theirs.fileno())]
        passed.append(theirs.fileno())
    try:
        process = subprocess.Popen(
            arguments,
            pass_fds=passed,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            process_group=0,
        )
    except OSError:
        if ours is not None:
            ours.close()
        raise
    finally:
        if theirs is not None:
            theirs.close()
    return Child(process, Channel(ours) if ours is not None else None)


def start_time(pid: int) -> str | None:
    """When a process started, in the system's own terms, or None when there is none (a zombie counts as none).

    A pid together with its start time names one process for ever; a pid alone is reused.
    """
    if sys.platform == "linux":
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            return None
        return None if fields[0] in (b"Z", b"X") else fields[19].decode("ascii")
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = done.stdout.strip().partition(" ")
    return None if done.returncode or state.startswith("Z") else started.strip()


def describe_exit(code: int) -> str:
    """Say how a process ended: ``exit code 3`` or ``signal SIGKILL``."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
