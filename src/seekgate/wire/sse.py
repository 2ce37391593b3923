"""Server-sent events on their way through: counted, watched, and passed on as they came (WHATWG HTML, section 9.2).

`StreamReader` looks at every chunk of an upstream's stream. A chunk that begins and ends at an event boundary and holds
nothing but one-line JSON events (nearly all do) is judged by a handful of C-speed searches and passed on as the same
object. Everything else, and every chunk in which something of interest may stand, takes the exact path line by line.
Both give the same answer: tests feed each stream in every chunking.

A line ends with LF, CR LF or CR; a blank line ends an event; a line that begins with a colon is a comment; an event
without data is none. Comments are passed on and never counted, so that a timer which counts events is not re-armed.
"""

from __future__ import annotations

import re
from typing import Literal

from seekgate.wire.event_data import NULL_USAGE, is_error, without_usage
from seekgate.wire.usage import Usage, from_event

MAX_EVENT = 1_048_576
"""Bytes of the largest event (its lines with their ends) that is looked into; a larger one is counted and passed on."""

_LINE_ENDS = (b"\n", b"\r")
_WORTH_SPLITTING = 1024  # bytes of a chunk; below, reading all of it line by line costs no more
_REASON = re.compile(rb'"finish_reason"[ \t]*:[ \t]*"')
_BOM = b"\xef\xbb\xbf"
_DONE = b"[DONE]"
_LAST = b"}\n\ndata: [DONE]\n\n"
_DONE_EVENT = b"data: [DONE]\n\n"
_NULL_TAIL = len(NULL_USAGE) - 1 + 2


