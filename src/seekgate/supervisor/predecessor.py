"""What a killed supervisor has left: its children finish what they have and exit, and this start lets them.

They stop listening as soon as they notice that they are alone, but until then the addresses are taken. A start waits
for them, and ends those that have not let go in time: they no longer do what they should.
"""

from __future__ import annotations

import contextlib
import os
import signal

from seekgate.host.processes import start_time
from seekgate.supervisor.home import Home, Record
from seekgate.supervisor.log import Logger

PATIENCE = 5.0
"""Seconds for the children of a killed supervisor to stop listening."""

LAST_WAIT = 1.0
"""Seconds more once they have been killed."""

_HELPERS = ("compiler", "model")


class Predecessor:
    """The children that an earlier supervisor of this home wrote down and did not see end."""

    def __init__(self, home: Home, log: Logger) -> None:
        self._home = home
        self._log = log
        self._records: list[Record] | None = None
        self._since: float | None = None
        self._killed = False

    def meet(self) -> None:
        """Read who is left. Those that only prepared something for the killed supervisor are ended now."""
        self._records = self._home.read_children()
        if self._records is None:
            return
        living = self._living()
        self._log.warning("the supervisor before this one was killed", children_finishing=len(living))
        for record in living:
            if record.role.startswith(_HELPERS):
                _kill(record)

    def may_go(self, now: float) -> bool:
        """An address is taken: whether it is worth waiting for our own orphans to leave it."""
        if self._records is None:
            return False
        if self._since is None:
            self._since = now
        waited = now - self._since
        if waited < PATIENCE:
            return True
        if not self._killed:
            self._killed = True
            for record in self._living():
                self._log.warning("an orphan still listens: killed", role=record.role, pid=record.pid)
                _kill(record)
        return waited < PATIENCE + LAST_WAIT

    def _living(self) -> list[Record]:
        records = self._records or []
        return [r for r in records if r.started is not None and start_time(r.pid) == r.started]


def _kill(record: Record) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGKILL)
