"""An answer on its way back: tokens become values, and findings are masked, in each of its texts by itself.

Of a stream every text (of a choice, a field, a tool call) is a `Channel` with its own held-back end. A choice says one
thing after another: when it goes on in another text, or has a finish reason, or the stream ends, what its last text
still held is sent, in the event at hand if that has the text, otherwise in an event of its own before it.
"""

from __future__ import annotations

import json
import re
import sys
from typing import NamedTuple

import msgspec

from seekgate.stages.privacy.restore import MAY_START, Restorer
from seekgate.stages.privacy.tokens import Vault
from seekgate.stages.privacy.window import Findings, Scanning, Window
from seekgate.wire import deltas
from seekgate.wire.deltas import Mould, Part
from seekgate.wire.event_data import is_error
from seekgate.wire.texts import Edit, edit, string_inside

MAX_MOULDS = 4
"""Forms of events that are remembered: one for each text that a stream alternates between."""

_BLOCK = re.compile(rb"(?>(?:[^\r\n]+(?:\r\n|\n|\r))*)(?:\r\n|\n|\r)")
_BOM = b"\xef\xbb\xbf"
_SKELETON = ("id", "object", "created", "model", "system_fingerprint", "service_tier")
_encode = msgspec.json.Encoder().encode


class Channel:
    """One text of an answer in pieces. ``active``: it is what its choice is saying."""

    __slots__ = ("_restorer", "_window", "active", "key", "quiet")

    def __init__(self, key: tuple[int, str, int], restorer: Restorer, window: Window | None) -> None:
        self.key = key
        self._restorer = restorer
        self._window = window
        self.active = False
        self.quiet = window is None  # a piece that cannot start a token passes

    @property
    def held(self) -> bool:
        """Something is held back."""
        return bool(self._restorer.held or (self._window is not None and self._window.held))

    def feed(self, text: str) -> str:
        """What can be said now."""
        if self._window is not None:
            return self._restorer.feed(self._window.feed(text))
        said = self._restorer.feed(text)
        self.quiet = not self._restorer.held
        return said

    def flush(self) -> str:
        """What was held back, because nothing follows for now."""
        if self._window is None:
            self.quiet = True
            return self._restorer.flush()
        return self._restorer.feed(self._window.flush()) + self._restorer.flush()


class _Said(NamedTuple):
    """What a text of an event says, and what shall be said instead."""

    channel: Channel
    part: Part
    text: str
    new: str