class StreamReader:
    """Reads one upstream stream. Call `feed` for each chunk and `finish` at its end.

    ``hold`` keeps an event back until it is complete, so that a stream that is cut never leaves half an event with
    the client. ``strip_usage`` (it holds, too) removes what the client did not ask for but we did: an event with
    usage and no choices as a whole, and the member ``usage`` of other events by its bytes. Without ``needs_done`` a
    stream is also complete once a choice has had a finish reason (for dialects that send no ``[DONE]``).

    Read between calls: ``fresh``, the events that ended in the last chunk; ``events``, all so far (``[DONE]`` and
    comments are none); ``done``, ``[DONE]`` has passed; ``failed``, an event carried an error, its data is ``error``;
    ``usage``, ``model``, ``fingerprint`` of the last event with usage; ``finish_reason``, the last one seen (beside
    usage, or anywhere without ``needs_done``).
    """

    __slots__ = (
        "_began",
        "_block",
        "_cr",
        "_data",
        "_dataful",
        "_dropped",
        "_error_event",
        "_finishing",
        "_hold",
        "_line",
        "_opaque",
        "_open",
        "_out",
        "_size",
        "_spilled",
        "_strip",
        "done",
        "error",
        "events",
        "failed",
        "fingerprint",
        "finish_reason",
        "fresh",
        "model",
        "usage",
    )

    def __init__(self, *, hold: bool = False, strip_usage: bool = False, needs_done: bool = True) -> None:
        self.events = 0
        self.fresh = 0
        self.done = False
        self.failed = False
        self.error: bytes | None = None
        self.usage: Usage | None = None
        self.model: str | None = None
        self.fingerprint: str | None = None
        self.finish_reason: str | None = None
        self._hold = hold or strip_usage
        self._strip = strip_usage
        self._finishing = not needs_done
        self._open = False  # the next chunk must take the exact path
        self._began = False  # a first line has ended (only the first may begin with a byte order mark)
        self._cr = False  # the last byte was CR, and LF may belong to it
        self._line = bytearray()  # the kept part of an incomplete line
        self._spilled = False  # the other part of that line has been let go
        self._size = 0  # bytes of the complete lines of the open event; 0: none is open
        self._opaque = False  # the open event is too large to be looked into
        self._dataful = False  # the open event has data
        self._error_event = False  # the open event is of type "error"
        self._data: list[bytes] = []
        self._block: list[bytes] = []  # the open event's lines with their ends, while they are held back
        self._out: list[bytes] = []
        self._dropped = False  # the last line end belongs to a removed event

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes of the stream; return what to pass on now (the same object, if nothing is held back)."""
        if not self._open and chunk.startswith(b"data: {") and 13 not in chunk:
            end = len(chunk)
            # One event: the first line feed is the last byte but one. (`find` is three times as fast as `in` here.)
            count = 1 if chunk.find(10) == end - 2 and chunk[-1] == 10 else 0
            if not count:
                count, end = self._several(chunk, end)
            if count:
                self.events += count
                self.fresh = count
                if (
                    chunk.find(b'_tokens"') >= 0
                    or chunk.find(b'"error"') >= 0
                    or (self._finishing and _REASON.search(chunk))
                ):
                    self._look(chunk, end)
                if self._strip and (usage := chunk.find(b'"usage"')) >= 0:
                    return self._strip_plain(chunk, usage)
                return chunk
        elif chunk == _DONE_EVENT and not self._open:
            self.fresh = 0
            self.done = True
            return chunk
        return self._mixed(chunk)

    @property
    def at_boundary(self) -> bool:
        """Nothing of an unfinished line or event has come: a stream that ends here is not cut in one."""
        return not (self._size or self._line or self._spilled)

    @property
    def spilling(self) -> bool:
        """Part of an event has gone out before its end, because it is too large to be held back."""
        return self._opaque or self._spilled

    @property
    def closing(self) -> bytes:
        """What to send before an event of our own, so that it does not run into half an event sent before."""
        if self._hold and not (self._opaque or self._spilled):
            return b""
        return b"" if self.at_boundary else b"\n\n"

    def held(self) -> bytes:
        """What is held back now: to be sent if `finish` says complete (a stream that lacks its last line end)."""
        if not self._hold:
            return b""
        return b"".join(self._block) + (b"" if self._spilled else bytes(self._line))

    def finish(self) -> Literal["complete", "cut"]:
        """Judge a stream whose bytes have ended: complete after ``[DONE]`` (see ``needs_done``) at a boundary.

        A last ``[DONE]`` whose blank line is missing counts: the answer before it was whole.
        """
        if self.at_boundary:
            whole = self.done or (self._finishing and self.finish_reason is not None)
            return "complete" if whole else "cut"
        rest = list(self._data)
        if self._line and not self._spilled:
            name, _, value = bytes(self._line).partition(b":")
            if name != b"data":
                return "cut"
            rest.append(value)
        if len(rest) == 1 and rest[0].strip() == _DONE:
            self.done = True
            return "complete"
        return "cut"

    def _several(self, chunk: bytes, end: int) -> tuple[int, int]:
        """How many plain events a chunk holds (0: not a plain chunk), and where those that are not [DONE] end."""
        last = chunk.endswith(_LAST)
        if last:
            end -= len(_DONE_EVENT)
        elif not chunk.endswith(b"}\n\n"):
            return 0, end
        breaks = chunk.count(b"\n", 0, end)
        count = breaks >> 1
        # Each event but the first stands behind two line feeds, and the last one ends with two: no other remain.
        if breaks & 1 or chunk.count(b"\n\ndata: {", 0, end) != count - 1:
            return 0, end
        if last:
            self.done = True
        return count, end

    # -- whole events ------------------------------------------------------------------------------------------

    def _look(self, chunk: bytes, end: int) -> None:
        """Watch the events of a plain chunk one by one."""
        for event in chunk[: end - 2].split(b"\n\n"):
            if len(event) < MAX_EVENT:
                self._watch(event[6:])

    def _watch(self, data: bytes) -> None:
        if data.find(b'_tokens"') >= 0 or (self._finishing and _REASON.search(data)):
            usage, model, fingerprint, reason = from_event(data)
            if usage is not None:
                self.usage, self.model, self.fingerprint = usage, model, fingerprint
            if reason is not None:
                self.finish_reason = reason
        if data.find(b'"error"') >= 0 and is_error(data):
            self._fail(data)

    def _fail(self, data: bytes | None) -> None:
        self.failed = True
        if data is not None:
            self.error = data

    def _strip_plain(self, chunk: bytes, first: int) -> bytes:
        """Remove usage from a plain chunk whose first ``"usage"`` is at ``first``."""
        if len(chunk) < MAX_EVENT:
            if first == len(chunk) - _NULL_TAIL and chunk.endswith(NULL_USAGE + b"\n\n"):
                return chunk[: first - 1] + b"}\n\n"
            if chunk.count(b'"usage"') == chunk.count(NULL_USAGE + b"\n\n"):
                return chunk.replace(NULL_USAGE + b"\n\n", b"}\n\n")
        kept: list[bytes] = []
        for event in chunk[:-2].split(b"\n\n"):
            if len(event) < MAX_EVENT and b'"usage"' in event:
                data = without_usage(event[6:])
                if data is not None:
                    kept.append(b"data: " + data)
            else:
                kept.append(event)
        kept.append(b"")
        return b"\n\n".join(kept)

    # -- line by line ------------------------------------------------------------------------------------------

    def _mixed(self, chunk: bytes) -> bytes:
        """A chunk that begins or ends inside an event: only its ends need the exact path."""
        start = chunk.find(b"\n\n") + 2 if self._open else 0
        end = chunk.rfind(b"\n\n") + 2
        if len(chunk) < _WORTH_SPLITTING or end <= start or (not start and end == len(chunk)):
            return self._exact(chunk)
        # Two line feeds leave no event open, so the middle is read afresh and cannot come here to be split again.
        sent = [self._exact(chunk[:start])]
        fresh = self.fresh
        sent.append(self.feed(chunk[start:end]))
        fresh += self.fresh
        sent.append(self._exact(chunk[end:]))
        self.fresh += fresh
        return b"".join(sent) if self._hold else chunk

    def _exact(self, chunk: bytes) -> bytes:
        self.fresh = 0
        if not chunk:
            return chunk
        if self.events or self.done:
            self._began = True
        rest = chunk
        if self._cr and chunk.startswith(b"\n"):
            self._late_line_feed()
            rest = chunk[1:]
        # Of bytes `splitlines` ends lines at LF, CR LF and CR, and at nothing else.
        for raw in rest.splitlines(keepends=True):
            if raw.endswith(_LINE_ENDS):
                self._end_line(raw)
            else:
                self._part_of_line(raw)
        self._cr = chunk.endswith(b"\r")
        self._open = self._cr or not self.at_boundary
        out = self._out
        sent = b"".join(out) if self._hold else chunk
        out.clear()
        return sent

    def _late_line_feed(self) -> None:
        """The LF of a CR LF that was split between two chunks goes where its CR went."""
        if self._size:
            self._size += 1
            if self._block:
                self._block[-1] += b"\n"
            else:
                self._out.append(b"\n")
        elif not self._dropped:
            self._out.append(b"\n")

    def _part_of_line(self, part: bytes) -> None:
        self._line += part
        if self._spilled:
            self._out.append(part)
            del self._line[16:]
        elif self._size + len(self._line) > MAX_EVENT:
            # Too much to keep. A line's first bytes say what it is; the rest is passed on or, if nothing is held, gone.
            self._spill()
            self._out.append(bytes(self._line))
            self._spilled = True
            del self._line[16:]

    def _spill(self) -> None:
        self._opaque = True
        self._out.extend(self._block)
        self._block.clear()
        self._data.clear()

    def _end_line(self, raw: bytes) -> None:
        spilled = self._spilled
        if self._line:
            line = bytes(self._line) + raw
            self._line.clear()
            if spilled:
                self._spilled = False
            else:
                raw = line
            line = line.rstrip(b"\r\n")
        else:
            line = raw.rstrip(b"\r\n")
        if not self._began:
            self._began = True
            line = line.removeprefix(_BOM)
        if not line:
            self._end_event(raw)
            return
        if line[0] != 58:  # a colon begins a comment
            self._size += len(raw)
            self._field(line, spilled)
        elif self._size:
            self._size += len(raw)
        else:
            self._opaque = self._dropped = False
            self._out.append(raw)
            return
        if self._size > MAX_EVENT and not self._opaque:
            self._spill()
        if self._opaque or not self._hold:
            self._out.append(raw)
        else:
            self._block.append(raw)

    def _field(self, line: bytes, spilled: bool) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            self._dataful = True
            if not (self._opaque or spilled):
                self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._error_event = value.strip() == b"error"

    def _end_event(self, blank: bytes) -> None:
        if not self._opaque and self._size > MAX_EVENT:
            self._spill()
        dropped = False
        if self._dataful:
            lines = self._data
            data = None if self._opaque else lines[0] if len(lines) == 1 else b"\n".join(lines)
            if data is not None and data.strip() == _DONE:
                self.done = True
            else:
                self.events += 1
                self.fresh += 1
                if self._error_event:
                    self._fail(data)
                if data is not None:
                    self._watch(data)
                    dropped = self._strip and b'"usage"' in data and self._drop_or_edit(data)
        if dropped:
            self._out.extend(line for line in self._block if line.startswith(b":"))
        else:
            self._out.extend(self._block)
            self._out.append(blank)
        self._dropped = dropped
        self._block.clear()
        self._data.clear()
        self._size = 0
        self._opaque = self._dataful = self._error_event = False

    def _drop_or_edit(self, data: bytes) -> bool:
        """True when the open event is to be removed; its data line is edited in place when a member is."""
        edited = without_usage(data)
        if edited is None:
            return True
        if edited is not data and len(self._data) == 1:
            for place, line in enumerate(self._block):
                if line.removeprefix(_BOM).startswith(b"data:"):
                    at = line.index(data)
                    self._block[place] = line[:at] + edited + line[at + len(data) :]
        return False
