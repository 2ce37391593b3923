"""A line of the access log."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from seekgate.config.snapshot import Deployment
from seekgate.pipeline.exchange import Attempt, Endpoint, Exchange
from seekgate.pipeline.principal import Principal
from seekgate.stages.access_log.stage import AccessLog, Record
from seekgate.wire.message import Request
from seekgate.wire.usage import Usage
from tests.support.scene_exchange import exchange


def line(x: Exchange) -> dict[str, object]:
    records: list[Record] = []
    AccessLog(records.append).on_end(x)
    (record,) = records
    found: dict[str, object] = msgspec.json.decode(msgspec.json.encode(record))
    return found


def test_a_refused_request_is_short() -> None:
    x = exchange(
        status=404, outcome="refused", ended_at=100.0125, error_type="not_found", error_source="client"
    )
    assert line(x) == {
        "time": 1_780_000_000.0,
        "id": "req_1",
        "client": "192.0.2.1",
        "method": "POST",
        "path": "/v1/chat/completions",
        "status": 404,
        "outcome": "refused",
        "duration_us": 12_500,
        "error": "not_found",
        "error_source": "client",
    }


def test_an_answered_stream() -> None:
    x = exchange(
        headers={b"traceparent": f"00-{'a' * 32}-{'b' * 16}-01".encode()},
        status=200, outcome="answered", ended_at=102.0, first_event_at=100.5, last_event_at=101.5, events=3,
        principal=Principal("app"), model="alias", served_model="real", deployment=Deployment("d", "cloud", "real"),
        attempts=[Attempt("c", 100.0, "connect"), Attempt("d", 100.1, "answered")], stream=True,
        bytes_in=10, bytes_out=20, fingerprint="fp", finish_reason="stop", upstream_id="trace-9",
        usage=Usage(10, 5, 15, 4, 6, 2), cost_micro=77, currency="USD", price_version="v1", peak=True,
    )  # fmt: skip
    found = line(x)
    assert {key: found[key] for key in ("ttft_us", "duration_us", "events", "attempts", "stream")} == {
        "ttft_us": 500_000, "duration_us": 2_000_000, "events": 3, "attempts": 2, "stream": True
    }  # fmt: skip
    assert (found["key"], found["model"], found["served_model"]) == ("app", "alias", "real")
    assert (found["deployment"], found["upstream_id"], found["traceparent"]) == (
        "d",
        "trace-9",
        f"00-{'a' * 32}-{'b' * 16}-01",
    )
    assert (found["prompt_tokens"], found["cached_tokens"], found["completion_tokens"]) == (10, 4, 5)
    assert (found["reasoning_tokens"], found["fingerprint"], found["finish_reason"]) == (2, "fp", "stop")
    assert (found["cost_micro"], found["currency"], found["price"], found["peak"]) == (77, "USD", "v1", True)
    assert (found["bytes_in"], found["bytes_out"]) == (10, 20)


def test_a_query_is_not_logged() -> None:
    x = exchange()
    x.request = Request(b"GET", b"/v1/models?api_key=secret", {}, b"", True, False)
    assert (line(x)["path"], line(x)["method"]) == ("/v1/models?…", "GET")


def test_any_bytes_of_a_target_become_text() -> None:
    x = exchange()
    x.request = Request(b"GET", b'/\xff"\\', {}, b"", True, False)
    assert line(x)["path"] == '/\xff"\\'


def test_what_clients_invent_is_shown_if_it_looks_like_a_name() -> None:
    for path, suffix, model, shown in (
        ("/v1/engines/sk-52c9f1c0a7e34dd8/x", "", "", "/v1/engines/…/x"),
        ("/v1/models/4f1c9b7ae02d", "/models", "4f1c9b7ae02d", "/v1/models/…"),
        ("/prefix-4f1c9b7ae02d/models", "/models", "", "/prefix-4f1c9b7ae02d/models"),
    ):
        x = exchange(endpoint=Endpoint("models", suffix, model=model), model="sk-52c9f1c0a7e34dd8")
        x.request = Request(b"GET", path.encode(), {}, b"", True, False)
        assert (line(x)["path"], line(x)["model"]) == (shown, "…")


def test_a_traceparent_of_another_form_is_not_logged() -> None:
    assert "traceparent" not in line(exchange(headers={b"traceparent": b"4f1c9b7ae02d"}))


def test_paths_that_clients_invent_are_not_kept() -> None:
    log = AccessLog(lambda record: None)
    for number in range(5000):
        x = exchange()
        x.request = Request(b"GET", b"/%d" % number, {}, b"", True, False)
        log.on_end(x)
    assert sum(len(value) for value in (log._paths,)) <= 256


def test_every_field_is_documented() -> None:
    page = (Path(__file__).parents[4] / "docs/how-to/operate.md").read_text(encoding="utf-8")
    section = page.partition("\n## The access log\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    described = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    missing = sorted(set(Record.__struct_fields__) ^ set(described))
    assert not missing, f"docs/how-to/operate.md, 'The access log', and Record differ in {missing}"
