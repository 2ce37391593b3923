"""The row log: how changes of rows reach the workers of a node, and the last good state of the rows on disk.

An append-only file, ``rows/rows.log`` under the home, of one JSON array a line. The first line is the *header*,
``["seekgate-rows", 1, EPOCH]``; every other one is a change, ``[NUMBER, KIND, ID, ROW]`` with null for a row that is
gone. One process writes (`RowLogWriter`), any number follow (`RowLogReader`).

A log that has grown long is written anew beside and renamed, under a new epoch. The last line of the old file then
says where in the new one its reader goes on (``[NUMBER, "continued", EPOCH, OFFSET]``), so that no reader has to read
again what it knows. A reader that finds another file without having been told so reads all of it, and forgets the rows
that it does not meet.

What ends without a newline has not been written whole, and is not there yet.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

import msgspec

FORMAT = 1
SLICE = 131_072
"""Bytes that a reader takes at once: some hundreds of rows."""
MAX_LINE = 4_194_304
CONTINUED = "continued"
MAGIC = "seekgate-rows"
_SPARE_LINES = 1000
_NULL = b"null"
_BEGINNING = f'["{MAGIC}"'.encode()

_encode = msgspec.json.Encoder().encode


class RowLogError(Exception):
    """The file is not a row log of this version, or is damaged; the text says where."""


class Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row as it is from ``number`` on. ``row`` is its JSON, or null."""

    number: int
    kind: str
    id: str
    row: msgspec.Raw

    @property
    def gone(self) -> bool:
        """Whether the row was removed."""
        return bytes(self.row) == _NULL


class _Header(msgspec.Struct, frozen=True, array_like=True):
    magic: str
    format: int
    epoch: str


_decode_change = msgspec.json.Decoder(Change).decode
_decode_header = msgspec.json.Decoder(_Header).decode


def log_path(home: Path) -> Path:
    """Where the row log of an installation is."""
    return home / "rows" / "rows.log"


def change(number: int, kind: str, id: str, row: object | None) -> Change:
    """A change whose row is a `seekgate.config.rows` type, or None for a row that is gone."""
    return Change(number, kind, id, msgspec.Raw(_NULL if row is None else _encode(row)))


def _header(line: bytes) -> _Header:
    try:
        header = _decode_header(line)
    except msgspec.MsgspecError:
        raise RowLogError("its first line is not that of a row log") from None
    if header.magic != MAGIC or header.format != FORMAT:
        raise RowLogError(f"its format is {header.magic!r} {header.format}, not {MAGIC!r} {FORMAT}")
    return header


class Slice(msgspec.Struct, frozen=True):
    """What a reader found: changes in order. ``reset`` says that they begin a state of their own, whatever was there
    before; ``more`` that there is more to read at once."""

    changes: tuple[Change, ...] = ()
    reset: bool = False
    more: bool = False


NOTHING = Slice()


class RowLogReader:
    """Follows the row log at ``path``, a slice at a time. It never waits, and a file that is not there yet is fine."""

    def __init__(self, path: Path, size: int = SLICE) -> None:
        self._path = path
        self._size = size
        self._fd = -1
        self._inode = (0, 0)
        self._begin = self._offset = 0
        self._next: tuple[str, int] | None = None
        self._broken: tuple[int, int, int] | None = None
        self.epoch = ""

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def offset(self) -> int:
        """How many bytes of the file have been read: the whole lines."""
        return self._offset

    @property
    def ended(self) -> bool:
        """Whether the last line that was read leads into another file."""
        return self._next is not None

    def read(self) -> Slice:
        """The next changes. Raise `RowLogError` for a damaged file, once until it changes, and `OSError`."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return NOTHING
        seen = (found.st_dev, found.st_ino, found.st_size)
        if seen == self._broken:
            return NOTHING
        try:
            return self._read(seen)
        except RowLogError:
            self._broken = seen
            raise

    def _read(self, seen: tuple[int, int, int]) -> Slice:
        same = self._fd >= 0 and self._inode == seen[:2] and seen[2] >= self._offset
        if same and (seen[2] == self._offset or self._next is not None):
            return NOTHING
        if self._fd >= 0:
            # Also what a file that has been replaced still tells: its last line may lead into the new one.
            try:
                changes = self._changes()
            except RowLogError:
                if same:
                    raise
                changes = ()
            if changes or same:
                more = bool(changes) and (not same or self.ended or self._offset < seen[2])
                return Slice(changes, False, more)
        if not self._open():
            return NOTHING
        reset = self._offset == self._begin
        changes = self._changes()
        return Slice(changes, reset, bool(changes) and (self.ended or self._offset < seen[2]))

    def _open(self) -> bool:
        """Open the file that is there now; False when it is gone or has no whole header yet."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            line, newline, _ = os.pread(fd, 512, 0).partition(b"\n")
            if not newline:
                if len(line) == 512 or not _BEGINNING.startswith(line[: len(_BEGINNING)]):
                    raise RowLogError("its first line is not that of a row log")
                os.close(fd)
                return False
            header = _header(line)
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(fd)
            raise
        self.close()
        found = os.fstat(fd)
        self._fd, self._inode = fd, (found.st_dev, found.st_ino)
        self._begin = self._offset = len(line) + 1
        if self._next is not None and self._next[0] == header.epoch:
            self._offset = self._next[1]
        self._next = None
        self.epoch = header.epoch
        return True

    def _changes(self) -> tuple[Change, ...]:
        """The whole lines of one slice; one line alone if it is longer than that."""
        data = os.pread(self._fd, self._size, self._offset)
        size = self._size
        while (end := data.rfind(b"\n")) < 0 and len(data) == size:
            if size > MAX_LINE:
                raise RowLogError(f"the line at byte {self._offset} is longer than {MAX_LINE} bytes")
            size *= 8
            data = os.pread(self._fd, size, self._offset)
        found: list[Change] = []
        for line in data[: end + 1].splitlines():
            try:
                one = _decode_change(line)
                if one.kind == CONTINUED:
                    self._next = (one.id, int(bytes(one.row)))
                    break
            except (msgspec.MsgspecError, ValueError):
                raise RowLogError(f"a line after byte {self._offset} is damaged") from None
            found.append(one)
        self._offset += end + 1
        return tuple(found)


