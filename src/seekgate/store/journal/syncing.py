"""The thread that brings written frames to the disk.

With ``always`` each commit has a ticket, and whoever asked is told when the disk has it; one ``fdatasync`` answers for
all commits that came while the one before it ran (group commit). With ``interval`` the thread syncs on its own, and
only failures are told.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Literal

_sync = getattr(os, "fdatasync", os.fsync)

Settled = Callable[[int, OSError | None], None]


class Syncer:
    """Syncs one file at a time, in a thread of its own. ``settled`` is called in that thread with the newest ticket
    that an attempt answered for, and why it failed (None: it did not)."""

    def __init__(
        self, mode: Literal["always", "interval"], interval: float, settled: Settled, first: int = 0
    ) -> None:
        self._pause = interval if mode == "interval" else 0.0
        self._settled = settled
        self._lock = threading.Condition()
        self._descriptor = -1
        self._folder = -1
        self._retired: list[int] = []
        self._ticket = first
        self._done = first
        self._stopping = False
        self._idle = False
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def use(self, descriptor: int, folder: int) -> None:
        """Sync this file from now on. The one before it is synced once more and closed. ``folder`` is a descriptor of
        the folder that the new file was made in; it is synced and closed, too."""
        with self._lock:
            if self._descriptor >= 0:
                self._retired.append(self._descriptor)
            if self._folder >= 0:
                self._retired.append(self._folder)
            self._descriptor = descriptor
            self._folder = folder
            self._ticket += 1
            self._lock.notify()

    def written(self) -> int:
        """Something was written: the ticket that `settled` will name, or a later one."""
        with self._lock:
            self._ticket += 1
            if self._idle:
                self._lock.notify()
            return self._ticket

    @property
    def ticket(self) -> int:
        """The newest ticket."""
        return self._ticket

    def stop(self, timeout: float) -> None:
        """Sync and close what is left, and end; wait for that, at most ``timeout`` seconds."""
        with self._lock:
            self._stopping = True
            self._lock.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._pause and not self._stopping:
                    self._lock.wait_for(lambda: self._stopping, self._pause)
                self._idle = True
                while not self._stopping and self._ticket == self._done:
                    self._lock.wait()
                self._idle = False
                stopping = self._stopping
                ticket, descriptor, folder = self._ticket, self._descriptor, self._folder
                retired, self._retired, self._folder = self._retired, [], -1
            failure = None
            if ticket != self._done:
                failure = self._attempt(descriptor, folder, retired)
            self._done = ticket
            self._settled(ticket, failure)
            if stopping:
                if descriptor >= 0:
                    os.close(descriptor)
                return

    @staticmethod
    def _attempt(descriptor: int, folder: int, retired: list[int]) -> OSError | None:
        """Sync everything; what is not needed any more is closed. The first failure."""
        failure: OSError | None = None
        for each in (*retired, folder, descriptor):
            if each >= 0:
                try:
                    _sync(each)
                except OSError as error:
                    failure = failure or error
        for each in (*retired, folder):
            if each >= 0:
                with contextlib.suppress(OSError):
                    os.close(each)
        return failure