class Answer:
    """What an exchange needs to know while its answer passes.

    ``json_mode``: the content is JSON text, so values are escaped in it. ``scanning`` says what is looked for in the
    answer (None: nothing), ``findings`` what was found. Where something may be masked or blocked, log probabilities are
    left out, which repeat the text in tokens too small to be judged.
    """

    __slots__ = (
        "_channels",
        "_current",
        "_json_mode",
        "_last",
        "_moulds",
        "_scanning",
        "_tells",
        "_vault",
        "findings",
    )

    def __init__(self, vault: Vault, json_mode: bool, scanning: Scanning | None) -> None:
        self._vault = vault
        self._json_mode = json_mode
        self._scanning = scanning
        self._tells = scanning is None or all(action == "report" for action in scanning.actions.values())
        self.findings = Findings()
        self._channels: dict[tuple[int, str, int], Channel] = {}
        self._current: dict[int, Channel] = {}
        self._moulds: list[tuple[Mould, Channel]] = []
        self._last = b""  # the data of an event with choices

    def __repr__(self) -> str:
        return "<Answer>"

    # -- a plain answer --------------------------------------------------------------------------------------------

    def body(self, data: bytes) -> bytes:
        """A whole plain answer."""
        reading = deltas.read(data)
        if reading is None:
            return data
        changes = self._left_out(reading, 0)
        for part in reading.parts:
            text = deltas.text_of(data[part.start : part.end])
            if text:
                channel = self._made(part, sys.maxsize)
                said = channel.feed(text) + channel.flush()
                if said != text:
                    changes.append(Edit(part.start, part.end, string_inside(said)))
        return edit(data, sorted(changes)) if changes else data

    def _left_out(self, reading: deltas.Reading, start: int) -> list[Edit]:
        """The edits that leave log probabilities out where they must not be seen."""
        if self._tells:
            return []
        return [Edit(start + first, start + end, b"null") for first, end in reading.logprobs]

    def _made(self, part: Part, size: int | None = None) -> Channel:
        nested = part.nested or (self._json_mode and part.field == "content")
        scanning = self._scanning
        window = None if scanning is None else Window(scanning, self.findings, self._vault, size, nested)
        return Channel((part.choice, part.field, part.call), Restorer(self._vault, nested), window)

    # -- a stream --------------------------------------------------------------------------------------------------

    def events(self, data: bytes) -> bytes:
        """One or more whole events."""
        if data.find(b"\r") >= 0 or not data.endswith(b"\n\n"):
            return self._blocks(data)
        if data.find(b"\n\n") == len(data) - 2:
            return self._event(data)
        out: list[bytes] = []
        same = True
        for lines in data[:-2].split(b"\n\n"):
            event = lines + b"\n\n"
            said = self._event(event)
            same = same and said is event
            out.append(said)
            if self.findings.blocked:
                return b"".join(out)
        return data if same else b"".join(out)

    def _blocks(self, data: bytes) -> bytes:
        """Events with other line ends, and comments without a blank line behind them."""
        out: list[bytes] = []
        at = 0
        while (block := _BLOCK.match(data, at)) is not None:
            out.append(self._event(block[0]))
            at = block.end()
            if self.findings.blocked:
                return b"".join(out)
        out.append(data[at:])
        return b"".join(out)

    def last(self) -> bytes:
        """Everything that is held back, as events."""
        return b"".join(self._extra(channel) for channel in self._channels.values() if channel.held)

    def _event(self, event: bytes) -> bytes:
        for mould, channel in self._moulds:
            raw = mould.text(event)
            if raw is not None:
                if not channel.active:
                    break
                if channel.quiet and MAY_START(raw) is None:
                    return event
                text = deltas.text_of(raw)
                if text is None:
                    break
                said = channel.feed(text)
                return event if said == text else mould.filled(string_inside(said))
        return self._exactly(event)

    def _exactly(self, event: bytes) -> bytes:
        if event.startswith(_BOM):
            return _BOM + self._exactly(event[len(_BOM) :])
        lines = event.splitlines(keepends=True)
        places = [i for i, line in enumerate(lines) if line.startswith(b"data:")]
        if not places:
            return event
        if len(places) > 1:
            # A line feed of the data stands between tokens of its JSON, where a space says the same.
            joined = b" ".join(lines[i][5:].strip(b"\r\n") for i in places)
            kept = [line for i, line in enumerate(lines) if i not in places]
            return self._exactly(b"data:" + joined + b"\n" + b"".join(kept))
        line = lines[places[0]]
        left = 6 if line.startswith(b"data: ") else 5
        data = line[left:].rstrip(b"\r\n")
        if data == b"[DONE]" or is_error(data):
            held = self.last()
            return held if self.findings.blocked else held + event
        reading = deltas.read(data)
        if reading is None:
            return event
        self._last = data
        start = sum(len(line) for line in lines[: places[0]]) + left
        return self._spoken(event, data, reading, start)

    def _spoken(self, event: bytes, data: bytes, reading: deltas.Reading, start: int) -> bytes:
        before: list[bytes] = []
        said: list[_Said] = []
        spoken = [part for part in reading.parts if part.end > part.start]
        for part in spoken:
            channel = self._channel(part)
            current = self._current.get(part.choice)
            if current is not channel:
                if current is not None:
                    current.active = False
                    self._settle(current, said, before)
                self._current[part.choice] = channel
                channel.active = True
            text = deltas.text_of(data[part.start : part.end])
            if text is None:
                # Half of a surrogate pair: the other half is in the next event, and both are passed as they came.
                self._settle(channel, said, before)
            else:
                said.append(_Said(channel, part, text, channel.feed(text)))
        for channel in self._channels.values():
            if channel.key[0] in reading.finished:
                self._settle(channel, said, before)
        if self.findings.blocked and reading.finished:
            return b"".join(before)  # an answer that is stopped has no good end
        left_out = self._left_out(reading, start)
        if len(spoken) == 1 and not reading.finished and not left_out:
            self._learn(event, start, spoken[0])
        changes = [
            Edit(start + part.start, start + part.end, string_inside(new))
            for _, part, text, new in said
            if new != text
        ]
        changes = sorted((*changes, *left_out))
        return b"".join((*before, edit(event, changes))) if before or changes else event

    def _settle(self, channel: Channel, said: list[_Said], before: list[bytes]) -> None:
        """Say what a text still holds: at its end in this event, if it is there, otherwise before the event."""
        if not channel.held:
            return
        for place in range(len(said) - 1, -1, -1):
            entry = said[place]
            if entry.channel is channel:
                said[place] = entry._replace(new=entry.new + channel.flush())
                return
        before.append(self._extra(channel))

    def _channel(self, part: Part) -> Channel:
        key = (part.choice, part.field, part.call)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = self._made(part)
        return channel

    def _learn(self, event: bytes, start: int, part: Part) -> None:
        mould = Mould(event[: start + part.start], event[start + part.end :])
        channel = self._channels[part.choice, part.field, part.call]
        if any(known == mould for known, _ in self._moulds):
            return
        self._moulds = [(mould, channel), *self._moulds[: MAX_MOULDS - 1]]

    def _extra(self, channel: Channel) -> bytes:
        """An event of our own that says what a channel holds back; nothing if that is nothing."""
        text = channel.flush()
        if not text:
            return b""
        choice, field, call = channel.key
        delta: dict[str, object] = {field: text}
        if field == "arguments":
            delta = {"tool_calls": [{"index": call, "function": {"arguments": text}}]}
        elif field == "function_call":
            delta = {"function_call": {"arguments": text}}
        said = {"text": text} if field == "text" else {"delta": delta}
        last = json.loads(self._last.decode("utf-8", "replace"))
        frame = {name: last[name] for name in _SKELETON if name in last}
        frame["choices"] = [{"index": choice, **said, "finish_reason": None}]
        return b"data: " + _encode(frame) + b"\n\n"
