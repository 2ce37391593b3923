"""A request body: decoded once, checked for what would be read differently elsewhere, and the few fields we act on.

Parsers disagree about an object that has one key twice: some take the first, some the last. Whoever checks a request
must read what the upstream reads, so such a body is refused (RFC 8259, section 4, leaves it open). The check is exact
and needs no parser of our own: a decoded tree has lost the repeated keys, so writing it again gives fewer colons than
the text has. Every key brings one colon, strings keep theirs, and only the escape ``\\u003a`` is a colon in one count
and not in the other. A text that is written again as it came (compact JSON, as SDKs send it) needs no counting.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeAlias

import msgspec

from seekgate.wire import shown
from seekgate.wire.errors import (
    DUPLICATE_KEY,
    INVALID_JSON,
    INVALID_VALUE,
    MISSING_MODEL,
    NOT_AN_OBJECT,
    Refusal,
)

MAX_MODEL = 256
"""Longest model name, in characters."""

NAME_DUPLICATE_BELOW = 1_048_576
"""Bytes of the largest body in which the repeated key is looked up for the message (a slow second parse)."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
# An even number of backslashes before it makes the backslash of \u003a its own.
_ESCAPED_COLON = re.compile(rb"(?<!\\)(?:\\\\)*+\\u003[aA]")


Envelope: TypeAlias = tuple[dict[str, Any], str, bool, bool]
"""What the gateway needs of a request body: the whole decoded body (to be read and never changed), ``model``,
``stream`` and ``stream_options.include_usage``. (A plain tuple, because every request makes one.)"""


def read(body: bytes) -> Envelope | Refusal:
    """Decode and check a request body; a `Refusal` names what is wrong with it and where. Nothing is raised."""
    try:
        tree = _decode(body)
        written = _encode(tree)
        if written != body and _lost_a_key(body, written):
            return _duplicate(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return _malformed(body, error)
    if type(tree) is not dict:
        return Refusal(NOT_AN_OBJECT, f"The request body must be a JSON object, not {_name(tree)}.", "$")
    model = tree.get("model")
    if type(model) is not str or not 0 < len(model) <= MAX_MODEL:
        return _bad_model(model)
    stream = tree.get("stream")
    if stream is not True and stream is not False and stream is not None:
        return _must_be("stream", "a boolean", stream)
    options = tree.get("stream_options")
    include_usage = False
    if options is not None:
        if type(options) is not dict:
            return _must_be("stream_options", "an object", options)
        asked = options.get("include_usage")
        if asked is not True and asked is not False and asked is not None:
            return _must_be("stream_options.include_usage", "a boolean", asked)
        include_usage = asked is True
    return tree, model, stream is True, include_usage


def _lost_a_key(body: bytes, written: bytes) -> bool:
    colons = body.count(b":")
    if body.find(b"\\u003") >= 0:
        colons += sum(1 for _ in _ESCAPED_COLON.finditer(body))
    return colons != written.count(b":")


def _duplicate(body: bytes) -> Refusal:
    key = _first_duplicate(body) if len(body) < NAME_DUPLICATE_BELOW else None
    if key is None:
        return Refusal(DUPLICATE_KEY, DUPLICATE_KEY.message)
    named = shown.name(key)
    what = f'The key "{named}" occurs twice in one object of the request body.'
    return Refusal(DUPLICATE_KEY, what, key if named == key else None)


class _Found(Exception):
    pass


def _first_duplicate(body: bytes) -> str | None:
    def check(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Found(key)
            seen.add(key)

    try:
        json.loads(body, object_pairs_hook=check, parse_int=str, parse_float=str)
    except _Found as found:
        return str(found)
    except (ValueError, RecursionError):
        return None
    return None


def _malformed(body: bytes, error: Exception) -> Refusal:
    if isinstance(error, RecursionError):
        return Refusal(INVALID_JSON, "The request body is nested too deeply.", "$")
    if isinstance(error, msgspec.ValidationError):
        return Refusal(INVALID_JSON, "The request body has a number that is out of range.", "$")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as bad:
        return Refusal(INVALID_JSON, f"The request body is not valid UTF-8 (byte {bad.start}).", "$")
    if not body.strip(b" \t\r\n"):
        return Refusal(INVALID_JSON, "The request body is empty; a JSON object was expected.", "$")
    detail = str(error).removeprefix("JSON is malformed: ")
    if detail == "Input data was truncated":
        # The decoder says so of a text that ends early and of half a surrogate pair alike.
        detail = "it ends early, or has half a surrogate pair"
    return Refusal(INVALID_JSON, f"The request body is not valid JSON: {detail}.", "$")


def _bad_model(model: Any) -> Refusal:
    if model is None:
        return Refusal(MISSING_MODEL, MISSING_MODEL.message, "model")
    if type(model) is not str:
        return _must_be("model", "a string", model)
    if not model:
        return Refusal(INVALID_VALUE, "'model' must not be empty.", "model")
    return Refusal(INVALID_VALUE, f"'model' is longer than {MAX_MODEL} characters.", "model")


def _must_be(path: str, expected: str, value: Any) -> Refusal:
    return Refusal(INVALID_VALUE, f"'{path}' must be {expected}, not {_name(value)}.", path)


_NAMES: dict[type, str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
}


def _name(value: Any) -> str:
    return _NAMES.get(type(value), "null")