class RowLogWriter:
    """The one writer of a row log. It knows the state that the file describes: ``rows`` has each row's JSON by kind and
    id, and ``number`` is that of the last change. Making one reads the file.

    It holds a lock beside the file, which `close` lets go of; a second writer gets `BlockingIOError`. A file that is
    not there or is damaged (``damage`` says how) is left alone until there is something to write: what it should hold
    comes from the database, and until then readers are better off with what they have.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = self._lock = -1
        self._size = 0
        self._lines = 0
        self.rows: dict[tuple[str, str], bytes] = {}
        self.number = 0
        self.damage = ""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._lock = os.open(path.parent / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._take_up()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file and the lock."""
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1

    @property
    def begun(self) -> bool:
        """Whether there is a file whose state is known."""
        return self._fd >= 0

    @property
    def overgrown(self) -> bool:
        """Whether most of the file is about rows as they no longer are."""
        return self._lines > 2 * len(self.rows) + _SPARE_LINES

    def append(self, changes: Iterable[Change]) -> None:
        """Write changes, which readers see as soon as this returns, and bring ``rows`` up to date.

        Raise `OSError`: then a part of them may be missing, and ``rows`` says which are there.
        """
        changes = list(changes)
        if not self.begun:
            self._learn(changes)
            self.compact()
            return
        if not changes:
            return
        lines = [_encode(one) + b"\n" for one in changes]
        start = self._size
        try:
            self._write(b"".join(lines))
        finally:
            ends = accumulate(map(len, lines), initial=start)
            self._learn(one for one, end in zip(changes, list(ends)[1:], strict=True) if end <= self._size)

    def compact(self) -> None:
        """Write the present state into a new file under a new epoch, in this one's place. Raise `OSError`."""
        epoch = secrets.token_hex(8)
        beside = self._path.with_name(f".{self._path.name}.new")
        fd = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            data = self._whole(epoch)
            _write_all(fd, data)
            os.fsync(fd)
            if self.begun:
                there = Change(self.number, CONTINUED, epoch, msgspec.Raw(b"%d" % len(data)))
                self._write(_encode(there) + b"\n")
                # What is appended to it now is read by nobody.
                os.close(self._fd)
                self._fd = -1
            os.replace(beside, self._path)
        except BaseException:
            os.close(fd)
            raise
        self._fd, self._size, self._lines = fd, len(data), len(self.rows)
        _sync_folder(self._path.parent)

    def _whole(self, epoch: str) -> bytes:
        lines = [_encode(_Header(MAGIC, FORMAT, epoch))]
        for (kind, id), row in self.rows.items():
            lines.append(_encode(Change(self.number, kind, id, msgspec.Raw(row))))
        return b"\n".join(lines) + b"\n"

    def _take_up(self) -> None:
        reader = RowLogReader(self._path)
        try:
            more = True
            while more:
                part = reader.read()
                self._learn(part.changes)
                more = part.more
        except RowLogError as error:
            self.damage = str(error)
            self.rows.clear()
            self.number = 0
        finally:
            reader.close()
        if self.damage or not reader.epoch:
            return
        if reader.ended:
            self.compact()  # the rename that should have followed never came
            return
        self._fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        self._size = reader.offset
        os.ftruncate(self._fd, self._size)

    def _learn(self, changes: Iterable[Change]) -> None:
        for one in changes:
            self.number = max(self.number, one.number)
            self._lines += 1
            if one.gone:
                self.rows.pop((one.kind, one.id), None)
            else:
                self.rows[one.kind, one.id] = bytes(one.row)

    def _write(self, data: bytes) -> None:
        start = self._size
        try:
            _write_all(self._fd, data, start)
            self._size += len(data)
        except OSError:
            # A reader may have taken the whole lines, so those stay; the next one must not be glued to a part.
            there = os.pread(self._fd, len(data), start)
            self._size += there.rfind(b"\n") + 1
            os.ftruncate(self._fd, self._size)
            raise
        os.fdatasync(self._fd)


def _write_all(fd: int, data: bytes, offset: int = 0) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, offset)
        view, offset = view[done:], offset + done


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
