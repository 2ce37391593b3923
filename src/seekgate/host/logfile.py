"""A log that cannot hold up the loop: lines are handed to a thread that writes them.

A pipe whose reader has stopped, or a full disk, must not stop traffic: what waits for the thread is bounded, and what
does not fit is counted as lost.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading

MAX_WAITING_BYTES = 16_777_216


class LogWriter:
    """Appends to ``target``: ``stdout``, ``stderr`` or the path of a file or pipe.

    Raise `OSError` when it cannot be opened; a pipe that nobody reads is one that cannot.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lost = 0
        self._lock = threading.Lock()
        self._descriptor = _open(target)
        self._file = None if target in _STANDARD else _identity(os.fstat(self._descriptor))
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def write(self, lines: bytes) -> None:
        """Hand over whole lines; never blocks."""
        if self._waiting + len(lines) > MAX_WAITING_BYTES:
            self._lose(lines)
            return
        with self._lock:
            self._waiting += len(lines)
        self._queue.put(lines)

    def leads_to(self, target: str) -> bool:
        """Whether opening ``target`` now would lead to the same file: it is the same name, and was not rotated."""
        if target != self._target or target in _STANDARD:
            return target == self._target
        try:
            return _identity(os.stat(target)) == self._file
        except OSError:
            return False

    def take_lost(self) -> int:
        """Lines lost since the last call."""
        with self._lock:
            lost, self._lost = self._lost, 0
        return lost

    def finish(self) -> None:
        """Write what waits, however long it takes, and then let the file go; never blocks. No `write` after it."""
        self._queue.put(None)

    @property
    def finished(self) -> bool:
        """Everything is written and the file let go."""
        return not self._thread.is_alive()

    def join(self, timeout: float) -> None:
        """After `finish`: wait for the end, for at most ``timeout`` seconds. What then still waits is lost."""
        self._thread.join(timeout)
        with contextlib.suppress(queue.Empty):
            while True:
                self._lose(self._queue.get_nowait() or b"")
        self._queue.put(None)  # the thread ends when what it is writing has been taken after all

    def _run(self) -> None:
        while (lines := self._queue.get()) is not None:
            self._write(lines)
            with self._lock:
                self._waiting -= len(lines)
        if self._descriptor > 2:
            os.close(self._descriptor)

    def _write(self, lines: bytes) -> None:
        view = memoryview(lines)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except OSError:
                # A closed pipe or a full disk: the lines are lost, and said to be.
                self._lose(bytes(view))
                return

    def _lose(self, lines: bytes) -> None:
        with self._lock:
            self._lost += lines.count(b"\n")


_STANDARD = ("stdout", "stderr")


def _open(target: str) -> int:
    if target in _STANDARD:
        return 1 if target == "stdout" else 2
    # Without O_NONBLOCK a pipe that nobody reads would hold up the caller, which is the worker's loop.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(target, flags, 0o640)
    os.set_blocking(descriptor, True)
    return descriptor


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
