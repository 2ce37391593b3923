"""A worker's segments: records are collected, written once a turn, and chained.

A frame is written with one system call. Space is reserved ahead of it, so that a full disk shows while there is still
room for the records of requests in flight: then `Journal.failing` becomes true, and new requests are refused or go on,
as the policy says. A write that fails all the same takes back what was written of its frame; its records are kept,
within bounds, and written when that is possible again, in their order. Nothing of this is silent: the log says when it
begins and ends, `Journal.errors` and `Journal.lost` are counted, and the ledger itself says how many records it lacks.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from seekgate.config.compiled.audit import Audit
from seekgate.host.clock import Clock
from seekgate.host.complaints import complain
from seekgate.host.reserve import Reserver
from seekgate.store.journal import names
from seekgate.store.journal.backlog import Backlog
from seekgate.store.journal.frame import START, encode
from seekgate.store.journal.names import SegmentName
from seekgate.store.journal.syncing import Syncer

FORMAT = 1
RESERVE_BYTES = 4_194_304
CLOSE_SECONDS = 5.0


class Ticket:
    """A commit that is on its way to the disk."""

    __slots__ = ("_waiting", "number", "settled")

    def __init__(self, number: int) -> None:
        self.number = number
        self.settled = False
        self._waiting: list[Callable[[], object]] = []

    def then(self, done: Callable[[], object]) -> None:
        """Call ``done`` on the loop once the disk has it, or once it is known that it cannot be; at once if it is."""
        if self.settled:
            done()
        else:
            self._waiting.append(done)

    def settle(self) -> None:
        """It is."""
        self.settled = True
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done()


class Journal:
    """One writer. Everything here belongs to the loop's thread.

    ``soon`` runs a callable on the loop from another thread (``loop.call_soon_threadsafe``). ``carry`` gives the
    records of what is still open, which begin the next segment. ``rotated`` is told that a segment is finished and can
    be sealed.
    """

    def __init__(
        self,
        folder: Path,
        slot: str,
        policy: Audit,
        clock: Clock,
        *,
        soon: Callable[[Callable[[], None]], object],
        carry: Callable[[], Iterable[bytes]] = tuple,
        rotated: Callable[[], object] = lambda: None,
    ) -> None:
        self._folder = folder
        self._slot = slot
        self._policy = policy
        self._clock = clock
        self._soon = soon
        self._carry = carry
        self._rotated = rotated
        self._records: list[bytes] = []
        self.append: Callable[[bytes], None] = self._records.append
        """Collect a record for the next `commit`."""
        self.failing = False
        """Records cannot be written, or will soon be impossible to write."""
        self.refusing = False
        """`failing`, and the policy is to refuse new requests."""
        self.errors = 0
        self.lost = 0
        self.name: SegmentName | None = None
        self._always = policy.fsync == "always"
        self._descriptor = -1
        self._digest = START
        self._number = 0
        self._size = 0
        # What the segment began with: its own record and those of open requests, and their bytes. They alone are no
        # reason to begin another one, which would have to begin with the same.
        self._first = 1
        self._carried = 0
        self._opened = 0.0
        self._reserve: Reserver | None = Reserver()
        self._reserved = 0
        self._seen = 0
        self._broken = False
        self._spoiled = False
        self._backlog = Backlog()
        self._syncer: Syncer | None = None
        self._tickets: deque[Ticket] = deque()

    # -- the life of a writer -------------------------------------------------------------------------------------

    def open(self) -> None:
        """Make the first segment. When that fails the journal begins in failure, and tries again at each `tick`."""
        if self._policy.fsync != "never":
            first = self._syncer.ticket if self._syncer is not None else 0
            self._syncer = Syncer(self._policy.fsync, self._policy.fsync_interval, self._synced, first)
            self._syncer.start()
        else:
            self._syncer = None
        try:
            self._begin()
            self._take_room()
        except OSError as error:
            self._fail(error)

    def change(self, policy: Audit) -> None:
        """Go on by another policy, in the next segment."""
        self.commit()
        self._policy = policy
        self._always = policy.fsync == "always"
        self._let_go(0.0)
        self.refusing = self.failing and policy.on_failure == "refuse"
        self.open()
        self._rotated()

    def tick(self) -> None:
        """At short intervals: write what is owed, see that there is room, and go to the next segment when this one is
        large or old enough."""
        if self._records:
            self.commit()
        try:
            if self._broken or self._spoiled or self._descriptor < 0:
                self._mend()
            elif self._size >= max(self._policy.segment_bytes, 2 * self._carried) or self._aged():
                self.rotate()
            self._take_room()
        except OSError as error:
            self._fail(error)
            return
        if self.failing:
            self._recovered()

    def rotate(self) -> None:
        """Go to the next segment, if this one has anything in it. Raise `OSError`; then writing goes on in this one."""
        if self._number == self._first:
            self._opened = self._clock.monotonic()
            return
        self._begin()
        self._rotated()

    def close(self) -> None:
        """Write what is left, say that this was the end, and let go."""
        self.append(msgspec.json.encode([0, "closed", self._clock.wall()]))
        self.commit()
        if self._broken:
            try:
                self._mend()
            except OSError as error:
                self._fail(error)
        if self._backlog.records:
            self.lost += len(self._backlog.records)
            complain("audit records are lost: the journal could not be written", records=str(self.lost))
        self._let_go(CLOSE_SECONDS)

    def _let_go(self, patience: float) -> None:
        """Close the segment; its syncer syncs it once more, for which is waited so many seconds."""
        if self._descriptor >= 0 and not self._spoiled:
            with contextlib.suppress(OSError):  # gives back the room that was not needed
                os.ftruncate(self._descriptor, self._size)
        if self._syncer is not None:
            self._syncer.stop(patience)
        elif self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _aged(self) -> bool:
        return self._clock.monotonic() - self._opened >= self._policy.segment_age

    # -- writing --------------------------------------------------------------------------------------------------

    def commit(self) -> Ticket | None:
        """Write everything that was collected. With ``fsync: always`` the ticket tells when the disk has it, and what
        an earlier commit wrote: a record may be written turns before what it stands for goes out.

        Nothing is raised: what cannot be written now is written later, and `failing` says so.
        """
        records = self._records
        if not records:
            return self._tickets[-1] if self._tickets else None
        if self._broken:
            self.lost += self._backlog.add(records)
            records.clear()
            return None
        frame, digest = encode(self._digest, self._number, records)
        try:
            written = os.write(self._descriptor, frame)
            if written != len(frame):
                self._write_all(memoryview(frame)[written:])
        except OSError as error:
            self.lost += self._backlog.add(records)
            records.clear()
            self._broken = True
            self._fail(error)
            return None
        self._digest = digest
        self._number += len(records)
        self._size += len(frame)
        records.clear()
        if self._syncer is None:
            return None
        number = self._syncer.written()
        if not self._always:
            return None
        ticket = Ticket(number)
        self._tickets.append(ticket)
        return ticket

    def _write_all(self, view: memoryview) -> None:
        """The kernel may take a part: a full disk takes none of the rest, a signal is no reason to give up."""
        while view:
            view = view[os.write(self._descriptor, view) :]

    # -- segments -------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Open the next segment and write its first record and what is carried over. Raise `OSError`."""
        names.prepare(self._folder)
        wall = self._clock.wall()
        before = self.name
        if before is None:
            name = names.unused(self._folder, self._slot, wall)
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
        if old >= 0:
            with contextlib.suppress(OSError):
                if not self._spoiled:
                    os.ftruncate(old, self._size)  # gives back the room that was not needed
                # It may be sealed from here on, even if the syncer keeps it open for long yet.
                fcntl.flock(old, fcntl.LOCK_UN)
        self._first, self._carried = self._number, len(frames)
        self._size, self._opened, self._spoiled = len(frames), self._clock.monotonic(), False
        self._reserved = self._seen = 0
        if self._syncer is not None:
            self._syncer.use(descriptor, os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC))
        elif old >= 0:
            os.close(old)

    def _create(self, name: SegmentName, frames: bytes) -> int:
        """Under its name only when it is begun and locked: who finds it unlocked may seal it."""
        beside = self._folder / f".{name}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(beside, flags, 0o600)
        try:
            # Held for as long as this process writes: who can take it knows that nobody does any more.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.write(descriptor, frames) != len(frames):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            beside.rename(self._folder / str(name))
        except OSError:
            os.close(descriptor)
            beside.unlink(missing_ok=True)
            raise
        return descriptor

    # -- room and failure -----------------------------------------------------------------------------------------

    def _take_room(self) -> None:
        """Reserve what the next ticks may need. Raise `OSError` when there is not so much."""
        grown, self._seen = max(0, self._size - self._seen), self._size
        wanted = min(RESERVE_BYTES, self._policy.segment_bytes // 4) + 4 * grown
        if self._reserve is not None and self._reserved - self._size < wanted // 2:
            if self._reserve(self._descriptor, self._size, wanted):
                self._reserved = self._size + wanted
            else:
                self._reserve = None  # not on this file system: then only a failed write tells

    def _fail(self, error: OSError) -> None:
        self.errors += 1
        if self._broken and self._descriptor >= 0 and not self._spoiled:
            try:
                os.ftruncate(self._descriptor, self._size)
                self._reserved = 0
            except OSError:
                self._spoiled = True  # a torn frame stays at its end: the next one goes into another segment
        if self._descriptor < 0:
            self._broken = True
        if not self.failing:
            self.failing = True
            self.refusing = self._policy.on_failure == "refuse"
            what = "new requests are refused" if self.refusing else "requests go on, perhaps without a record"
            complain(f"the audit journal cannot be written: {what}", error=error.strerror or "unknown")

    def _mend(self) -> None:
        """Write what is owed. Raise `OSError` when that is still not possible."""
        if self._descriptor < 0 or self._spoiled:
            self._begin()
        owed = self._backlog.to_write(self._clock.wall())
        if owed:
            self._broken = True
            frame, digest = encode(self._digest, self._number, owed)
            self._write_all(memoryview(frame))
            self._digest, self._number = digest, self._number + len(owed)
            self._size += len(frame)
            self._backlog.clear()
            if self._syncer is not None:
                self._syncer.written()
        self._broken = False

    def _recovered(self) -> None:
        self.failing = self.refusing = False
        complain("the audit journal is written again", level="warning", lost=str(self.lost))

    def _synced(self, number: int, error: OSError | None) -> None:
        """In the syncer's thread."""
        if error is not None or self._tickets:
            with contextlib.suppress(RuntimeError):  # the loop is closed: there is nobody to tell
                self._soon(lambda: self._after_sync(number, error))

    def _after_sync(self, number: int, error: OSError | None) -> None:
        if error is not None:
            # After a failed sync nobody knows what the disk has: what follows goes into a new segment (fsync(2)).
            self._spoiled = True
            self._fail(error)
        tickets = self._tickets
        while tickets and tickets[0].number <= number:
            tickets.popleft().settle()
