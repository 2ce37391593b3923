"""A worker's segments: records are collected, written once a turn, and chained.

A frame is written with one system call. A failure (a full disk, a broken one) takes back what was written of it; its
records are kept, within bounds, and written when that is possible again, in their order. Meanwhile `Journal.failing` is
true, and new requests are refused or go on, as the policy says. Nothing of this is silent: the log says when it begins
and ends, `Journal.errors` and `Journal.lost` are counted, and the ledger itself says how many records it lacks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import msgspec

from seekgate.host.clock import Clock
from seekgate.host.complaints import complain
from seekgate.store.journal import names
from seekgate.store.journal.frame import START, encode
from seekgate.store.journal.names import SegmentName
from seekgate.store.journal.syncing import Syncer

WRITTEN = 0
FAILED = -1
FORMAT = 1
OWED_BYTES = 16_777_216
CLOSE_SECONDS = 5.0


class Policy(msgspec.Struct, frozen=True):
    """How to write; see `seekgate.config.compiled.audit.Audit`."""

    fsync: Literal["always", "interval", "never"] = "interval"
    fsync_interval: float = 0.2
    on_failure: Literal["refuse", "continue"] = "refuse"
    segment_bytes: int = 268_435_456
    segment_age: float = 3600.0


Settled = Callable[[int, bool], None]


class Journal:
    """One writer. ``append`` and ``commit`` belong to the loop's thread, like everything here.

    ``settled`` is called with a ticket and whether the disk has everything up to it; with ``fsync: always`` only, and
    through ``soon``, which runs a callable on the loop from another thread (``loop.call_soon_threadsafe``). ``carry``
    gives the records of what is still open, which begin the next segment. ``rotated`` is told that a segment is
    finished and can be sealed.
    """

    def __init__(
        self,
        folder: Path,
        slot: str,
        policy: Policy,
        clock: Clock,
        *,
        soon: Callable[[Callable[[], None]], object],
        settled: Settled = lambda ticket, durable: None,
        carry: Callable[[], Iterable[bytes]] = tuple,
        rotated: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._slot = slot
        self._policy = policy
        self._clock = clock
        self._soon = soon
        self._settled = settled
        self._carry = carry
        self._rotated = rotated
        self._records: list[bytes] = []
        self.append: Callable[[bytes], None] = self._records.append
        """Collect a record for the next `commit`."""
        self.failing = False
        self.errors = 0
        self.lost = 0
        self.name: SegmentName | None = None
        self._strict = policy.on_failure == "refuse"
        self._always = policy.fsync == "always"
        self._descriptor = -1
        self._digest = START
        self._number = 0
        self._size = 0
        self._opened = 0.0
        self._owed: list[bytes] = []
        self._owed_bytes = 0
        self._untold = 0
        self._spoiled = False
        self._syncer: Syncer | None = None

    # -- the life of a writer -------------------------------------------------------------------------------------

    def open(self) -> None:
        """Make the first segment. When that fails the journal begins in failure, and tries again at each `tick`."""
        if self._policy.fsync != "never":
            self._syncer = Syncer(self._policy.fsync, self._policy.fsync_interval, self._synced)
            self._syncer.start()
        try:
            self._begin()
        except OSError as error:
            self._fail(error)

    def tick(self) -> None:
        """At short intervals: write what is owed, go to the next segment when this one is large or old enough."""
        if self._records:
            self.commit()
        if self.failing:
            self._retry()
        elif (
            self._size >= self._policy.segment_bytes
            or self._clock.monotonic() - self._opened >= self._policy.segment_age
        ):
            self.rotate()

    def rotate(self) -> None:
        """Go to the next segment, if this one has anything in it. When that fails, writing goes on in this one."""
        if self._number <= 1 and not self._spoiled:
            self._opened = self._clock.monotonic()
            return
        try:
            self._begin()
        except OSError as error:
            self._fail(error)
            return
        self._rotated()

    def close(self) -> None:
        """Write what is left, say that this was the end, and let go."""
        self._append_own(["closed", self._clock.wall()])
        self.commit()
        if self.failing:
            self._retry()
        if self._owed:
            self.lost += len(self._owed)
            complain(
                "audit records are lost: they could not be written before the end", records=str(self.lost)
            )
        if self._syncer is not None:
            self._syncer.stop(CLOSE_SECONDS)
        elif self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    # -- writing --------------------------------------------------------------------------------------------------

    def commit(self) -> int:
        """Write everything that was collected.

        `WRITTEN`: nothing stands in the way of what this turn has to say. A ticket (greater than zero): it is written,
        but wait until ``settled`` names this ticket or a later one. `FAILED`: it could not be written, and the policy is
        to refuse: calls of upstreams that this turn was about to make must not be made.
        """
        records = self._records
        if not records:
            return WRITTEN
        if self.failing:
            self._owe(records)
            records.clear()
            return FAILED if self._strict else WRITTEN
        frame, digest = encode(self._digest, self._number, records)
        try:
            written = os.write(self._descriptor, frame)
            if written != len(frame):
                self._rest(frame, written)
        except OSError as error:
            self._owe(records)
            records.clear()
            self._fail(error)
            return FAILED if self._strict else WRITTEN
        self._digest = digest
        self._number += len(records)
        self._size += len(frame)
        records.clear()
        if self._syncer is None:
            return WRITTEN
        ticket = self._syncer.written()
        return ticket if self._always else WRITTEN

    def _rest(self, frame: bytes, written: int) -> None:
        """The kernel took a part: a full disk takes none of the rest, a signal is no reason to give up."""
        view = memoryview(frame)[written:]
        while view:
            view = view[os.write(self._descriptor, view) :]

    def _append_own(self, record: list[object]) -> None:
        self.append(msgspec.json.encode([0, *record]))

    # -- segments -------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Open the next segment and write its first record and what is carried over. Raise `OSError`."""
        names.prepare(self._folder)
        wall = self._clock.wall()
        before = self.name
        if before is None:
            name = names.first(names.node_id(self._folder), self._slot, wall)
            older = [each for each in names.segments(self._folder) if each.slot == self._slot and each < name]
            header: dict[str, object] = {"after": str(older[-1])} if older else {}
        else:
            name = before.next()
            header = {"after": str(before), "digest": self._digest.hex(), "records": self._number}
        carried = list(self._carry())
        header = {
            "format": FORMAT,
            "segment": str(name),
            "pid": os.getpid(),
            "time": wall,
            **header,
            "carried": len(carried),
        }
        frames, digest = encode(START, 0, [msgspec.json.encode([0, "segment", header])])
        if carried:
            more, digest = encode(digest, 1, carried)
            frames += more
        descriptor = self._create(name, frames)
        old, self._descriptor = self._descriptor, descriptor
        self.name, self._digest, self._number = name, digest, 1 + len(carried)
        self._size, self._opened, self._spoiled = len(frames), self._clock.monotonic(), False
        if self._syncer is not None:
            self._syncer.use(descriptor, os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC))
        elif old >= 0:
            os.close(old)

    def _create(self, name: SegmentName, frames: bytes) -> int:
        path = self._folder / str(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            # Held for as long as this process writes: who can take it knows that nobody does any more.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.write(descriptor, frames) != len(frames):
                raise OSError(28, "only a part of a new segment was taken")
        except OSError:
            os.close(descriptor)
            path.unlink()
            raise
        return descriptor

    # -- failure --------------------------------------------------------------------------------------------------

    def _fail(self, error: OSError) -> None:
        self.errors += 1
        if self._descriptor >= 0 and not self._spoiled:
            try:
                os.ftruncate(self._descriptor, self._size)
            except OSError:
                self._spoiled = True  # a torn frame stays at its end: the next one goes into another segment
        if not self.failing:
            self.failing = True
            what = "new requests are refused" if self._strict else "requests go on without a record"
            complain(
                f"the audit journal cannot be written: {what}", error=error.strerror or type(error).__name__
            )

    def _owe(self, records: list[bytes]) -> None:
        for record in records:
            if self._owed_bytes + len(record) > OWED_BYTES:
                self.lost += 1
                self._untold += 1
            else:
                self._owed.append(record)
                self._owed_bytes += len(record)

    def _retry(self) -> None:
        """Try to write what is owed, and be well again."""
        try:
            if self._descriptor < 0 or self._spoiled:
                self._begin()
            owed = self._owed
            if self._untold:
                owed = [*owed, msgspec.json.encode([0, "lost", self._clock.wall(), self._untold])]
            if owed:
                frame, digest = encode(self._digest, self._number, owed)
                self._rest(frame, 0)
                self._digest, self._number = digest, self._number + len(owed)
                self._size += len(frame)
        except OSError as error:
            self._fail(error)
            return
        complain(
            "the audit journal is written again",
            level="warning",
            late=str(len(self._owed)),
            lost=str(self._untold),
        )
        self._owed, self._owed_bytes, self._untold = [], 0, 0
        self.failing = False
        if self._syncer is not None:
            self._syncer.written()

    def _synced(self, ticket: int, error: OSError | None) -> None:
        """In the syncer's thread."""
        if error is None and not self._always:
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: there is nobody to tell
            self._soon(lambda: self._after_sync(ticket, error))

    def _after_sync(self, ticket: int, error: OSError | None) -> None:
        if error is not None:
            # After a failed sync nobody knows what the disk has: the rest goes into a new segment (fsync(2)).
            self._spoiled = True
            self._fail(error)
        self._settled(ticket, error is None)
