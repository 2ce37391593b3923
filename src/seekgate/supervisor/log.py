"""The supervisor's own log on stderr: readable lines for a terminal, JSON lines for everything else."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TextIO

import msgspec


class Logger:
    """Writes one line for each event. A log that nobody can read any more never stops the supervisor."""

    def __init__(self, stream: TextIO, *, json: bool) -> None:
        self._stream = stream
        self._json = json

    def info(self, text: str, **fields: object) -> None:
        """Something worth knowing."""
        self.write("info", text, fields)

    def warning(self, text: str, **fields: object) -> None:
        """Something that an operator should look at when there is time."""
        self.write("warning", text, fields)

    def error(self, text: str, *, detail: Sequence[str] = (), **fields: object) -> None:
        """Something is broken; ``detail`` is what somebody else has to say about it, line by line."""
        self.write("error", text, fields, detail)

    def write(self, level: str, text: str, fields: Mapping[str, object], detail: Sequence[str] = ()) -> None:
        """Write one event with its fields; times are UTC, in milliseconds."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self._json:
            event = {"time": now, "level": level, "source": "supervisor", "message": text, **fields}
            if detail:
                event["detail"] = list(detail)
            line = msgspec.json.encode(event).decode()
        else:
            pairs = "".join(f" {name}={_readable(value)}" for name, value in fields.items())
            line = "\n  ".join([f"{now} {level:7} {text}{pairs}", *detail])
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # The terminal is gone or the pipe is closed: serving goes on.
            return


def _readable(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    text = str(value)
    return msgspec.json.encode(text).decode() if not text or any(c in text for c in ' "\n=') else text
