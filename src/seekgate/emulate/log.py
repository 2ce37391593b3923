"""The record of each request and the log: one JSON line when it starts and one when it ends.

Times are `time.monotonic` seconds, which all processes of one Linux machine share, so that a test can compare the
moment at which the emulator saw a connection close with the moment at which the client left.
"""

from __future__ import annotations

import os
import time
from hashlib import sha256

import msgspec

#: Headers that are logged with their values. Authorization is only ever logged as present or not.
LOGGED_HEADERS = (
    "x-request-id",
    "traceparent",
    "tracestate",
    "user-agent",
    "content-type",
    "accept-encoding",
    "x-forwarded-for",
    "x-emulate",
)


class RequestRecord(msgspec.Struct, kw_only=True):
    """What is known of one request.

    ``headers`` are in the order received, names in lower case. ``body`` holds the first `Settings.keep_body` bytes of
    ``body_bytes``. ``outcome`` is ``open`` until the end, then ``complete``, ``aborted`` (the client left), or the
    fault that ended it. ``started`` and ``ended`` are `time.monotonic` seconds.
    """

    id: int
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    body_bytes: int
    body_sha256: str
    model: str = ""
    stream: bool = False
    user_id: str = ""
    status: int = 0
    outcome: str = "open"
    sent_events: int = 0
    sent_bytes: int = 0
    started: float = 0.0
    ended: float | None = None

    def header(self, name: str) -> str | None:
        """Return the first value of a header (its name in lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)


def new_record(
    number: int, method: str, path: str, headers: tuple[tuple[str, str], ...], body: bytes, keep: int
) -> RequestRecord:
    """Return the record of a request that has just been received completely."""
    return RequestRecord(
        id=number,
        method=method,
        path=path,
        headers=headers,
        body=body[:keep],
        body_bytes=len(body),
        body_sha256=sha256(body).hexdigest(),
        started=time.monotonic(),
    )


class RequestLog:
    """Writes lines to a file descriptor, at once and unbuffered: a line must not wait for the next one."""

    def __init__(self, target: str | None) -> None:
        """``target`` is None (no log), ``-`` (standard output) or a path, which is appended to."""
        self._target = target
        self._file: int | None = None

    def open(self) -> None:
        """Open the target. Raise `OSError` when that is not possible."""
        if self._target == "-":
            self._file = 1
        elif self._target is not None:
            self._file = os.open(self._target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None and self._file > 2:
            os.close(self._file)
        self._file = None

    def started(self, record: RequestRecord) -> None:
        """Log a request that has been received."""
        if self._file is None:
            return
        headers = {name: value for name, value in record.headers if name in LOGGED_HEADERS}
        self._write(
            {
                "event": "start",
                "id": record.id,
                "t": record.started,
                "method": record.method,
                "path": record.path,
                "model": record.model,
                "stream": record.stream,
                "user_id": record.user_id,
                "authorization": record.header("authorization") is not None,
                "headers": headers,
                "body_bytes": record.body_bytes,
                "body_sha256": record.body_sha256,
            }
        )

    def ended(self, record: RequestRecord) -> None:
        """Log the end of a request: ``end``, or ``aborted`` when the client left before it."""
        if self._file is None:
            return
        self._write(
            {
                "event": "aborted" if record.outcome == "aborted" else "end",
                "id": record.id,
                "t": record.ended,
                "path": record.path,
                "model": record.model,
                "stream": record.stream,
                "status": record.status,
                "outcome": record.outcome,
                "sent_events": record.sent_events,
                "sent_bytes": record.sent_bytes,
            }
        )

    def _write(self, line: dict[str, object]) -> None:
        assert self._file is not None
        os.write(self._file, msgspec.json.encode(line) + b"\n")
