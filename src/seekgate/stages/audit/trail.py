"""A worker's audit as a whole: its journal, its stages, the keeper that seals what is finished.

It outlives snapshots: the journal is opened with the first one that wants it, and closed when one does not and nothing
is open any more.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from seekgate.config.compiled.audit import Audit
from seekgate.host.clock import Clock
from seekgate.host.complaints import complain
from seekgate.pipeline.stage import Stage
from seekgate.stages.audit.sealing import SealError, content_key, sealer
from seekgate.stages.audit.stage import AuditClose, AuditOpen, Ledger
from seekgate.store.journal import Journal, Ticket, keeper, names
from seekgate.store.journal.keeping import Orphan

Orphaned = Callable[[Orphan], object]
KEEPER_SECONDS = 2.0


class Trail:
    """``soon`` runs a callable on the loop from another thread. ``orphaned`` is told of each request that a dead worker
    left open, after it was recorded as abandoned, so that what was reserved for it can be settled. It may be told
    twice.

    ``append`` and ``refusing`` are the stages' (`seekgate.stages.audit.stage.Writer`).
    """

    def __init__(
        self,
        home: Path,
        slot: int,
        clock: Clock,
        soon: Callable[[Callable[[], None]], object],
        orphaned: Orphaned = lambda orphan: None,
    ) -> None:
        self._home = home
        self._slot = f"w{slot}"
        self._clock = clock
        self._soon = soon
        self._orphaned = orphaned
        self._ledger = Ledger()
        self._policy: Audit | None = None
        self._leaving = False
        self._keeper: threading.Thread | None = None
        self._keep_again = False
        self._keep_at = 0.0
        self._journal: Journal | None = None
        self.append: Callable[[bytes], None] = _forget
        self.refusing = False
        self._counts = (0, 0, 0)
        self._known = (0, 0)

    @property
    def on(self) -> bool:
        """Whether anything is recorded: then `commit` belongs in front of every write."""
        return self._journal is not None

    @property
    def failing(self) -> bool:
        """Whether records cannot be written at the moment."""
        return self._journal is not None and self._journal.failing

    def take_counts(self) -> tuple[int, int, int]:
        """Since the last call: failed attempts to write, records given up, requests recorded as abandoned."""
        if self._journal is not None:
            self._count(self._journal)
        counts, self._counts = self._counts, (0, 0, 0)
        return counts

    def _count(self, journal: Journal) -> None:
        errors, lost, abandoned = self._counts
        known_errors, known_lost = self._known
        self._known = (journal.errors, journal.lost)
        self._counts = (errors + journal.errors - known_errors, lost + journal.lost - known_lost, abandoned)

    # -- settings -------------------------------------------------------------------------------------------------

    def use(self, policy: Audit | None) -> None:
        """These settings are in force. Nothing is raised: a journal that cannot be written says so itself."""
        self._leaving = policy is None
        if policy is None or policy == self._policy:
            return
        self._policy = policy
        if self._journal is not None:
            self._journal.change(policy)
            self.refusing = self._journal.refusing
            return
        self._journal = journal = Journal(
            names.folder(self._home),
            self._slot,
            policy,
            self._clock,
            soon=self._soon,
            carry=self._ledger.carry,
            rotated=self.keep,
        )
        journal.open()
        self.append = journal.append
        self.refusing = journal.refusing
        self.keep()

    def stages(self, policy: Audit, secret: Callable[[str], str]) -> tuple[Stage, Stage]:
        """For a snapshot: the stage that stands last, and the observer that stands behind metering.

        Raise `ValueError` when the content's key cannot be read.
        """
        seal = None
        if policy.content is not None:
            try:
                seal = sealer(content_key(secret(policy.content.key)), policy.content.id)
            except SealError as error:
                raise ValueError(f"audit.content.key: {error}") from None
        return (
            AuditOpen(self, self._ledger, answers=policy.answers, seal=seal),
            AuditClose(self, self._ledger, seal=seal),
        )

    # -- work -----------------------------------------------------------------------------------------------------

    def commit(self) -> Ticket | None:
        """Write what was recorded; see `seekgate.store.journal.Journal.commit`."""
        journal = self._journal
        if journal is None:
            return None
        ticket = journal.commit()
        self.refusing = journal.refusing
        return ticket

    def tick(self) -> None:
        """Some times a second."""
        journal = self._journal
        if journal is None:
            return
        journal.tick()
        self.refusing = journal.refusing
        if self._leaving and not self._ledger.open:
            self._end(journal)
        elif self._clock.monotonic() >= self._keep_at:
            self.keep()

    def close(self) -> None:
        """Write and let go; what is open then is for the next worker to close."""
        if self._journal is not None:
            self._end(self._journal)
        if self._keeper is not None:
            self._keeper.join(KEEPER_SECONDS)

    def _end(self, journal: Journal) -> None:
        self.append, self.refusing = _forget, False
        self._journal = self._policy = None
        journal.close()
        self._count(journal)
        self._known = (0, 0)

    # -- the keeper -----------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Have what is finished sealed, by a process of its own. Not waited for."""
        policy = self._policy
        if policy is None:
            return
        self._keep_at = self._clock.monotonic() + policy.segment_age
        if self._keeper is not None and self._keeper.is_alive():
            self._keep_again = True
            return
        self._keeper = threading.Thread(
            target=self._follow_keeper, args=(policy,), name="journal-keeper", daemon=True
        )
        self._keeper.start()

    def _follow_keeper(self, policy: Audit) -> None:
        try:
            keeper.follow(keeper.start(self._home, policy), self._tell)
        except OSError as error:
            complain("the audit journal's keeper cannot be started", error=error.strerror or "unknown")
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._soon(self._kept)

    def _tell(self, line: bytes) -> None:
        orphan = msgspec.json.decode(line, type=Orphan)
        with contextlib.suppress(RuntimeError):
            self._soon(lambda: self._found(orphan))

    def _found(self, orphan: Orphan) -> None:
        errors, lost, abandoned = self._counts
        self._counts = (errors, lost, abandoned + 1)
        self._orphaned(orphan)

    def _kept(self) -> None:
        if self._keep_again:
            self._keep_again = False
            self._keeper = None
            self.keep()


def _forget(record: bytes) -> None:
    """Nothing is recorded (any more)."""
