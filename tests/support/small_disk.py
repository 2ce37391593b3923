"""A folder on a small file system of its own, which a test can fill up (Linux).

As with `tests.support.dns`, the process tree under test runs in a mount namespace; the test reaches the file system
through the tree's root.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_MOUNT = 'mount -t tmpfs -o "size=$2,mode=0700" tmpfs "$1" && shift 2 && exec "$@"'


class SmallDisk:
    """``folder`` is where the file system is mounted, ``prefix`` the command that runs the rest of its line with it."""

    def __init__(self, folder: Path, size: str) -> None:
        folder.mkdir(mode=0o700, parents=True)
        self._folder = folder
        self._size = size

    @property
    def prefix(self) -> list[str]:
        """Who is not root becomes root of a user namespace first, which is enough to mount there."""
        flags = ["-m"] if os.geteuid() == 0 else ["-U", "-r", "-m"]
        return ["unshare", *flags, "sh", "-c", _MOUNT, "sh", str(self._folder), self._size]

    def seen(self, pid: int) -> Path:
        """The folder as the process sees it."""
        return Path(f"/proc/{pid}/root{self._folder}")

    def fill(self, pid: int) -> None:
        """Take all the room there is, to the last byte."""
        with (self.seen(pid) / "filler").open("ab", buffering=0) as file:
            for chunk in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * chunk):
                        pass

    def clear(self, pid: int) -> None:
        """Give it back."""
        (self.seen(pid) / "filler").unlink()
