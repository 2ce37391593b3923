"""Edit one member of a JSON object's text and leave every other byte as it is (RFC 8259).

Nothing is parsed into numbers or strings and written again: big numbers, escapes, key order and white space pass
untouched. The text must be valid JSON with an object on top (whoever calls has decoded it before). On other text the
functions find nothing or raise ValueError; they never loop or read outside it, and take time linear in its length.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

import msgspec

# Possessive repeats keep every pattern linear and without a stack of states to come back to. Where one round of a group
# may match in part and then fail, an atomic group around a greedy repeat does the same: Python up to 3.11.4 takes the
# part for matched (https://github.com/python/cpython/issues/106052).
_WS = rb"[ \t\r\n]*+"
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN_STRING = rb'"[^"\\]*+"'
_WORD = rb"[-+.0-9a-zA-Z]++"
_FLAT = rb"(?:" + _STRING + rb"|" + _WORD + rb'|[{\[][^"{}\[\]]*+(?>(?:' + _STRING + rb'[^"{}\[\]]*+)*)[}\]])'

_KEY = re.compile(_WS + rb"(" + _STRING + rb")" + _WS + rb":" + _WS, re.DOTALL)
_COLON = re.compile(_WS + rb":" + _WS)
_COMMA = re.compile(_WS + rb",")
_OPEN = re.compile(_WS + rb"\{")
_SCALAR = re.compile(_STRING + rb"|" + _WORD, re.DOTALL)
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*+(?>(?:' + _STRING + rb'[^"{}\[\]]*+)*)', re.DOTALL)
_FLAT_REST = re.compile(
    rb"(?>(?:"
    + _WS
    + rb","
    + _WS
    + _STRING
    + _WS
    + rb":"
    + _WS
    + _FLAT
    + rb")*)"
    + _WS
    + rb"\}"
    + _WS
    + rb"\Z",
    re.DOTALL,
)

_decode_key = msgspec.json.Decoder(str).decode

Member: TypeAlias = tuple[int, int, int]
"""Where the key begins (its quote), where the value begins, where the value ends."""


def value_end(text: bytes, start: int) -> int | None:
    """The position after the JSON value that begins at ``start``, or None when it does not end in this text."""
    match = _SCALAR.match(text, start)
    if match is not None:
        return match.end()
    if text[start : start + 1] not in (b"{", b"["):
        return None
    depth, at, size = 0, start, len(text)
    to_bracket = _TO_BRACKET.match
    while at < size:
        match = to_bracket(text, at)
        at = match.end() if match is not None else size
        if at >= size:
            return None
        byte = text[at]
        at += 1
        if byte == 0x7B or byte == 0x5B:  # { [
            depth += 1
        elif byte == 0x7D or byte == 0x5D:  # } ]
            depth -= 1
            if not depth:
                return at
        else:
            return None  # a quote that opens a string which never closes
    return None


def top_level_span(body: bytes, key: str, unique: bool = False) -> tuple[int, int] | None:
    """The span of the value of the top-level member ``key``, or None when there is no such member.

    Keys are compared decoded. In a text that has the key twice, either may be found. ``unique`` is the caller's word
    that the text has this member on top and no object with a key twice (`seekgate.wire.envelope.read` has seen it):
    the member may then be found without reading what stands before it.
    """
    found = _member(body, key, unique)
    return None if found is None else found[1:]


def replace_span(body: bytes, span: tuple[int, int], value: bytes) -> bytes:
    """``body`` with the bytes of ``span`` replaced by ``value`` (JSON text)."""
    return b"%b%b%b" % (body[: span[0]], value, body[span[1] :])


def set_member(body: bytes, key: str, value: bytes, unique: bool = False) -> bytes:
    """Replace the value of a top-level member by ``value`` (JSON text), or append the member. ValueError: no object."""
    found = _member(body, key, unique)
    if found is None:
        return append_member(body, key, value)
    return b"%b%b%b" % (body[: found[1]], value, body[found[2] :])


def append_member(body: bytes, key: str, value: bytes) -> bytes:
    """Insert a member as the last one, right before the closing brace. ValueError: the text does not end in one."""
    stripped = body.rstrip(b" \t\r\n")
    if not stripped.endswith(b"}"):
        raise ValueError("not the text of a JSON object")
    close = len(stripped) - 1
    inside = stripped[:-1].rstrip(b" \t\r\n")
    comma = b"" if inside.endswith(b"{") else b","
    # After a member with spaces around it the new one goes right behind its value, so that only bytes are added.
    at = len(inside) if comma else close
    return b"%b%b%b:%b%b" % (body[:at], comma, msgspec.json.encode(key), value, body[at:])


def remove_member(body: bytes, key: str) -> bytes:
    """Remove a top-level member and one comma beside it; the body itself when there is no such member."""
    found = _member(body, key, False)
    if found is None:
        return body
    begin, _, end = found
    comma = body.rfind(b",", 0, begin)
    if comma >= 0 and not body[comma + 1 : begin].strip(b" \t\r\n"):
        return body[:comma] + body[end:]
    after = _COMMA.match(body, end)
    return body[:begin] + body[after.end() if after is not None else end :]


def _member(body: bytes, key: str, unique: bool) -> Member | None:
    quoted = _quoted(key)
    if body.find(quoted, 0, 64) >= 0 and (match := _prefix(quoted).match(body)) is not None:
        start = match.end()
        stop = value_end(body, start)
        return None if stop is None else (match.start(1), start, stop)
    begin = body.rfind(quoted)
    if begin > 0 and body[begin - 1] in b", \t\r\n{":
        # A quote after one of these bytes opens a string here: what it closed would be followed by no key's letter.
        # If only flat members and the last brace follow, then the key stands on top.
        span = _member_at(body, begin, len(quoted))
        if span is not None and _FLAT_REST.match(body, span[2]) is not None:
            return span
    # A key of letters can be written with an escape only as \u00XX. Without one, and with a single occurrence of its
    # quoted name, that occurrence is the member that the caller knows to be there.
    if unique and begin > 0 and key.isascii() and key.isidentifier() and body.find(quoted, 0, begin) < 0:
        span = _member_at(body, begin, len(quoted))
        if span is not None and body.find(b"\\u00") < 0:
            return span
    return _scan(body, key)


def _member_at(body: bytes, begin: int, length: int) -> Member | None:
    colon = _COLON.match(body, begin + length)
    if colon is None:
        return None
    stop = value_end(body, colon.end())
    return None if stop is None else (begin, colon.end(), stop)


def _scan(body: bytes, key: str) -> Member | None:
    """The exact search, member by member."""
    quoted = _quoted(key)
    opening = _OPEN.match(body)
    if opening is None:
        return None
    at = opening.end()
    while (match := _KEY.match(body, at)) is not None:
        raw = match.group(1)
        start = match.end()
        stop = value_end(body, start)
        if stop is None:
            return None
        if raw == quoted or (b"\\" in raw and _same_key(raw, key)):
            return match.start(1), start, stop
        comma = _COMMA.match(body, stop)
        if comma is None:
            return None
        at = comma.end()
    return None


def _same_key(raw: bytes, key: str) -> bool:
    try:
        return _decode_key(raw) == key
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


@lru_cache(maxsize=256)
def _quoted(key: str) -> bytes:
    return msgspec.json.encode(key)


@lru_cache(maxsize=256)
def _prefix(quoted: bytes) -> re.Pattern[bytes]:
    """From the start of the text over members with plain keys and scalar values to the value of this key."""
    wanted = re.escape(quoted)
    other = rb"(?!" + wanted + rb")" + _PLAIN_STRING + _WS + rb":" + _WS
    other += rb"(?:" + _PLAIN_STRING + rb"|" + _WORD + rb")" + _WS + rb"," + _WS
    return re.compile(_WS + rb"\{" + _WS + rb"(?>(?:" + other + rb")*)(" + wanted + rb")" + _WS + rb":" + _WS)
