from __future__ import annotations

import json
import time
from hashlib import sha256
from pathlib import Path

import pytest

from seekgate.emulate.log import RequestLog, RequestRecord, new_record

HEADERS = (
    ("x-request-id", "r1"),
    ("authorization", "Bearer sk-secret"),
    ("traceparent", "00-a-b-01"),
    ("cookie", "c"),
)


def _record() -> RequestRecord:
    record = new_record(3, "POST", "/chat/completions", HEADERS, b"0123456789", 4)
    record.model, record.stream, record.status = "deepseek-flash", True, 200
    return record


def _lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_record_keeps_a_bounded_body_and_its_whole_digest() -> None:
    before = time.monotonic()
    record = _record()
    assert (record.body, record.body_bytes) == (b"0123", 10)
    assert record.body_sha256 == sha256(b"0123456789").hexdigest()
    assert before <= record.started <= time.monotonic()
    assert (record.outcome, record.ended) == ("open", None)
    assert record.header("x-request-id") == "r1"
    assert record.header("none") is None


def test_start_and_end_are_lines_that_show_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "log"
    log = RequestLog(str(file))
    log.open()
    record = _record()
    log.started(record)
    record.outcome, record.ended, record.sent_events, record.sent_bytes = (
        "complete",
        record.started + 1,
        5,
        100,
    )
    log.ended(record)
    log.close()
    start, end = _lines(file)
    assert start["event"] == "start"
    assert start["headers"] == {"x-request-id": "r1", "traceparent": "00-a-b-01"}
    assert start["authorization"] is True
    assert (start["model"], start["stream"], start["body_sha256"]) == (
        "deepseek-flash",
        True,
        record.body_sha256,
    )
    assert (end["event"], end["outcome"], end["sent_events"], end["sent_bytes"]) == (
        "end",
        "complete",
        5,
        100,
    )
    assert end["t"] == record.ended
    assert "sk-secret" not in file.read_text()


def test_a_client_that_left_is_an_aborted_line_and_written_at_once(tmp_path: Path) -> None:
    file = tmp_path / "log"
    log = RequestLog(str(file))
    log.open()
    record = _record()
    record.outcome = "aborted"
    log.ended(record)
    assert _lines(file)[0]["event"] == "aborted"
    log.close()


def test_a_file_is_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "log"
    for _ in range(2):
        log = RequestLog(str(file))
        log.open()
        log.ended(_record())
        log.close()
    assert len(_lines(file)) == 2


def test_a_log_that_cannot_be_opened_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RequestLog(str(tmp_path / "none" / "log")).open()


def test_without_a_target_nothing_is_written() -> None:
    log = RequestLog(None)
    log.open()
    log.started(_record())
    log.ended(_record())
    log.close()
