"""The wiring: which stages a request passes, and what is written of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from seekgate.app import Application
from seekgate.config.snapshot import AccessLog, Snapshot
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.pipeline import Pipeline
from seekgate.pipeline.stage import Reply
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from seekgate.wire import errors
from tests.fakes.clock import FakeClock
from tests.support.scene_config import KEY, SECRETS, chat, snapshot
from tests.support.scene_exchange import exchange
from tests.support.until import until


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for reference, secret in SECRETS.items():
        monkeypatch.setenv(reference.removeprefix("env:"), secret)


class Composed:
    """An application that logs to a file."""

    def __init__(self, folder: Path, log: bool = True) -> None:
        self.file = folder / "access.log"
        self.metrics = Metrics(Registry())
        self.clock = FakeClock()
        self.app = Application(self.metrics, self.clock)
        self.snapshot: Snapshot = msgspec.structs.replace(
            snapshot(), access_log=AccessLog(str(self.file) if log else "off")
        )
        self.failures: list[str] = []
        self.pipeline: Pipeline = self.app.pipeline(self.snapshot, self.report)
        self.app.prepare(self.snapshot)
        self.app.adopt()

    def report(self, stage: str, x: Exchange, error: Exception) -> None:
        self.failures.append(f"{stage}: {error!r}")

    def request(self, body: bytes, key: str = KEY) -> tuple[Exchange, object]:
        x = exchange(body, {b"authorization": f"Bearer {key}".encode()}, entered=self.pipeline.observers - 1)
        return x, self.pipeline.request(x)

    def end(self, x: Exchange) -> None:
        x.ended_at = x.started_at + 1.0
        x.outcome, x.status = "answered", 200
        self.pipeline.end(x)

    def lines(self) -> list[dict[str, object]]:
        """What is in the file once everything is written."""
        self.app.close()
        return [json.loads(line) for line in self.file.read_bytes().splitlines()]


def test_a_request_passes_identity_decode_and_route(tmp_path: Path) -> None:
    made = Composed(tmp_path)
    x, verdict = made.request(chat("flash"))
    assert verdict is None
    assert (x.principal.name, x.model, len(x.candidates)) == ("app", "flash", 2)
    made.end(x)
    (line,) = made.lines()
    assert (line["key"], line["model"], line["status"]) == ("app", "flash", 200)
    assert made.metrics.requests.labels("", "flash", "", "200").value == 1
    assert not made.failures


def test_nobody_unknown_makes_the_gateway_parse(tmp_path: Path) -> None:
    made = Composed(tmp_path)
    x, verdict = made.request(b"\xff not JSON", key="wrong")
    assert isinstance(verdict, Reply)
    assert verdict.error is errors.UNAUTHENTICATED
    made.end(x)
    assert len(made.lines()) == 1


def test_many_requests_and_refusals_are_each_one_line(tmp_path: Path) -> None:
    made = Composed(tmp_path)
    for number in range(100):
        x, _ = made.request(chat("flash"))
        made.end(x)
        if number % 10 == 0:
            made.app.refused("192.0.2.7", errors.BAD_REQUEST)
        if number % 30 == 0:
            made.app.tick()
    lines = made.lines()
    assert len(lines) == 110
    refused = [line for line in lines if line["outcome"] == "refused"]
    assert len(refused) == 10
    assert refused[0]["client"] == "192.0.2.7"
    assert (refused[0]["status"], refused[0]["error"]) == (400, "bad_request")


def test_without_an_access_log(tmp_path: Path) -> None:
    made = Composed(tmp_path, log=False)
    x, _ = made.request(chat("flash"))
    made.end(x)
    made.app.refused("192.0.2.7", errors.BAD_REQUEST)
    made.app.flush()
    made.app.close()
    assert not made.file.exists()
    assert made.metrics.requests.labels("", "flash", "", "200").value == 1


def test_a_request_that_ends_after_a_reload_is_still_written(tmp_path: Path) -> None:
    made = Composed(tmp_path)
    x, _ = made.request(chat("flash"))
    old = made.pipeline
    made.pipeline = made.app.pipeline(made.snapshot, made.report)
    made.app.prepare(made.snapshot)
    made.app.adopt()
    made.app.tick()
    made.pipeline = made.app.pipeline(made.snapshot, made.report)
    x.ended_at = x.started_at
    old.end(x)
    assert len(made.lines()) == 1


def test_a_rotated_file_is_let_go_with_a_reload(tmp_path: Path) -> None:
    made = Composed(tmp_path)
    made.end(made.request(chat("flash"))[0])
    made.app.tick()
    made.app.prepare(made.snapshot)
    made.app.adopt()
    rotated = made.file.rename(tmp_path / "access.log.1")
    made.app.prepare(made.snapshot)
    made.app.adopt()
    made.end(made.request(chat("flash"))[0])
    assert len(made.lines()) == 1
    assert len(rotated.read_bytes().splitlines()) == 1


def open_below(folder: Path) -> list[str]:
    """The files in a folder that this process has open."""
    return [file.path for file in psutil.Process().open_files() if file.path.startswith(str(folder))]


def test_a_log_that_cannot_be_opened_changes_nothing(tmp_path: Path) -> None:
    made = Composed(tmp_path)
    bad = msgspec.structs.replace(made.snapshot, access_log=AccessLog(str(tmp_path / "nowhere" / "log")))
    with pytest.raises(FileNotFoundError):
        made.app.prepare(bad)
    made.end(made.request(chat("flash"))[0])
    assert len(made.lines()) == 1


def test_a_log_whose_snapshot_was_rejected_is_let_go(tmp_path: Path) -> None:
    made = Composed(tmp_path)
    for name in ("one.log", "two.log"):
        made.app.prepare(msgspec.structs.replace(made.snapshot, access_log=AccessLog(str(tmp_path / name))))
    made.app.prepare(made.snapshot)
    made.app.adopt()
    made.end(made.request(chat("flash"))[0])
    assert len(made.lines()) == 1
    assert (tmp_path / "one.log").read_bytes() == (tmp_path / "two.log").read_bytes() == b""
    until(lambda: not open_below(tmp_path), "the files to be let go")


def test_a_log_that_is_switched_off_has_what_came_before(tmp_path: Path) -> None:
    made = Composed(tmp_path)
    made.end(made.request(chat("flash"))[0])
    made.app.prepare(msgspec.structs.replace(made.snapshot, access_log=AccessLog("off")))
    made.app.adopt()
    assert len(made.lines()) == 1


def test_a_reader_that_stalls_holds_up_no_reload_and_its_loss_is_counted(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    made = Composed(tmp_path)
    made.app.prepare(msgspec.structs.replace(made.snapshot, access_log=AccessLog(str(pipe))))
    made.app.adopt()
    for _ in range(1000):
        made.end(made.request(chat("flash"))[0])
    made.app.tick()
    made.app.prepare(made.snapshot)
    made.app.adopt()  # the thread of the pipe is stuck, and is left behind
    os.close(reader)

    def counted() -> bool:
        made.app.tick()
        return made.metrics.access_log_lost.value > 0

    until(counted, "the loss to be counted")
    assert made.lines() == []


def test_the_alarm_of_a_price_calendar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Composed(tmp_path)
    made.app.tick()
    assert made.metrics.price_calendar_expired.value == 0
    made.clock.advance(400 * 86_400.0)
    for _ in range(1500):
        made.app.tick()
    assert made.metrics.price_calendar_expired.value == 1
    assert capsys.readouterr().err.count("the price calendar has expired") == 1, "said once, not every minute"
    made.app.close()


def test_what_cannot_be_read_is_a_value_error_or_an_os_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Composed(tmp_path)
    monkeypatch.delenv("APP")
    with pytest.raises(ValueError, match="APP"):
        made.app.pipeline(made.snapshot, made.report)
    monkeypatch.setenv("APP", "x")
    with pytest.raises(OSError, match="No such file"):
        made.app.pipeline(msgspec.structs.replace(made.snapshot, prices=str(tmp_path / "none")), made.report)
    made.app.close()


def test_a_worker_is_a_process_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seekgate.app", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "--control-fd" in done.stdout


def test_a_worker_imports_nothing_heavy() -> None:
    heavy = ("pydantic", "yaml", "rich", "typer", "sqlalchemy")
    code = f"import seekgate.app, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
