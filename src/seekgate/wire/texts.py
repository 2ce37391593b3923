"""Every string of a request: what it says, where it stands, and its bytes in the body.

Who checks a request must see all that the upstream will see. `read` therefore accounts for every string of the JSON
text, keys too: it is one of the texts, or it is skipped for a stated reason (`NOT_READ`). The decoded tree and the text
hold the same strings in the same order (a body that repeats a key is refused before, `seekgate.wire.envelope`), so one
walk over both gives each string its bytes, and nothing is decoded twice.

`edit` replaces characters of a string by their bytes and leaves every other byte as it came: spelling, escapes, order
and white space of the rest are untouched (RFC 8259).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any, NamedTuple

import msgspec

_STRING = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)
_UNIT = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.")
_encode = msgspec.json.Encoder().encode

Rules = dict[str, Any]

_ENUM = "one of the API's own words"
_NAME = "a function's name, which the client must get back as it is"
_ID = "an identifier that somebody else made"
_DATA = "base64 of an image, a sound or a file"
_TOKENS = "numbers of tokens"

NOT_READ: Rules = {
    "model": "the name that routing decides by",
    "reasoning_effort": _ENUM,
    "service_tier": _ENUM,
    "encoding_format": _ENUM,
    "verbosity": _ENUM,
    "modalities": _ENUM,
    "tool_choice": {"": _ENUM, "type": _ENUM, "function": {"name": _NAME}},
    "function_call": {"": _ENUM, "name": _NAME},
    "thinking": {"type": _ENUM},
    "response_format": {"type": _ENUM, "json_schema": {"name": _NAME}},
    "logit_bias": _TOKENS,
    "messages": {
        "role": _ENUM,
        "tool_call_id": _ID,
        "tool_calls": {"id": _ID, "type": _ENUM, "function": {"name": _NAME}},
        "function_call": {"name": _NAME},
        "audio": {"id": _ID},
        "content": {
            "type": _ENUM,
            "image_url": {"url": _DATA, "detail": _ENUM},
            "input_audio": {"data": _DATA, "format": _ENUM},
            "file": {"file_data": _DATA, "file_id": _ID},
        },
    },
    "tools": {"type": _ENUM, "function": {"name": _NAME}},
    "functions": {"name": _NAME},
}
"""Where strings are not read, and why. Lists are not levels of their own; ``""`` is a value that is no object. What
does not look like what it should be is read all the same (`_LOOKS`): prose where a name belongs, a URL that is no
``data:`` URL in base64. Numbers, such as token ids in a prompt, are no strings."""

_NAMED = re.compile(r"[A-Za-z0-9_./:+=-]{1,128}").fullmatch
_LOOKS = {
    _ENUM: re.compile(r"[a-z_]{1,32}[0-9]{0,2}").fullmatch,
    _NAME: _NAMED,
    _ID: _NAMED,
    _DATA: re.compile(
        r"(?:data:[a-z]{1,16}/[a-z0-9.+-]{1,80}(?:;[a-z]{1,16}=[a-z0-9-]{1,16}){0,2};base64,)?"
        r"(?-i:[A-Za-z0-9+/_-]*+(?>(?:(?<=[A-Za-z0-9+/_-]{40})\r?\n[A-Za-z0-9+/_-]*+)*)={0,2}\s?)",
        re.IGNORECASE,
    ).fullmatch,
    _TOKENS: re.compile(r"[0-9]{1,7}").fullmatch,
}

_NAMES = """
model messages role content name tool_calls tool_call_id id type function arguments function_call reasoning_content
prefix image_url url detail input_audio data format file file_data file_id filename audio text refusal tools
tool_choice functions parameters description strict properties required additionalProperties items enum const
anyOf oneOf allOf not default title examples minimum maximum minLength maxLength pattern minItems maxItems
uniqueItems $defs $ref definitions response_format json_schema schema stream stream_options include_usage
max_tokens max_completion_tokens temperature top_p top_k min_p n stop presence_penalty frequency_penalty
repetition_penalty logit_bias logprobs top_logprobs seed user user_id metadata thinking reasoning_effort effort
service_tier parallel_tool_calls store verbosity modalities prediction prompt suffix echo best_of input
encoding_format dimensions safety_identifier prompt_cache_key chat_template_kwargs
"""
NAMES = frozenset(_NAMES.split())
"""Keys that are the API's own or JSON Schema's. Every other key is read like a value."""


def is_data(value: str) -> bool:
    """Whether a string is data by its form: a ``data:`` URL in base64, and nothing else in it."""
    return value[:5].lower() == "data:" and _LOOKS[_DATA](value) is not None


class Text(NamedTuple):
    """A string of the request. ``start`` and ``end`` are the bytes between its quotes in the body.

    ``place`` is where it stands, without positions in lists (``messages.content.text``), a key that is not in
    `NAMES` being ``*``; ``role`` is that of the message it belongs to, or empty. ``is_key`` says that it is a key of an
    object; ``nested``, that it is JSON text itself (a tool call's arguments).
    """

    value: str
    start: int
    end: int
    place: str
    role: str
    is_key: bool
    nested: bool


class Skipped(NamedTuple):
    """A string that is not read: where it stands, its bytes, and why (None: a key of the API's own)."""

    place: str
    start: int
    end: int
    reason: str | None


class Edit(NamedTuple):
    """Bytes ``start`` to ``end`` of a body, and what shall stand there instead."""

    start: int
    end: int
    new: bytes


class _Level(NamedTuple):
    items: Iterator[tuple[str | None, Any]]
    rules: Any  # Rules, or the reason why nothing below is read
    place: str
    role: str


def read(body: bytes, tree: dict[str, Any], skipped: list[Skipped] | None = None) -> list[Text]:
    """The strings of ``body``, whose decoded form ``tree`` is, in their order. Those that are not read are added to
    ``skipped``, if given; together they are all.

    ``body`` must be JSON text with an object on top and without repeated keys.
    """
    texts: list[Text] = []
    strings = _STRING.finditer(body)
    stack = [_Level(iter(tree.items()), NOT_READ, "", "")]
    while stack:
        items, rules, place, role = stack[-1]
        for key, value in items:
            below, rule = place, rules
            if key is not None:
                span = next(strings).span(1)
                known = key in NAMES
                if type(rules) is dict:
                    rule = rules.get(key, _NO_RULES)
                why = None if known else _reason(rules, key, None)
                if not known and why is None:
                    texts.append(Text(key, *span, place, role, True, False))
                elif skipped is not None:
                    skipped.append(Skipped(place, *span, why))
                name = key if known else "*"
                below = f"{place}.{name}" if place else name
            if type(value) is str:
                span = next(strings).span(1)
                reason = _reason(rule, value, key)
                if reason is None:
                    nested = key == "arguments" and place.endswith(("function", "function_call"))
                    texts.append(Text(value, *span, below, role, False, nested))
                elif skipped is not None:
                    skipped.append(Skipped(below, *span, reason))
            elif type(value) is dict or type(value) is list:
                if type(value) is dict and type(rule) is str and rule is not _TOKENS:
                    rule = _NO_RULES  # no word, name or data after all
                if below == "messages" and type(value) is dict:
                    said = value.get("role")
                    role = said if type(said) is str else ""
                inside = value.items() if type(value) is dict else zip(repeat(None), value)
                stack.append(_Level(iter(inside), rule, below, role))
                break
        else:
            stack.pop()
    return texts


_CONTENT = (b',"content":', b'{"content":', b', "content": ', b'{"content": ')
_STEPS = 16
_decode_string = msgspec.json.Decoder(str).decode


def contents(body: bytes, places: Iterable[int]) -> list[Text] | None:
    """The strings before the end of which the ``places`` in ``body`` lie, in their order, if each of them is the value
    of a member ``content``, which is always read; None if that cannot be seen from the bytes around it.

    A place is the offset behind a byte of a string, or behind the quote that closes it. ``place`` and ``role`` of these
    texts are empty: this costs one look at their own bytes, and none at those of other strings.
    """
    texts: list[Text] = []
    reached = 0
    for place in sorted(places):
        if place <= reached:
            continue
        quote = _opening(body, place - 1)
        # Only a key stands between a comma or brace and a colon, unless one of the quotes is escaped: then none is.
        if quote < 0 or not body[max(quote - 13, 0) : quote].endswith(_CONTENT):
            return None
        string = _STRING.match(body, quote)
        if string is None:
            return None
        start, end = string.span(1)
        raw = string[1]
        value = raw.decode() if raw.find(b"\\") < 0 else _decode_string(string[0])
        texts.append(Text(value, start, end, "", "", False, False))
        reached = end + 1
    return texts


def _opening(body: bytes, place: int) -> int:
    """The nearest quote before ``place`` that is not escaped; -1 if that takes longer than a few steps."""
    for _ in range(_STEPS):
        place = body.rfind(b'"', 0, place)
        at = place
        while at > 0 and body[at - 1] == _BACKSLASH:
            at -= 1
            if place - at > _STEPS:
                return -1
        if (place - at) % 2 == 0:
            return place
    return -1


_BACKSLASH = 92
_NO_RULES: Rules = {}


def _reason(rule: Any, value: str, key: str | None) -> str | None:
    reason = rule if type(rule) is str else rule.get("")
    if type(reason) is not str:
        return None
    looks = _LOOKS.get(reason)
    if looks is not None and looks(value) is None:
        return None
    return None if key == "url" and value[:5].lower() != "data:" else reason


def edits(text: Text, body: bytes, changes: Iterable[tuple[int, int, str]]) -> list[Edit]:
    """The edits of ``body`` that replace characters ``start`` to ``end`` of a text by ``new``.

    ``changes`` are (start, end, new) in rising order without overlaps, offsets in characters of ``text.value``.
    """
    changes = list(changes)
    places = [place for change in changes for place in change[:2]]
    raw = body[text.start : text.end]
    at = [text.start + offset for offset in offsets(raw, text.value, places)]
    return [Edit(at[2 * i], at[2 * i + 1], string_inside(new)) for i, (_, _, new) in enumerate(changes)]


def offsets(raw: bytes, value: str, places: list[int]) -> list[int]:
    """Where characters of a string are in its JSON text: for each of the rising ``places`` in ``value`` its offset in
    ``raw``, the bytes between the string's quotes."""
    if len(raw) == len(value):
        return places
    found: list[int] = []
    characters = position = 0
    wanted = iter(places)
    place = next(wanted, None)
    units = (unit.span() for unit in _UNIT.finditer(raw))
    for start, end in chain(units, ((len(raw), len(raw)),)):
        plain = raw[position:start].decode()
        at = 0
        while place is not None and place - characters <= len(plain):
            position += len(plain[at : place - characters].encode())
            at = place - characters
            found.append(position)
            place = next(wanted, None)
        if place is None:
            break
        characters += len(plain) + 1
        position = end
    return found


def edit(body: bytes, changes: Iterable[Edit]) -> bytes:
    """``body`` with the edits made; they are in rising order and do not overlap."""
    pieces: list[bytes] = []
    at = 0
    for start, end, new in changes:
        pieces += (body[at:start], new)
        at = end
    pieces.append(body[at:])
    return b"".join(pieces)


def string_inside(value: str) -> bytes:
    """The JSON text of a string without its quotes. A lone surrogate, which no UTF-8 can hold, is written as an
    escape."""
    try:
        return _encode(value)[1:-1]
    except UnicodeEncodeError:
        return b"".join(b"\\u%04x" % ord(c) if "\ud800" <= c <= "\udfff" else _encode(c)[1:-1] for c in value)
