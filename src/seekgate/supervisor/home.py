"""The supervisor's files under ``SEEKGATE_HOME``, and the lock that keeps it to one supervisor.

======================  ==========================================================================
``demo.key``            the demo key of the built-in configuration, made once, mode 0600
``run/lock``            held while a supervisor lives; holds its pid for people
``run/children.json``   pids and start times of the children; left behind only by a killed supervisor
``run/number``          the number of the newest snapshot, so that numbers grow over restarts
``run/snapshot-N.json`` the snapshots in force and on offer
``run/snapshot.json``   the last good snapshot
``run/inputs.json``     a fingerprint of what it was made from
``log/engine-NAME.log`` what an engine writes, and its older parts ``.1``, ``.2``, ``.3``
======================  ==========================================================================
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Collection
from pathlib import Path

import msgspec

from seekgate.config.snapshot import Snapshot
from seekgate.config.snapshot_file import SnapshotError, read_snapshot


class Record(msgspec.Struct, frozen=True):
    """A child as the next supervisor may find it: `seekgate.host.processes.start_time` tells whether it lives."""

    pid: int
    started: str | None
    role: str


class LockedError(Exception):
    """Another supervisor runs on this home."""


class Home:
    """One ``SEEKGATE_HOME``. Nothing is touched before `prepare`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = path / "run"
        self.log = path / "log"
        self.demo_key = path / "demo.key"
        self.last_good = self.run / "snapshot.json"
        self._children = self.run / "children.json"
        self._number = self.run / "number"

    def prepare(self) -> None:
        """Make the directories, for this user alone. Raise `OSError` when that is not possible."""
        for directory in (self.path, self.run, self.log):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if directory.stat().st_mode & 0o077:
                directory.chmod(0o700)

    def lock(self) -> int:
        """Take the lock for as long as the returned descriptor is open; children do not inherit it.

        Raise `LockedError` when another supervisor holds it. The kernel frees it when its holder dies.
        """
        fd = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise LockedError(
                f"another supervisor (pid {pid}) runs on {self.path}; stop it, or set SEEKGATE_HOME to another home"
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        return fd

    def tidy(self) -> None:
        """Remove files that a killed process was about to put in another's place. Call it with the lock held."""
        for path in self.run.glob(".*"):
            path.unlink(missing_ok=True)

    def snapshot(self, number: int) -> Path:
        """Where the snapshot of this number lies."""
        return self.run / f"snapshot-{number}.json"

    def next_number(self) -> int:
        """A number that no earlier snapshot of this home has had."""
        used = [0]
        with contextlib.suppress(OSError, ValueError):
            used.append(int(self._number.read_text()))
        used += [int(p.stem[9:]) for p in self.run.glob("snapshot-*.json") if p.stem[9:].isdigit()]
        last = self.read_last_good()
        used.append(last.number if last is not None else 0)
        number = max(used) + 1
        replace(self._number, f"{number}\n".encode())
        return number

    def read_last_good(self) -> Snapshot | None:
        """The last good snapshot, or None when there is none that this version can read."""
        try:
            return read_snapshot(self.last_good)
        except SnapshotError:
            return None

    def keep_good(self, number: int, awaited: Collection[int] = ()) -> None:
        """Remember the snapshot of this number as the last good one and remove all others that nobody awaits.

        ``awaited`` are those that a worker has been told to begin with and may not have read yet.
        """
        replace(self.last_good, self.snapshot(number).read_bytes())
        kept = {self.snapshot(each) for each in (number, *awaited)}
        for path in self.run.glob("snapshot-*.json"):
            if path not in kept:
                path.unlink(missing_ok=True)

    def restore(self, number: int) -> None:
        """Put the last good snapshot, which has this number, where workers look for it."""
        if not self.snapshot(number).exists():
            replace(self.snapshot(number), self.last_good.read_bytes())

    def discard(self, number: int) -> None:
        """Remove a snapshot that is not to be served."""
        self.snapshot(number).unlink(missing_ok=True)

    def record_children(self, records: list[Record]) -> None:
        """Write down who lives, for a supervisor that starts after we are killed."""
        replace(self._children, msgspec.json.encode(records))

    def read_children(self) -> list[Record] | None:
        """The children that a killed supervisor left, or None when the last one ended in order."""
        try:
            return msgspec.json.decode(self._children.read_bytes(), type=list[Record])
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError):
            return []

    def forget_children(self) -> None:
        """All children have ended."""
        self._children.unlink(missing_ok=True)

    def make_demo_key(self) -> bool:
        """Make the demo key unless it is there; whether it was made."""
        if self.demo_key.exists():
            return False
        replace(self.demo_key, f"sk-seekgate-demo-{os.urandom(24).hex()}\n".encode())
        return True


def replace(path: Path, data: bytes) -> None:
    """Write a file for this user alone, whole or not at all, also when we are killed halfway."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
    beside.replace(path)
