from __future__ import annotations

from typing import Any

import pytest

from seekgate.emulate.faults import FAULTS, GARBAGE_HEAD, NO_FAULTS, Faults, parse_faults, with_fields


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", {}),
        (" , ,", {}),
        ("latency=200ms, slow=50ms", {"latency": 0.2, "slow": 0.05}),
        ("latency=2s,queue=1.5m,slow=0.25", {"latency": 2.0, "queue": 90.0, "slow": 0.25}),
        ("cut, end=4,reset=2", {"cut": 0, "end": 4, "reset": 2}),
        ("garbage", {"garbage": 0}),
        ("garbage=3", {"garbage": 3}),
        ("garbage=head", {"garbage": GARBAGE_HEAD}),
        ("wrong-length", {"wrong_length": 10}),
        ("wrong-length=-4", {"wrong_length": -4}),
        ("status=429, retry-after=2", {"status": 429, "retry_after": "2"}),
        ("keepalive=3@100ms", {"keepalive_count": 3, "keepalive_every": 0.1}),
        ("keepalive=2", {"keepalive_count": 2, "keepalive_every": 0.0}),
        ("finish=insufficient_system_resource", {"finish": "insufficient_system_resource"}),
        ("tokens=500,reasoning=0,token-bytes=64", {"tokens": 500, "reasoning": 0, "token_bytes": 64}),
        ("chunk-bytes=1, octet-error, echo=false", {"chunk_bytes": 1, "octet_error": True, "echo": False}),
        ("fingerprint=fp_b, close, tool-calls=2", {"fingerprint": "fp_b", "close": True, "tool_calls": 2}),
        ("usage-on-ask,event-ids=true", {"usage_on_ask": True, "event_ids": True}),
    ],
)
def test_a_list_of_faults_becomes_fields(text: str, fields: dict[str, Any]) -> None:
    parsed = parse_faults(text)
    assert parsed == fields
    assert isinstance(with_fields(NO_FAULTS, fields), Faults)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("lateny=2s", "'lateny' is no fault"),
        ("latency=soon", "latency needs a duration"),
        ("latency", "latency needs a duration"),
        ("latency=1sx", "latency needs a duration"),
        ("cut=-1", "cut needs a whole number of at least 0"),
        ("chunk-bytes=0", "chunk-bytes needs a whole number of at least 1"),
        ("status=200", "status needs a status from 400 to 599"),
        ("keepalive=x@1s", "keepalive needs a count"),
        ("echo=maybe", "echo takes no value"),
        ("retry-after=", "retry-after needs a word"),
    ],
)
def test_a_mistake_is_named(text: str, part: str) -> None:
    parsed = parse_faults(text)
    assert isinstance(parsed, str)
    assert parsed.startswith(part)


def test_every_field_of_faults_can_be_asked_for() -> None:
    values = {"status": "500", "keepalive": "1@1s", "retry-after": "1", "finish": "x", "fingerprint": "x"}
    reached: set[str] = set()
    for name in FAULTS:
        for value in (values.get(name, "1"), ""):
            parsed = parse_faults(f"{name}={value}")
            if isinstance(parsed, dict):
                reached |= set(parsed)
    assert reached == set(Faults.__struct_fields__)
