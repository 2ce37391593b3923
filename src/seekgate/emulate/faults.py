"""Faults: what the emulator shall do wrong, slowly or differently for one request.

They are written as a comma-separated list, in the request header ``x-emulate``, in a scenario's rule and in the
command's ``--always``: ``latency=200ms, slow=50ms, cut=3``. Events are counted from the start of the stream, the first
one (which only tells the role) included. ``docs/reference/emulator.md`` lists every fault; a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

#: ``garbage=head``: bytes that are not HTTP in place of the status line.
GARBAGE_HEAD = -1

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "": 1.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|)\Z")


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be asked for one request. Times are seconds, counts are events or tokens, sizes bytes."""

    latency: float = 0.0
    slow: float = 0.0
    cut: int | None = None
    end: int | None = None
    reset: int | None = None
    garbage: int | None = None
    wrong_length: int = 0
    status: int | None = None
    retry_after: str | None = None
    keepalive_count: int = 0
    keepalive_every: float = 0.0
    queue: float = 0.0
    finish: str | None = None
    tokens: int | None = None
    reasoning: int | None = None
    token_bytes: int = 0
    tool_calls: int = 1
    chunk_bytes: int = 0
    octet_error: bool = False
    echo: bool = False
    usage_on_ask: bool = False
    event_ids: bool = False
    fingerprint: str | None = None
    close: bool = False


NO_FAULTS = Faults()

#: What a parser returns: values for fields of `Faults`, or a sentence that says what is wrong.
Parsed = dict[str, Any] | str


def _duration(text: str) -> float | None:
    match = _DURATION.match(text)
    return None if match is None else float(match[1]) * _UNITS[match[2]]


def _time(field: str) -> Callable[[str], Parsed]:
    def parse(value: str) -> Parsed:
        seconds = _duration(value)
        return f"needs a duration such as 200ms or 2s, not {value!r}" if seconds is None else {field: seconds}

    return parse


def _count(field: str, lowest: int = 0, default: int | None = None) -> Callable[[str], Parsed]:
    def parse(value: str) -> Parsed:
        if not value and default is not None:
            return {field: default}
        if not re.fullmatch(r"-?\d{1,12}", value) or int(value) < lowest:
            return f"needs a whole number of at least {lowest}, not {value!r}"
        return {field: int(value)}

    return parse


def _flag(field: str) -> Callable[[str], Parsed]:
    def parse(value: str) -> Parsed:
        if value not in {"", "true", "false"}:
            return f"takes no value (or true, false), not {value!r}"
        return {field: value != "false"}

    return parse


def _word(field: str) -> Callable[[str], Parsed]:
    def parse(value: str) -> Parsed:
        return {field: value} if re.fullmatch(r"[\w.: -]{1,100}", value) else f"needs a word, not {value!r}"

    return parse


def _garbage(value: str) -> Parsed:
    return {"garbage": GARBAGE_HEAD} if value == "head" else _count("garbage", default=0)(value)


def _status(value: str) -> Parsed:
    if not re.fullmatch(r"[45]\d\d", value):
        return f"needs a status from 400 to 599, not {value!r}"
    return {"status": int(value)}


def _keepalive(value: str) -> Parsed:
    count, _, every = value.partition("@")
    seconds = _duration(every) if every else 0.0
    if not re.fullmatch(r"\d{1,9}", count) or seconds is None:
        return f"needs a count and an interval such as 3@100ms, not {value!r}"
    return {"keepalive_count": int(count), "keepalive_every": seconds}


#: The name of every fault and its parser.
FAULTS: dict[str, Callable[[str], Parsed]] = {
    "latency": _time("latency"),
    "slow": _time("slow"),
    "cut": _count("cut", default=0),
    "end": _count("end", default=0),
    "reset": _count("reset", default=0),
    "garbage": _garbage,
    "wrong-length": _count("wrong_length", lowest=-1_000_000, default=10),
    "status": _status,
    "retry-after": _word("retry_after"),
    "keepalive": _keepalive,
    "queue": _time("queue"),
    "finish": _word("finish"),
    "tokens": _count("tokens"),
    "reasoning": _count("reasoning"),
    "token-bytes": _count("token_bytes", lowest=1),
    "tool-calls": _count("tool_calls", lowest=1),
    "chunk-bytes": _count("chunk_bytes", lowest=1),
    "octet-error": _flag("octet_error"),
    "echo": _flag("echo"),
    "usage-on-ask": _flag("usage_on_ask"),
    "event-ids": _flag("event_ids"),
    "fingerprint": _word("fingerprint"),
    "close": _flag("close"),
}


def parse_faults(text: str) -> Parsed:
    """Parse ``name=value, name, ...`` into fields of `Faults`; the empty text gives none. On failure return why."""
    fields: dict[str, Any] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if not name:
            continue
        parser = FAULTS.get(name.strip())
        if parser is None:
            return f"{name.strip()!r} is no fault; known are {', '.join(FAULTS)}"
        parsed = parser(value.strip())
        if isinstance(parsed, str):
            return f"{name.strip()} {parsed}"
        fields.update(parsed)
    return fields


def with_fields(base: Faults, fields: dict[str, Any]) -> Faults:
    """Return the base with these fields laid over it."""
    return msgspec.structs.replace(base, **fields) if fields else base
