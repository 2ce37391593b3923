"""The child processes that run now: started, listened to, reaped and written down."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seekgate.host.messages import ToChild, ToSupervisor
from seekgate.host.processes import Child, ProtocolError, spawn
from seekgate.supervisor.home import Home, Record
from seekgate.supervisor.log import Logger
from seekgate.supervisor.loop import Loop

_RETRY = 0.02
"""Seconds until a message is written on that did not fit into a child's socket."""


@dataclass(slots=True)
class _Entry:
    child: Child
    role: str
    on_exit: Callable[[int], None]
    on_message: Callable[[ToSupervisor], None] | None
    on_output: Callable[[bytes], None] | None
    listening: bool = False
    reading: bool = False


class Children:
    """Every child by its id. Callbacks run from the loop: a child's messages and output first, its exit last.

    ``after_exit`` is called after each exit, whoever's it was.
    """

    def __init__(self, loop: Loop, home: Home, log: Logger) -> None:
        self._loop = loop
        self._home = home
        self._log = log
        self._entries: dict[int, _Entry] = {}
        self.killed = 0
        self.after_exit: Callable[[], None] | None = None
        loop.on_signal(signal.SIGCHLD, self.reap)

    def __len__(self) -> int:
        return len(self._entries)

    def start(
        self,
        id: int,
        role: str,
        command: list[str],
        *,
        on_exit: Callable[[int], None],
        on_message: Callable[[ToSupervisor], None] | None = None,
        on_output: Callable[[bytes], None] | None = None,
        **spawning: Any,
    ) -> None:
        """Start a child; ``spawning`` goes to `seekgate.host.processes.spawn`. Raise `OSError` when it cannot start.

        ``on_message`` gives it a control socket; ``on_output`` gets what it writes to a pipe that ``spawning`` asks
        for, and b"" at the end.
        """
        child = spawn(command, control=on_message is not None, **spawning)
        entry = self._entries[id] = _Entry(child, role, on_exit, on_message, on_output)
        self._record()
        if child.channel is not None:
            entry.listening = True
            self._loop.watch(child.channel, lambda: self._listen(id))
        if child.output is not None:
            os.set_blocking(child.output.fileno(), False)
            entry.reading = True
            self._loop.watch(child.output, lambda: self._read(id))

    def pid(self, id: int) -> int | None:
        """The process id, or None when it has ended."""
        entry = self._entries.get(id)
        return entry.child.pid if entry is not None else None

    def send(self, id: int, message: ToChild) -> None:
        """Send a message; nothing happens when the child is gone, its exit tells the rest."""
        entry = self._entries.get(id)
        if entry is not None and entry.child.channel is not None and not entry.child.channel.send(message):
            self._loop.later(_RETRY, lambda: self._flush(id))

    def kill(self, id: int, signum: int = signal.SIGKILL) -> None:
        """Send a signal; nothing happens when the child is gone."""
        entry = self._entries.get(id)
        if entry is not None:
            self.killed += signum == signal.SIGKILL
            entry.child.kill(signum)

    def kill_all(self) -> None:
        """End every child at once."""
        for id in self._entries:
            self.kill(id)

    def reap(self) -> None:
        """Find out who has ended."""
        for id, entry in list(self._entries.items()):
            code = entry.child.poll()
            if code is None:
                continue
            if entry.listening:
                self._listen(id)
            if entry.reading:
                self._read(id)
            if self._entries.pop(id, None) is None:
                continue
            self._stop_listening(entry)
            self._stop_reading(entry)
            entry.child.close()
            self._record()
            entry.on_exit(code)
            if self.after_exit is not None:
                self.after_exit()

    def _listen(self, id: int) -> None:
        entry = self._entries[id]
        if entry.child.channel is None or entry.on_message is None:
            return
        try:
            received, ended = entry.child.channel.receive()
        except ProtocolError as error:
            self._log.error("a child does not speak our protocol: killed", role=entry.role, reason=str(error))
            received, ended = [], True
            self.kill(id)
        if ended:
            self._stop_listening(entry)
        for message in received:
            entry.on_message(message)

    def _read(self, id: int) -> None:
        entry = self._entries[id]
        output = entry.child.output
        while output is not None and entry.reading:
            try:
                data = os.read(output.fileno(), 65_536)
            except BlockingIOError:
                return
            if entry.on_output is not None:
                entry.on_output(data)
            if not data:
                self._stop_reading(entry)

    def _stop_listening(self, entry: _Entry) -> None:
        if entry.listening and entry.child.channel is not None:
            entry.listening = False
            self._loop.unwatch(entry.child.channel)

    def _stop_reading(self, entry: _Entry) -> None:
        if entry.reading and entry.child.output is not None:
            entry.reading = False
            self._loop.unwatch(entry.child.output)

    def _flush(self, id: int) -> None:
        entry = self._entries.get(id)
        if entry is not None and entry.child.channel is not None and not entry.child.channel.flush():
            self._loop.later(_RETRY, lambda: self._flush(id))

    def _record(self) -> None:
        records = [Record(e.child.pid, e.child.started, e.role) for e in self._entries.values()]
        try:
            self._home.record_children(records)
        except OSError as error:
            # A full disk costs the next start its knowledge of our children, no request anything.
            self._log.warning("cannot write down the children", reason=error.strerror)
