"""The engine's process: load, say that it is ready, serve, and leave in an orderly way.

It ends in one of these ways: the supervisor says `Drain`; SIGTERM asks for the same; the control descriptor reaches
its end or the parent changes, which both mean that the supervisor is gone. Running generations are then finished
within a deadline. SIGINT is ignored: a Ctrl-C reaches the whole process group, and the supervisor drains its engines.

The model is loaded in a thread, so that a supervisor that dies during a long load takes the engine with it.
"""

from __future__ import annotations

import argparse
import os
import secrets
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seekgate.engine.decide import (
    EXIT_CUT,
    EXIT_DRAINED,
    EXIT_FAILED,
    EXIT_REFUSED,
    Plan,
    Refused,
    Wanted,
    decide,
)
from seekgate.engine.gguf import NotGguf, read_header
from seekgate.engine.machine import look
from seekgate.engine.server import Broken, Missing, Server, require
from seekgate.host.messages import Drain, Ready, decode_to_child, encode

ORPHAN_DEADLINE = 30.0
"""Seconds for running generations when nobody is left to name a deadline."""
_STOP_GRACE = 5
_PARENT_CHECK = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one engine to its end; return the process's exit status (see `seekgate.engine.decide`)."""
    wanted, control = _arguments(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plan = _prepare(wanted)
    if isinstance(plan, Refused):
        _say(wanted.name, plan.reason)
        return EXIT_REFUSED
    for note in plan.notes:
        _say(wanted.name, note)
    return Engine(plan, control).run()


def _arguments(argv: Sequence[str] | None) -> tuple[Wanted, int]:
    parser = argparse.ArgumentParser(prog="python -m seekgate.engine", description=__doc__)
    parser.add_argument("--name", required=True, help="the model name that it answers to")
    parser.add_argument("--model", required=True, help="path of a GGUF file")
    parser.add_argument("--context", type=int, default=4096, help="tokens for each slot")
    parser.add_argument("--slots", type=int, default=4, help="generations at the same time")
    parser.add_argument("--threads", type=int, default=0, help="0: one for each core but one")
    parser.add_argument("--embeddings", action="store_true", help="serve embeddings instead of generations")
    parser.add_argument(
        "--socket", default="", help="serve on a Unix socket at this path instead of a loopback port"
    )
    parser.add_argument(
        "--control-fd", type=int, required=True, help="inherited descriptor of the supervisor"
    )
    found = vars(parser.parse_args(argv))
    control = found.pop("control_fd")
    return Wanted(**found), control


def _prepare(wanted: Wanted) -> Plan | Refused:
    """Look at the model file and the machine, and decide."""
    try:
        header = read_header(Path(wanted.model))
    except OSError as error:
        return Refused(f"cannot read the model file {wanted.model}: {error.strerror or error}")
    if isinstance(header, NotGguf):
        return Refused(
            f"{wanted.model} is not a model that this engine can load: {header.reason}. "
            "Pull it again: seekgate models pull"
        )
    return decide(wanted, header, look())


def _say(name: str, text: str) -> None:
    print(f"seekgate engine {name}: {text}", file=sys.stderr, flush=True)


class Engine:
    """One engine over its life; `run` returns the exit status."""

    def __init__(self, plan: Plan, control: int) -> None:
        self._plan = plan
        self._control = control
        self._key = secrets.token_urlsafe(32)
        self._server: Server | None = None
        self._failure: Exception | None = None

    def run(self) -> int:
        """Serve until told to leave or the supervisor is gone."""
        try:
            llama = require()
        except Missing as error:
            _say(self._plan.name, str(error))
            return EXIT_REFUSED
        loaded, done = socket.socketpair()
        woken, wake = socket.socketpair()
        wake.setblocking(False)
        signal.signal(signal.SIGTERM, lambda number, frame: None)  # the wake-up descriptor tells
        signal.set_wakeup_fd(wake.fileno())
        threading.Thread(target=self._load, args=(llama, done), daemon=True).start()
        deadline = self._wait(loaded, woken)
        if deadline is None:
            _say(self._plan.name, str(self._failure))
            return EXIT_FAILED
        if self._server is None:
            # Still loading: nothing is in flight, and llama.cpp cannot be interrupted.
            _say(self._plan.name, "told to leave while loading")
            os._exit(EXIT_DRAINED)
        return self._leave(self._server, deadline)

    def _load(self, llama: object, done: socket.socket) -> None:
        try:
            self._server = Server(llama, self._plan, self._key)
        except (Broken, OSError) as error:
            self._failure = error
        done.close()

    def _wait(self, loaded: socket.socket, woken: socket.socket) -> float | None:
        """Wait for a reason to leave; return the deadline in seconds, or None when loading failed."""
        lines = Lines(self._control)
        parent = os.getppid()
        with selectors.DefaultSelector() as selector:
            for source in (self._control, loaded, woken):
                selector.register(source, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select(_PARENT_CHECK)}
                if loaded in ready:
                    selector.unregister(loaded)
                    if self._server is None:
                        return None
                    if not self._announce(self._server):
                        return ORPHAN_DEADLINE
                if self._control in ready and (deadline := lines.deadline()) is not None:
                    return deadline
                # The second condition: a sibling may hold the supervisor's end open.
                if woken in ready or os.getppid() != parent:
                    return ORPHAN_DEADLINE

    def _announce(self, server: Server) -> bool:
        """Tell the supervisor where the engine is; False when it is gone."""
        message = memoryview(encode(Ready(server.address.host, server.address.port, self._key)))
        try:
            while message:
                message = message[os.write(self._control, message) :]
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def _leave(self, server: Server, deadline: float) -> int:
        # The kernel ends the process if llama.cpp hangs: no Python thread could be relied upon for that.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, deadline + _STOP_GRACE)
        if not server.drain(deadline):
            _say(self._plan.name, f"generations still ran after {deadline:g} s and were cut")
            # llama.cpp would wait for its clients; the kernel closes their connections now.
            os._exit(EXIT_CUT)
        server.stop()
        return EXIT_DRAINED


class Lines:
    """The supervisor's messages from a descriptor, one JSON object a line."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rest = b""

    def deadline(self) -> float | None:
        """Read what is there; return the deadline in seconds if the engine is to leave, else None.

        The end of the descriptor counts as told to leave. What is no message to an engine is passed over, so that an
        older engine lives under a newer supervisor.
        """
        try:
            data = os.read(self._fd, 65536)
        except ConnectionResetError:
            data = b""
        if not data:
            return ORPHAN_DEADLINE
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            try:
                message = decode_to_child(line)
            except msgspec.DecodeError:
                continue
            if isinstance(message, Drain):
                return max(0.0, message.deadline)
        return None
