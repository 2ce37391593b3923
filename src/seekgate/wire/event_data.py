"""What the data of a chunk in a chat stream says, and the chunk without its usage.

OpenAI adds ``"usage": null`` to every chunk, and a last one with usage and no choices, when ``stream_options`` asks for
usage. Where the gateway asked and its client did not, both are taken out by their bytes; all else stays as it came.
"""

from __future__ import annotations

import msgspec

from seekgate.wire.jsonspan import remove_member

NULL_USAGE = b',"usage":null}'
"""How compact JSON ends with the member: no other text can end so, since a quote behind a comma opens a string."""


class _Probe(msgspec.Struct, gc=False):
    """The members that decide what becomes of an event; absent ones are empty."""

    error: msgspec.Raw = msgspec.Raw(b"")
    object: msgspec.Raw = msgspec.Raw(b"")
    choices: msgspec.Raw = msgspec.Raw(b"")
    usage: msgspec.Raw = msgspec.Raw(b"")


_decode = msgspec.json.Decoder(_Probe).decode


def is_error(data: bytes) -> bool:
    """Whether an event reports a failure: a top-level ``error`` that is not null, or ``"object": "error"`` (vLLM)."""
    probe = _probe(data)
    if probe is None:
        return False
    return bytes(probe.error) not in (b"", b"null") or bytes(probe.object) == b'"error"'


def without_usage(data: bytes) -> bytes | None:
    """An event's data without its top-level ``usage``; None when the event says nothing else (no choices).

    The same object comes back when there is nothing to remove, or when the data is not a JSON object.
    """
    if data.endswith(NULL_USAGE) and data.count(b'"usage"') == 1:
        return data[: -len(NULL_USAGE)] + b"}"
    probe = _probe(data)
    if probe is None:
        return data
    usage = bytes(probe.usage)
    if not usage:
        return data
    if usage.startswith(b"{") and bytes(probe.choices).translate(None, b" \t\r\n") == b"[]":
        return None
    return remove_member(data, "usage")


def _probe(data: bytes) -> _Probe | None:
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
