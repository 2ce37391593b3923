"""Answers as they come: each new piece of text is seen together with what came just before it.

Of a stream nothing is held back: a piece in which a forbidden word ends does not go out, and the stream ends with an
error, but the beginning of that word may have gone out with the pieces before. Text for the moderation service is
collected into windows, which are asked about while the stream goes on.
"""

from __future__ import annotations

from collections.abc import Iterator

from seekgate.stages.guard.moderation import Outcome
from seekgate.wire import deltas
from seekgate.wire.deltas import Mould

Place = tuple[int, str, int]


class Watch:
    """What is known of one answer so far. ``found`` are the lists that were reported already."""

    __slots__ = ("_mould", "_place", "_tails", "_window", "found", "outcome", "unsent", "unsent_size")

    def __init__(self, window: int) -> None:
        self._window = window
        self._tails: dict[Place, str] = {}
        self._mould: Mould | None = None
        self._place: Place = (0, "", 0)
        self.found: set[int] = set()
        self.unsent: list[str] = []
        self.unsent_size = 0
        self.outcome: Outcome | None = None

    def tell(self, outcome: Outcome) -> None:
        """The moderation service has answered about a window; the worst answer stays."""
        if self.outcome is None or not self.outcome.flagged:
            self.outcome = outcome

    def views(self, data: bytes) -> Iterator[str]:
        """The new text of whole events, each with the end of what came before it in the same place."""
        for payload in payloads(data):
            for place, text in self._texts(payload):
                if not text:
                    continue
                view = self._tails.get(place, "") + text
                self._tails[place] = view[-self._window :]
                self.unsent.append(text)
                self.unsent_size += len(text)
                yield view

    def _texts(self, payload: bytes) -> Iterator[tuple[Place, str]]:
        if self._mould is not None:
            raw = self._mould.text(payload)
            if raw is not None:
                yield self._place, deltas.text_of(raw) or ""
                return
        reading = deltas.read(payload)
        if reading is None:
            return
        for part in reading.parts:
            yield (part.choice, part.field, part.call), deltas.text_of(payload[part.start : part.end]) or ""
        if len(reading.parts) == 1 and not reading.finished:
            (part,) = reading.parts
            self._mould = Mould(payload[: part.start], payload[part.end :])
            self._place = (part.choice, part.field, part.call)


def plain(body: bytes) -> list[str]:
    """The texts of a plain answer."""
    reading = deltas.read(body)
    if reading is None:
        return []
    return [deltas.text_of(body[part.start : part.end]) or "" for part in reading.parts]


def payloads(data: bytes) -> Iterator[bytes]:
    """The data of each event (WHATWG HTML, 9.2.6): several lines of one are joined."""
    lines: list[bytes] = []
    for line in data.splitlines():
        if line.startswith(b"data:"):
            lines.append(line[6:] if line.startswith(b"data: ") else line[5:])
        elif not line and lines:
            yield lines[0] if len(lines) == 1 else b"\n".join(lines)
            lines = []
    if lines:
        yield b"\n".join(lines)


def is_stream(data: bytes) -> bool:
    """Whether these are events, and not a plain answer's body: JSON begins with none of an event's fields."""
    return data.lstrip()[:6].startswith((b"data:", b":", b"event:", b"id:", b"retry:"))
