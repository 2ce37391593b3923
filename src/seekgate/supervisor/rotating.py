"""A log file that is kept small: what engines write goes here."""

from __future__ import annotations

import os
from pathlib import Path

MAX_BYTES = 10 * 1_048_576
KEPT = 3


class RotatingFile:
    """Appends to ``path``; past ``max_bytes`` it becomes ``path.1``, and so on up to ``path.KEPT``.

    ``last`` is the last line that was written, for the message about a process that has died.
    """

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._fd: int | None = None
        self._size = 0
        self.last = ""

    def write(self, data: bytes) -> None:
        """Append, at a line's end into a new file when this one is full. A full disk loses the log, nothing else."""
        line = data.rstrip(b"\n").rpartition(b"\n")[2]
        if line:
            self.last = line[-500:].decode(errors="replace")
        try:
            if self._fd is None:
                self._open()
            if self._fd is not None:
                self._size += os.write(self._fd, data)
            if self._size >= self._max_bytes and data.endswith(b"\n"):
                self._rotate()
        except OSError:
            self.close()

    def close(self) -> None:
        """Close the file; a later `write` opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> None:
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._fd).st_size

    def _rotate(self) -> None:
        self.close()
        for number in range(self._kept - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
