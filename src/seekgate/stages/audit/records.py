"""The fields of the audit's records, by name, for everything that reads them. The stage writes them in this order."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from seekgate.store.journal.records import ABANDONED, CLOSE, NOTE, OPEN, OWN, SINGLE

HEAD = ("kind", "number", "time", "request", "caller")
ASKED = (
    "caller_kind",
    "caller_name",
    "organisation",
    "team",
    "application",
    "tier",
    "user",
    "reserved",
    "client",
    "operation",
    "route",
    "model",
    "deployment",
    "stream",
    "bytes_in",
    "prompt_sha256",
    "received_sha256",
    "decisions",
    "detected",
    "prompt",
)
ANSWERED = (
    "status",
    "outcome",
    "error",
    "error_source",
    "deployment",
    "served_model",
    "upstream_id",
    "attempts",
    "duration_us",
    "ttft_us",
    "events",
    "bytes_out",
    "finish_reason",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cost_micro",
    "currency",
    "price",
    "answer_sha256",
    "decisions",
    "detected",
    "answer",
)
NAMES = {
    OPEN: "open",
    CLOSE: "close",
    SINGLE: "single",
    NOTE: "note",
    ABANDONED: "abandoned",
    OWN: "journal",
}


COLUMNS = tuple(dict.fromkeys(("record", *HEAD[1:], *ASKED, *ANSWERED, "writer", "event", "what", "details")))
"""The names that a record can have, in order, for tables."""


def asked(values: Sequence[Any]) -> dict[str, Any]:
    """What an open record says behind its envelope, by name."""
    return dict(zip(ASKED, values, strict=False))


def named(record: Sequence[Any]) -> dict[str, Any]:
    """A record as a mapping, without what is empty. Digests are hexadecimal."""
    kind = record[0]
    found: dict[str, Any] = {"record": NAMES.get(kind, str(kind))}
    if kind == OWN:
        found |= {"what": record[1], "details": list(record[2:])}
    elif kind == NOTE:
        found |= {"time": record[1], "event": record[2]}
    elif kind == ABANDONED:
        parts = zip((*HEAD[1:], "writer", "reserved"), record[1:], strict=False)
        found |= {name: value for name, value in parts if value is not None}
    else:
        names = HEAD + {OPEN: ASKED, CLOSE: ANSWERED}.get(kind, ASKED + ANSWERED)
        for name, value in zip(names[1:], record[1:], strict=False):
            if value not in (None, "", [], {}):
                found[name] = b64decode(value).hex() if name.endswith("_sha256") else value
    return found
