"""Begin at once with the last good snapshot when it was made from exactly what is there now.

Compiling takes a third of a second, most of it imports. A start that finds the same version, configuration and
environment as the last good one serves its snapshot first and compiles afterwards; should the outcome differ after
all (a file that the configuration only refers to), that is an ordinary reload.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from seekgate import __version__
from seekgate.config.snapshot import Snapshot
from seekgate.supervisor.home import Home, replace

_DATA = Path(__file__).parents[1] / "data"

_FLEETING = {
    *("_", "COLUMNS", "LINES", "OLDPWD", "PWD", "SHLVL"),
    *("INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID"),
    *("MAINPID", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"),
}
"""Variables that differ from start to start and that no configuration reads. A missing one costs time only."""


class _Kept(msgspec.Struct, frozen=True):
    number: int
    fingerprint: str


class Inputs:
    """What a snapshot is made from, as a fingerprint (SHA-256) that tells nothing of the secrets in it."""

    def __init__(self, home: Home, config: str | None, environ: Mapping[str, str]) -> None:
        self._home = home
        self._config = config
        self._environ = environ
        self._file = home.run / "inputs.json"

    def fingerprint(self) -> str:
        """What is there now; "" when the configuration cannot be read."""
        digest = hashlib.sha256(
            msgspec.json.encode([__version__, self._config, str(self._home.path), _cores()])
        )
        try:
            for path in ([self._config] if self._config else []) + [
                str(p) for p in sorted(_DATA.glob("*.yaml"))
            ]:
                digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
        except OSError:
            return ""
        lasting = sorted((name, value) for name, value in self._environ.items() if name not in _FLEETING)
        digest.update(os.fsencode(repr(lasting)))
        return digest.hexdigest()

    def snapshot(self) -> Snapshot | None:
        """The last good snapshot, if what is there now is what it was made from."""
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError):
            return None
        last = self._home.read_last_good()
        if last is None or last.number != kept.number or kept.fingerprint != self.fingerprint():
            return None
        return last

    def keep(self, number: int, fingerprint: str) -> None:
        """Remember what the last good snapshot was made from. Raise `OSError`."""
        if fingerprint:
            replace(self._file, msgspec.json.encode(_Kept(number, fingerprint)))


def same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots differ in nothing but their numbers."""
    return msgspec.structs.replace(one, number=0, digest="") == msgspec.structs.replace(
        other, number=0, digest=""
    )


def _cores() -> int | None:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count()
