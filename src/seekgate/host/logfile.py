"""A log that cannot hold up the loop: lines are handed to a thread that writes them.

A pipe whose reader has stopped, or a full disk, must not stop traffic: what waits for the thread is bounded, and what
does not fit is counted as lost.
"""

from __future__ import annotations

import os
import queue
import threading

MAX_WAITING_BYTES = 16_777_216


class LogWriter:
    """Appends to ``target``: ``stdout``, ``stderr`` or the path of a file."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._queue: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._descriptor = _open(target)
        self.lost_bytes = 0
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def write(self, lines: bytes) -> None:
        """Hand over whole lines; never blocks."""
        if self._waiting + len(lines) > MAX_WAITING_BYTES:
            self.lost_bytes += len(lines)
            return
        with self._lock:
            self._waiting += len(lines)
        self._queue.put(lines)

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits, for at most ``timeout`` seconds."""
        self._queue.put(None)
        self._thread.join(timeout)

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
                self.lost_bytes += len(view)
                return


def _open(target: str) -> int:
    if target in ("stdout", "stderr"):
        return 1 if target == "stdout" else 2
    return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
