"""What is recorded of a request, and when it is refused instead."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from seekgate.config.snapshot import Deployment
from seekgate.pipeline.exchange import Attempt
from seekgate.pipeline.principal import Principal
from seekgate.pipeline.stage import Reply
from seekgate.stages.audit.records import named
from seekgate.stages.audit.stage import CALLERS, LARGE, AuditClose, AuditOpen, Ledger, Watched
from seekgate.wire.errors import AUDIT_UNAVAILABLE
from seekgate.wire.usage import Usage
from tests.support.scene_exchange import exchange

WHO = Principal("crm", "key_1", "key", "acme", "sales", "crm-app", "core", "li")
BODY = b'{"model":"m"}'


class Writer:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.append: Callable[[bytes], None] = self.records.append
        self.refusing = False

    @property
    def named(self) -> list[dict[str, Any]]:
        return [named(msgspec.json.decode(record)) for record in self.records]


class Reservation:
    """What the quota stage holds."""

    input, output, money = 20, 500, {"CNY": 77}


def asking(**fields: Any) -> Any:
    usual = {
        "principal": WHO,
        "model": "m",
        "bytes_in": len(BODY),
        "candidates": (Deployment("d", "cloud", "m"),),
        "decisions": ("access:allow", "quota:granted"),
    }
    return exchange(BODY, **{**usual, **fields})


def stages(**options: Any) -> tuple[Writer, Ledger, AuditOpen, AuditClose]:
    writer, ledger = Writer(), Ledger()
    seal = options.get("seal")
    return writer, ledger, AuditOpen(writer, ledger, **options), AuditClose(writer, ledger, seal=seal)


def settle(x: Any) -> None:
    x.status, x.outcome, x.ended_at, x.first_event_at = 200, "answered", 102.5, 100.5
    x.deployment, x.attempts = Deployment("d2", "cloud", "m"), [Attempt("d", 100.0), Attempt("d2", 100.1)]
    x.usage, x.served_model, x.finish_reason, x.upstream_id = Usage(10, 5, 15, 4, 6, 2), "m-1", "stop", "up-1"
    x.events, x.bytes_out, x.cost_micro, x.currency, x.price_version = 3, 200, 77, "CNY", "v1"
    x.request.body = b""


OPENED = {
    "record": "open",
    "number": 1,
    "time": 1_780_000_000.0,
    "request": "req_1",
    "caller": "key_1",
    "caller_kind": "key",
    "caller_name": "crm",
    "organisation": "acme",
    "team": "sales",
    "application": "crm-app",
    "tier": "core",
    "user": "li",
    "reserved": [20, 500, {"CNY": 77}],
    "client": "192.0.2.1",
    "operation": "chat",
    "model": "m",
    "deployment": "d",
    "stream": True,
    "bytes_in": 13,
    "prompt_sha256": sha256(BODY).hexdigest(),
    "received_sha256": sha256(b"as it came").hexdigest(),
    "decisions": ["access:allow", "quota:granted"],
    "detected": {"EMAIL": 2},
}
CLOSED = {
    "record": "close",
    "number": 1,
    "time": 1_780_000_002.5,
    "request": "req_1",
    "caller": "key_1",
    "status": 200,
    "outcome": "answered",
    "deployment": "d2",
    "served_model": "m-1",
    "upstream_id": "up-1",
    "attempts": 2,
    "duration_us": 2_500_000,
    "ttft_us": 500_000,
    "events": 3,
    "bytes_out": 200,
    "finish_reason": "stop",
    "prompt_tokens": 10,
    "cached_tokens": 4,
    "completion_tokens": 5,
    "reasoning_tokens": 2,
    "cost_micro": 77,
    "currency": "CNY",
    "price": "v1",
    "decisions": ["access:allow", "quota:granted"],
    "detected": {"EMAIL": 2},
}


def test_an_answered_request() -> None:
    writer, ledger, opening, closing = stages()
    x = asking(reservation=Reservation(), detected={"EMAIL": 2}, received=b"as it came", stream=True)
    assert opening.on_request(x) is None
    assert x.received is None
    assert list(ledger.carry()) == writer.records
    settle(x)
    closing.on_end(x)
    assert list(ledger.carry()) == []
    opened, closed = writer.named
    assert opened == OPENED
    assert closed == CLOSED


def test_a_refused_request_has_one_record() -> None:
    writer, _, _, closing = stages()
    x = exchange(
        status=403, outcome="refused", error_type="access_denied", error_source="client", ended_at=100.5
    )
    x.principal = WHO
    closing.on_end(x)
    (record,) = writer.named
    assert record["record"] == "single"
    assert {name: record[name] for name in ("caller", "team", "status", "error", "error_source", "outcome")} == {
        "caller": "key_1", "team": "sales", "status": 403, "error": "access_denied", "error_source": "client",
        "outcome": "refused",
    }  # fmt: skip
    assert record["duration_us"] == 500_000


def test_what_calls_no_upstream_is_not_opened() -> None:
    writer, ledger, opening, closing = stages()
    writer.refusing = True  # which is no reason to refuse a list of models
    x = asking(candidates=())
    assert opening.on_request(x) is None
    assert not ledger.open
    settle(x)
    closing.on_end(x)
    assert [record["record"] for record in writer.named] == ["single"]


def test_when_records_cannot_be_written() -> None:
    writer, ledger, opening, closing = stages()
    writer.refusing = True
    x = asking()
    answer = opening.on_request(x)
    assert isinstance(answer, Reply)
    assert answer.error is AUDIT_UNAVAILABLE
    assert not writer.records
    assert not ledger.open
    x.status, x.outcome, x.ended_at = 503, "failed", 100.1
    closing.on_end(x)
    assert [record["record"] for record in writer.named] == ["single"]


def test_numbers_go_on() -> None:
    writer, _, opening, closing = stages()
    for _ in range(3):
        x = asking()
        opening.on_request(x)
        closing.on_end(x)
    closing.on_end(exchange())
    assert [record["number"] for record in writer.named] == [1, 1, 2, 2, 3, 3, 4]


def test_the_digest_of_an_answer_that_is_seen() -> None:
    writer, _, opening, closing = stages()
    x = asking(inspected=True)
    opening.on_request(x)
    assert type(x.audit) is Watched
    assert [opening.on_chunk(x, part) for part in (b"some", b"thing")] == [b"some", b"thing"]
    closing.on_end(x)
    assert writer.named[1]["answer_sha256"] == sha256(b"something").hexdigest()


def test_answers_are_seen_on_demand_only() -> None:
    _, _, opening, _ = stages()
    x = asking()
    opening.on_request(x)
    assert x.inspected is False
    assert opening.on_chunk(x, b"data") == b"data"
    _, _, opening, _ = stages(answers=True)
    opening.on_request(x)
    assert x.inspected is True


def test_content_is_sealed_and_bound_to_its_request() -> None:
    def seal(content: bytes, context: bytes) -> str:
        return f"k1:{b64encode(content[::-1]).decode()}:{context.decode()}"

    writer, _, opening, closing = stages(seal=seal)
    x = asking()
    opening.on_request(x)
    assert x.inspected is True
    opening.on_chunk(x, b"ans")
    opening.on_chunk(x, b"wer")
    closing.on_end(x)
    assert writer.named[0]["prompt"] == f"k1:{b64encode(BODY[::-1]).decode()}:req_1"
    assert writer.named[1]["answer"] == f"k1:{b64encode(b'rewsna').decode()}:req_1"
    assert BODY not in b"".join(writer.records)


def test_a_model_that_is_not_served_is_named_if_it_looks_like_a_name() -> None:
    writer, _, opening, _ = stages()
    for model in ("gpt-4o", "what is the weather", "\ud800", "y" * 100_000):
        opening.on_request(asking(model=model))
    assert [record["model"] for record in writer.named] == ["gpt-4o", "…", "…", "…"]


def test_names_that_the_upstream_made_up() -> None:
    field = "served_model"
    writer, _, opening, closing = stages()
    x = asking(**{field: "\ud800" + "x" * 10})
    opening.on_request(x)
    closing.on_end(x)
    x = asking(**{field: "y" * 100_000})
    opening.on_request(x)
    closing.on_end(x)
    values = [record[field] for record in writer.named if field in record]
    assert values[0] == "?" + "x" * 10
    assert values[-1] == "y" * 256
    assert all(len(record) < LARGE for record in writer.records)


def test_who_calls_is_encoded_once_and_never_taken_for_another() -> None:
    writer, ledger, opening, _ = stages()
    for team in ("sales", "legal"):
        x = asking()
        x.principal = msgspec.structs.replace(WHO, team=team, user="\udfff")
        opening.on_request(x)
        opening.on_request(x)
    assert [record["team"] for record in writer.named] == ["sales", "sales", "legal", "legal"]
    assert writer.named[0]["user"] == "?"
    for number in range(CALLERS + 5):
        x.principal = msgspec.structs.replace(WHO, id=f"key_{number}")
        opening.on_request(x)
    assert len(ledger.callers) <= CALLERS


def test_what_is_carried_is_what_is_open() -> None:
    writer, ledger, opening, closing = stages()
    first, second = asking(), asking()
    opening.on_request(first)
    opening.on_request(second)
    closing.on_end(first)
    assert list(ledger.carry()) == [writer.records[1]]
