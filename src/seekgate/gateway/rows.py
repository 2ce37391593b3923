"""The rows of a worker: it follows the row log and tells the tables of each change.

Tables outlive snapshots, and so does this. Before a worker is ready the log is read to its end, in slices between which
the loop does other things; afterwards each tick takes what is new, and a long piece of news (an import of many keys) is
taken slice by slice with pauses, so that it holds up nobody's stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from seekgate.config.rowlog import Change, RowLogError, RowLogReader, log_path
from seekgate.config.rows import Row
from seekgate.host.complaints import complain, described

Apply = Callable[[str, str, Row | None], None]
"""``apply(kind, id, row)``: the row is like this from now on, or gone (None)."""

PAUSE = 0.01
"""Seconds between two slices of a long piece of news."""
FORGET = 2000
"""Rows of a slice, where all of them are gone."""

_decode: Callable[[msgspec.Raw], Row] = msgspec.json.Decoder(Row).decode


class Rows:
    """Tables, by the kind of row that they hold, and the log that they follow.

    ``loaded`` says that the log has been read to its end at least once: before that, what is not in a table may exist
    all the same. ``number`` is that of the last change known.
    """

    def __init__(self) -> None:
        self._tables: dict[str, Apply] = {}
        self._known: dict[str, Callable[[], Iterable[str]]] = {}
        self._ids: dict[str, set[str]] = {}
        self._met: dict[str, set[str]] | None = None
        self._gone: list[tuple[str, str]] = []
        self._reader: RowLogReader | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._troubled = False
        self.loaded = False
        self.number = 0

    def register(self, kind: str, apply: Apply, ids: Callable[[], Iterable[str]] | None = None) -> None:
        """Tell ``apply`` of every row of this kind. Before `load`. ``ids`` gives the ids that a large table knows, so
        that they need not be kept twice."""
        self._tables[kind] = apply
        if ids is None:
            self._ids[kind] = set()
            ids = self._ids[kind].copy
        self._known[kind] = ids

    async def load(self, home: Path) -> None:
        """Read the log of this installation as it is now; without one there are no rows."""
        self._reader = RowLogReader(log_path(home))
        while self._step(self._reader):
            await asyncio.sleep(0)

    def follow(self) -> None:
        """Take what is new. Called on each tick."""
        if self._reader is not None and self._timer is None and self._step(self._reader):
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self._go_on)

    def close(self) -> None:
        """Follow no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _go_on(self) -> None:
        self._timer = None
        self.follow()

    def _step(self, reader: RowLogReader) -> bool:
        """One slice; whether there may be more at once."""
        if self._gone:
            return self._forget()
        try:
            part = reader.read()
        except (OSError, RowLogError) as error:
            # A damaged log costs the news, never what is known. The control process will write another.
            if not self._troubled or isinstance(error, RowLogError):
                complain("the row log cannot be read: rows stay as they are", error=str(error))
            self._troubled = True
            return False
        self._troubled = False
        if part.reset:
            self._met = {kind: set() for kind in self._tables}
        self._take(part.changes)
        if not part.more and reader.epoch:
            if self._met is not None:
                met, self._met = self._met, None
                # The log began anew: what it does not mention is gone.
                for kind, known in self._known.items():
                    self._gone += [(kind, id) for id in known() if id not in met[kind]]
            self.loaded = True
        return part.more or self._forget()

    def _take(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self.number = change.number
            apply = self._tables.get(change.kind)
            if apply is None:
                continue
            try:
                row = None if change.gone else _decode(change.row)
                if row is not None and row.__struct_config__.tag != change.kind:
                    raise ValueError(f"it is a row of kind {row.__struct_config__.tag}")
            except ValueError as error:
                # Most likely a newer version's. What it said before is not true any more, so it counts as gone.
                complain(
                    "a row cannot be used by this version", kind=change.kind, id=change.id, error=str(error)
                )
                row = None
            self._apply(apply, change.kind, change.id, row)

    def _apply(self, apply: Apply, kind: str, id: str, row: Row | None) -> None:
        ids = self._ids.get(kind)
        if ids is not None:
            (ids.discard if row is None else ids.add)(id)
        if row is not None and self._met is not None:
            self._met[kind].add(id)
        try:
            apply(kind, id, row)
        except Exception as error:  # noqa: BLE001 - reported; the other rows still come
            complain(
                "a row could not be applied, please report it",
                kind=kind,
                id=id,
                error=described(error),
            )

    def _forget(self) -> bool:
        """A slice of what is gone, before anything is read that could bring it back; as `_step`."""
        gone, self._gone = self._gone[:FORGET], self._gone[FORGET:]
        for kind, id in gone:
            self._apply(self._tables[kind], kind, id, None)
        return bool(self._gone)
