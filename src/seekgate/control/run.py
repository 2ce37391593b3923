"""The control process: ``python -m seekgate.control.run --home HOME --database URL --control-fd N``.

The supervisor starts it where there is a database. It ends when it is told to drain, on SIGTERM, and when the control
descriptor reaches its end: then the supervisor is gone. What it follows it follows in a thread, because a database that
does not answer must not keep the process from ending.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seekgate.config import used_keys
from seekgate.config.rowlog import RowLogWriter, log_path
from seekgate.control.follower import Entry, Follower
from seekgate.host.complaints import complain, described
from seekgate.host.messages import Drain, Ready, decode_to_child, encode

if TYPE_CHECKING:
    from seekgate.store.database import Database

LEAVE = 2.0
"""Seconds for a look at the database that is under way when the process ends."""
FORGET = 3600.0
"""Seconds between two looks for secrets that are over."""
LOCK_WAIT = 0.1
"""Seconds between two attempts to become the row log's writer: a killed supervisor's control process may still end."""


class StoredRows:
    """The rows of an open database, as `seekgate.control.follower` asks for them."""

    def __init__(self, url: str, home: Path) -> None:
        from seekgate.store.database import open_database  # SQLAlchemy: a third of a second
        from seekgate.store.journal.notes import note

        self._home = home
        self._forgot = 0.0
        self._database: Database = open_database(
            url, home, actor="control", note=lambda event: note(home, event)
        )

    def epoch(self) -> str:
        """See `seekgate.store.rows.epoch`."""
        from seekgate.store import rows

        return rows.epoch(self._database)

    def last_number(self) -> int:
        """See `seekgate.store.rows.last_number`."""
        from seekgate.store import rows

        return rows.last_number(self._database)

    def rows_since(self, number: int, upto: int) -> Sequence[Entry]:
        """See `seekgate.store.rows.rows_since`."""
        from seekgate.store import rows

        return rows.rows_since(self._database, number, upto)

    def all_rows(self) -> Iterator[Sequence[Entry]]:
        """See `seekgate.store.rows.all_rows`."""
        from seekgate.store import rows

        return rows.all_rows(self._database)

    def tidy(self) -> None:
        """Bring in which keys were used; once an hour, remove secrets of keys whose rotation is over."""
        from seekgate.store import keys

        used_keys.take(self._home, lambda used: keys.mark_used(self._database, used))
        now = time.time()
        if now - self._forgot >= FORGET:
            self._forgot = now
            keys.forget_ended(self._database, now)

    def close(self) -> None:
        """Close the database."""
        self._database.close()


class Following(threading.Thread):
    """Follows until ``stop`` is set. What goes wrong inside is an error of ours: it is told, and ends the process, so
    that the supervisor starts it afresh."""

    def __init__(self, url: str, home: Path, done: socket.socket) -> None:
        super().__init__(name="rows", daemon=True)
        self._url = url
        self._home = home
        self._done = done
        self.stop = threading.Event()

    def run(self) -> None:
        """The thread."""
        try:
            self._follow()
        except Exception as error:  # noqa: BLE001 - told, and the process ends
            complain(
                "an error that must not happen, please report it",
                process="control",
                error=described(error),
            )
        finally:
            self._done.close()

    def _follow(self) -> None:
        log = self._writer()
        if log is None:
            return
        follower = Follower(lambda: StoredRows(self._url, self._home), log, _say)
        try:
            while not self.stop.wait(follower.step()):
                pass
        finally:
            follower.close()
            log.close()

    def _writer(self) -> RowLogWriter | None:
        said = False
        while not self.stop.is_set():
            try:
                return RowLogWriter(log_path(self._home))
            except BlockingIOError:
                reason = "another process writes it"
            except OSError as error:
                reason = error.strerror or str(error)
            if not said:
                said = True
                _say("warning", "the row log cannot be written yet", reason)
            self.stop.wait(LOCK_WAIT)
        return None


def _say(level: str, text: str, reason: str) -> None:
    complain(text, level=level, process="control", **({"reason": reason} if reason else {}))


def main(argv: Sequence[str] | None = None) -> int:
    """The process; its exit status: 0 gone as told, 1 after an error of ours."""
    parser = argparse.ArgumentParser(prog="python -m seekgate.control.run", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="SEEKGATE_HOME")
    parser.add_argument("--database", default="sqlite", help="the URL of the rows, or a secret reference")
    parser.add_argument("--control-fd", type=int, required=True, help="descriptor of the supervisor")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: None)  # the wake-up descriptor tells
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    ended, done = socket.socketpair()
    channel = socket.socket(fileno=options.control_fd)
    with contextlib.suppress(ConnectionError):  # the end of the file says it
        channel.sendall(encode(Ready()))
    following = Following(options.database, options.home, done)
    following.start()
    status = _wait(channel, woken, ended)
    following.stop.set()
    following.join(LEAVE)
    # Whatever still waits for a database that does not answer is left behind.
    sys.stderr.flush()
    os._exit(status)


def _wait(channel: socket.socket, woken: socket.socket, ended: socket.socket) -> int:
    """Until there is a reason to end; the exit status."""
    heard = b""
    with selectors.DefaultSelector() as selector:
        for each in (channel, woken, ended):
            selector.register(each, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is ended:
                    return 1
                if key.fileobj is woken:
                    return 0
                try:
                    data = channel.recv(65_536)
                except ConnectionError:
                    data = b""
                if not data:
                    return 0
                *lines, heard = (heard + data).split(b"\n")
                if any(_drains(line) for line in lines):
                    return 0


def _drains(line: bytes) -> bool:
    try:
        return isinstance(decode_to_child(line), Drain)
    except msgspec.MsgspecError:
        return False


if __name__ == "__main__":
    sys.exit(main())
