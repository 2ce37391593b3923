"""The text of an answer: where it stands in a chat completion or in an event of its stream, and its bytes there.

An answer speaks through few strings: ``content``, ``reasoning_content`` and the ``arguments`` of tool calls, each of
one choice (and call), whole in a plain answer's ``message`` and in pieces in a stream's ``delta``; completions have
``text``. `read` finds them by their bytes; whoever replaces them leaves every other byte as it came.

The events of a stream differ in little but the text. `Mould` keeps what stood around it in one event: another event
with the same bytes around a text without quotes holds that text in the same place, which costs three comparisons
instead of a parse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import msgspec

from seekgate.wire.jsonspan import value_end

_WS = rb"[ \t\r\n]*+"
_KEY = re.compile(_WS + rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"' + _WS + rb":" + _WS, re.DOTALL)
_COMMA = re.compile(_WS + rb"," + _WS)
_SPACE = re.compile(_WS)
_valid = msgspec.json.Decoder(msgspec.Raw).decode
_decode_string = msgspec.json.Decoder(str).decode

TEXTS = {
    b"content": "content",
    b"reasoning_content": "reasoning_content",
    b"reasoning": "reasoning",
    b"refusal": "refusal",
}
"""Members of a message or delta that are text, as OpenAI, DeepSeek and vLLM name them."""

NO_CALL = -1
"""The call of a text that belongs to none."""


class Part(msgspec.Struct, frozen=True, gc=False):
    """One text: whose it is, and the bytes between its quotes.

    ``field`` is one of `TEXTS`, ``text`` (completions), ``arguments`` (of the call numbered ``call``) or
    ``function_call`` (arguments in the form that came before tool calls).
    """

    choice: int
    field: str
    call: int
    start: int
    end: int

    @property
    def nested(self) -> bool:
        """The text is JSON text itself."""
        return self.field == "arguments" or self.field == "function_call"


class Reading(msgspec.Struct, frozen=True, gc=False):
    """The texts of an answer or event in their order, the choices that have a finish reason, and where the text is said
    once more, token by token (start and end of each list of log probabilities)."""

    parts: list[Part]
    finished: list[int]
    logprobs: list[tuple[int, int]] = []


class Mould(msgspec.Struct, frozen=True, gc=False):
    """What stands before and behind the one text of an event."""

    before: bytes
    behind: bytes

    def text(self, event: bytes) -> bytes | None:
        """The JSON text (without quotes) that stands here in another event; None if the event is of another form."""
        left = len(self.before)
        right = len(event) - len(self.behind)
        if right < left or not event.startswith(self.before) or not event.endswith(self.behind):
            return None
        text = event[left:right]
        # Without a quote inside, and without a backslash before the closing one, the string ends where the mould says.
        return None if text.find(b'"') >= 0 or text.endswith(b"\\") else text

    def filled(self, text: bytes) -> bytes:
        """The event with this text."""
        return b"%b%b%b" % (self.before, text, self.behind)


def read(data: bytes) -> Reading | None:
    """The texts of a chat completion, a completion or an event's data; None when it is no JSON object with choices."""
    if not _is_json(data):
        return None
    choices = next(
        (start for key, start, _ in _members(data, _after_space(data, 0)) if key == b"choices"), None
    )
    if choices is None:
        return None
    reading = Reading([], [], [])
    for position, (start, _) in enumerate(_items(data, choices)):
        _choice(data, start, position, reading)
    return reading


def _is_json(data: bytes) -> bool:
    try:
        _valid(data)
        return True
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        json.loads(
            data
        )  # it lets half a surrogate pair pass, of which the other half may be in the next event
        return True
    except (ValueError, RecursionError):
        return False


def text_of(raw: bytes) -> str | None:
    """The string whose JSON text without quotes is ``raw``; None when it has half a surrogate pair, or is no UTF-8."""
    try:
        return raw.decode() if raw.find(b"\\") < 0 else _decode_string(b'"%b"' % raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _choice(data: bytes, at: int, position: int, reading: Reading) -> None:
    members = list(_members(data, at))
    index = _index(data, members, position)
    for key, start, end in members:
        if key == b"delta" or key == b"message":
            reading.parts.extend(_message(data, start, index))
        elif key == b"text" and data[start] == _QUOTE:
            reading.parts.append(Part(index, "text", NO_CALL, start + 1, end - 1))
        elif key == b"finish_reason" and data[start] == _QUOTE:
            reading.finished.append(index)
        elif key == b"logprobs" and data[start] == _BRACE:
            reading.logprobs.append((start, end))


def _message(data: bytes, at: int, choice: int) -> Iterator[Part]:
    for key, start, end in _members(data, at):
        field = TEXTS.get(key)
        if field is not None:
            if data[start] == _QUOTE:
                yield Part(choice, field, NO_CALL, start + 1, end - 1)
            else:
                for item, _ in _items(data, start):  # content in parts
                    yield from _strings(data, item, b"text", Part(choice, field, NO_CALL, 0, 0))
        elif key == b"tool_calls":
            for position, (item, _) in enumerate(_items(data, start)):
                yield from _call(data, item, position, choice)
        elif key == b"function_call":
            yield from _strings(data, start, b"arguments", Part(choice, "function_call", NO_CALL, 0, 0))


def _call(data: bytes, at: int, position: int, choice: int) -> Iterator[Part]:
    members = list(_members(data, at))
    index = _index(data, members, position)
    for key, start, _ in members:
        if key == b"function":
            yield from _strings(data, start, b"arguments", Part(choice, "arguments", index, 0, 0))


def _strings(data: bytes, at: int, name: bytes, part: Part) -> Iterator[Part]:
    for key, start, end in _members(data, at):
        if key == name and data[start] == _QUOTE:
            yield Part(part.choice, part.field, part.call, start + 1, end - 1)


def _index(data: bytes, members: list[tuple[bytes, int, int]], position: int) -> int:
    for key, start, end in members:
        if key == b"index" and data[start:end].isdigit():
            return int(data[start:end])
    return position


# -- valid JSON, member by member -------------------------------------------------------------------------------------

_QUOTE = 34
_BRACE = 123


def _after_space(data: bytes, at: int) -> int:
    match = _SPACE.match(data, at)
    return match.end() if match is not None else at


def _members(data: bytes, at: int) -> Iterator[tuple[bytes, int, int]]:
    """Key, start and end of the value of each member of the object at ``at``; nothing if there is no object."""
    if data[at : at + 1] != b"{":
        return
    at += 1
    while (match := _KEY.match(data, at)) is not None:
        key, start = match.group(1), match.end()
        end = value_end(data, start)
        if end is None:
            return
        if key.find(b"\\") >= 0:
            key = (text_of(key) or "").encode("utf-8", "replace")
        yield key, start, end
        comma = _COMMA.match(data, end)
        if comma is None:
            return
        at = comma.end()


def _items(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Start and end of each item of the array at ``at``; nothing if there is no array."""
    if data[at : at + 1] != b"[":
        return
    at = _after_space(data, at + 1)
    while data[at : at + 1] != b"]":
        end = value_end(data, at)
        if end is None:
            return
        yield at, end
        comma = _COMMA.match(data, end)
        if comma is None:
            return
        at = comma.end()
