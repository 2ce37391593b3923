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
_LF, _CR, _BACKSLASH = 0x0A, 0x0D, 0x5C


class Watch:
    """What is known of one answer so far. ``found`` are the lists that were reported already."""

    __slots__ = (
        "_collects",
        "_line",
        "_mould",
        "_place",
        "_tails",
        "_window",
        "found",
        "outcome",
        "unsent",
        "unsent_size",
    )

    def __init__(self, window: int, collects: bool = True) -> None:
        """``collects``: texts are kept for the moderation service."""
        self._window = window
        self._collects = collects
        self._tails: dict[Place, str] = {}
        self._mould: Mould | None = None
        self._line: Mould | None = None
        self._place: Place = (0, "", 0)
        self.found: set[int] = set()
        self.unsent: list[str] = []
        self.unsent_size = 0
        self.outcome: Outcome | None = None

    def tell(self, outcome: Outcome) -> None:
        """The moderation service has answered about a window; the worst answer stays."""
        if self.outcome is None or not self.outcome.flagged:
            self.outcome = outcome

    def views(self, data: bytes) -> list[str]:
        """The new text of whole events, of each place with the end of what came before it there."""
        text = self._usual(data)
        if text is not None:
            return [self._view(self._place, text)] if text else []
        added: dict[Place, list[str]] = {}
        for payload in payloads(data):
            for place, text in self._texts(payload):
                if text:
                    added.setdefault(place, []).append(text)
        return [self._view(place, "".join(texts)) for place, texts in added.items()]

    def _usual(self, data: bytes) -> str | None:
        """The text of events that differ from the last one in their text only; None for anything else."""
        line = self._line
        if line is None:
            return None
        raw = line.text(data)
        if raw is None:
            texts = [line.text(event + b"\n\n") for event in data.split(b"\n\n")[:-1]]
            if not texts or None in texts or not data.endswith(b"\n\n"):
                return None
            raw = b"".join(texts)  # type: ignore[arg-type]
        if _BACKSLASH in raw or _LF in raw or _CR in raw:
            return None
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return None

    def _view(self, place: Place, text: str) -> str:
        view = self._tails.get(place, "") + text
        self._tails[place] = view[-self._window :]
        if self._collects:
            self.unsent.append(text)
            self.unsent_size += len(text)
        return view

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
            self._line = Mould(b"data: " + self._mould.before, self._mould.behind + b"\n\n")
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
