"""Where exported records go: lines of JSON, CSV, syslog.

A sink takes rows (mappings of names to plain data) and says with `flush` that all of them have left this process. What
cannot be sent raises `OSError`: an export stops rather than leave a gap.
"""

from __future__ import annotations

import csv
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Any, Protocol
from urllib.parse import SplitResult, urlsplit

import msgspec

Row = Mapping[str, Any]
# Facility 13 (log audit), severity 6 (informational): RFC 5424, 6.2.1.
PRIORITY = 13 * 8 + 6
SYSLOG_PORT = 514
DATAGRAM_BYTES = 65_000
CONNECT_SECONDS = 10.0


class Sink(Protocol):
    """Takes rows."""

    def write(self, row: Row) -> None:
        """Take one. Raise `OSError`."""
        ...

    def flush(self) -> None:
        """Everything taken so far is out of our hands when this returns. Raise `OSError`."""
        ...

    def close(self) -> None:
        """`flush`, and let go."""
        ...


class JsonLines:
    """One JSON object a line."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, row: Row) -> None:
        """Take one."""
        self._file.write(msgspec.json.encode(row).decode() + "\n")

    def flush(self) -> None:
        """Write it out."""
        self._file.flush()

    def close(self) -> None:
        """Write it out; the file is its owner's."""
        self.flush()


class Csv:
    """A table with a head (RFC 4180). What is no plain value stands there as JSON; a text that a spreadsheet would take
    for a formula gets an apostrophe in front."""

    def __init__(self, file: IO[str], columns: Sequence[str]) -> None:
        self._file = file
        self._columns = columns
        self._writer = csv.writer(file)
        self._writer.writerow(columns)

    def write(self, row: Row) -> None:
        """Take one."""
        self._writer.writerow([_cell(row.get(column)) for column in self._columns])

    def flush(self) -> None:
        """Write it out."""
        self._file.flush()

    def close(self) -> None:
        """Write it out; the file is its owner's."""
        self.flush()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
    return value if isinstance(value, int | float) else msgspec.json.encode(value).decode()


class Syslog:
    """RFC 5424 messages with the row as JSON, by UDP (RFC 5426), by TCP with octet counting (RFC 6587, 3.4.1) or to a
    Unix socket. Raise `OSError` when there is nobody."""

    def __init__(self, target: SplitResult) -> None:
        self._host = socket.gethostname() or "-"
        self._stream = False
        if target.scheme == "syslog+unix":
            self._socket = self._unix(target.path)
        else:
            address = (target.hostname or "127.0.0.1", target.port or SYSLOG_PORT)
            if target.scheme == "syslog+tcp":
                self._stream = True
                self._socket = socket.create_connection(address, CONNECT_SECONDS)
            else:
                family = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0][0]
                self._socket = socket.socket(family, socket.SOCK_DGRAM)
                self._socket.connect(address)

    def _unix(self, path: str) -> socket.socket:
        """Most daemons take datagrams, some a stream."""
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            made = socket.socket(socket.AF_UNIX, kind)
            try:
                made.connect(path)
            except OSError:
                made.close()
                if kind == socket.SOCK_STREAM:
                    raise
            else:
                self._stream = kind == socket.SOCK_STREAM
                return made
        raise AssertionError("unreachable")

    def write(self, row: Row) -> None:
        """Send one."""
        message = self.message(row)
        if self._stream:
            self._socket.sendall(f"{len(message)} ".encode() + message)
            return
        if len(message) > DATAGRAM_BYTES:
            raise OSError(f"a record of {len(message)} bytes does not fit a datagram: use syslog+tcp")
        self._socket.send(message)

    def message(self, row: Row) -> bytes:
        """``<110>1 TIME HOST seekgate - KIND - JSON``."""
        when = row.get("time")
        stamp = "-"
        if isinstance(when, int | float):
            stamp = datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        head = f"<{PRIORITY}>1 {stamp} {self._host} seekgate - {row.get('record', '-')} - "
        return head.encode() + msgspec.json.encode(row)

    def flush(self) -> None:
        """It was sent at once."""

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


SYSLOG = ("syslog", "syslog+udp", "syslog+tcp", "syslog+unix")


def sink(target: str, form: str, columns: Sequence[str], open_file: Callable[[str], IO[str]]) -> Sink:
    """The sink for ``target``: a file's path, ``-``, or a URL such as ``syslog+tcp://host:6514``.

    Raise `OSError` when it cannot be opened, and `ValueError` when there is no such kind.
    """
    parts = urlsplit(target)
    if "://" in target:
        if parts.scheme in SYSLOG:
            return Syslog(parts)
        if parts.scheme == "kafka":
            from seekgate.store.journal.kafka import Kafka

            return Kafka(parts)
        raise ValueError(f"nothing is exported to {parts.scheme}: use a file, {', '.join(SYSLOG)} or kafka")
    file = open_file(target)
    return Csv(file, columns) if form == "csv" else JsonLines(file)
