"""The wiring of the audit: what is recorded, in which order, and when it is written."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from seekgate.app import Application
from seekgate.config.compiled.audit import Audit
from seekgate.config.compiled.quota import Quota
from seekgate.config.rows import LimitRow
from seekgate.config.snapshot import AccessLog, Snapshot
from seekgate.host.messages import Start
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply
from seekgate.stages.audit.records import named
from seekgate.store.journal.keeping import keep
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from seekgate.wire import errors
from tests.fakes.clock import FakeClock
from tests.support.journals import all_records, die
from tests.support.limits import row
from tests.support.scene_config import KEY, SECRETS, chat, snapshot
from tests.support.scene_exchange import exchange


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for reference, secret in SECRETS.items():
        monkeypatch.setenv(reference.removeprefix("env:"), secret)


class Composed:
    """An application of a worker whose home is ``home``."""

    def __init__(self, home: Path, limits: tuple[LimitRow, ...] = ()) -> None:
        self.home = home
        self.limits = limits
        self.metrics = Metrics(Registry())
        self.app = Application(self.metrics, FakeClock())
        self.failures: list[str] = []

    async def begin(self) -> None:
        """As a worker does at its start."""
        await self.app.begin(Start(0, 1, (), None, "", str(self.home)))
        self.use(Audit(fsync="never"))

    def use(self, audit: Audit | None) -> None:
        """As a worker does with a snapshot."""
        made: Snapshot = msgspec.structs.replace(
            snapshot(), access_log=AccessLog("off"), audit=audit, quota=Quota(self.limits)
        )
        self.pipeline = self.app.pipeline(made, self.report)
        self.app.prepare(made)
        self.app.adopt()

    def report(self, stage: str, x: Exchange, error: Exception) -> None:
        self.failures.append(f"{stage}: {error!r}")

    def request(self, key: str = KEY) -> tuple[Exchange, object]:
        headers = {b"authorization": f"Bearer {key}".encode()}
        x = exchange(chat("flash"), headers, entered=self.pipeline.observers - 1)
        return x, self.pipeline.request(x)

    def end(self, x: Exchange) -> None:
        x.ended_at, x.outcome, x.status = x.started_at + 1.0, "answered", 200
        x.request.body = b""
        self.pipeline.end(x)

    def records(self) -> list[dict[str, object]]:
        """What is written now, without the journal's own."""
        return [named(record) for record in all_records(self.home) if record[0]]


def test_an_open_record_before_the_upstream_and_a_close_before_the_answers_end(tmp_path: Path) -> None:
    made = Composed(tmp_path)

    async def run() -> None:
        await made.begin()
        commit = made.app.committing()
        assert commit is not None
        x, verdict = made.request()
        assert verdict is None
        commit()
        (opened,) = made.records()
        assert (opened["record"], opened["caller_name"], opened["model"]) == ("open", "app", "flash")
        made.end(x)
        commit()
        assert [record["record"] for record in made.records()] == ["open", "close"]
        made.app.close()

    asyncio.run(run())
    assert not made.failures


def test_a_refused_request_has_one_record(tmp_path: Path) -> None:
    made = Composed(tmp_path)

    async def run() -> None:
        await made.begin()
        x, verdict = made.request("wrong")
        assert isinstance(verdict, Reply)
        x.error_type = "unauthenticated"
        made.end(x)
        made.app.tick()
        (record,) = made.records()
        assert (record["record"], record["error"]) == ("single", "unauthenticated")
        made.app.close()

    asyncio.run(run())


def test_a_journal_that_cannot_be_written_refuses_and_is_counted(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    made = Composed(tmp_path)

    async def run() -> None:
        await made.begin()
        _, verdict = made.request()
        assert isinstance(verdict, Reply)
        assert verdict.error is errors.AUDIT_UNAVAILABLE
        made.app.tick()
        assert made.metrics.audit_failing.value == 1
        assert made.metrics.audit_errors.value == 2
        (tmp_path / "journal").unlink()
        made.app.tick()
        assert made.metrics.audit_failing.value == 0
        _, verdict = made.request()
        assert verdict is None
        made.app.close()

    asyncio.run(run())


def test_without_it_nothing_stands_in_front_of_writes(tmp_path: Path) -> None:
    made = Composed(tmp_path)

    async def run() -> None:
        await made.begin()
        made.use(None)
        made.app.tick()
        assert made.app.committing() is None
        _, verdict = made.request()
        assert verdict is None
        made.app.close()

    asyncio.run(run())
    assert made.records() == []


def test_what_a_dead_worker_had_sent_is_charged_once(tmp_path: Path) -> None:
    limits = (row("key", "*", tokens={86_400: 100_000}),)

    async def end_in_flight() -> int:
        dead = Composed(tmp_path, limits)
        await dead.begin()
        x, verdict = dead.request()
        assert verdict is None
        commit = dead.app.committing()
        assert commit is not None
        commit()
        assert dead.app._trail is not None
        assert dead.app._trail._journal is not None
        die(dead.app._trail._journal)
        return int(x.reservation.input)

    async def settle() -> int:
        made = Composed(tmp_path, limits)
        await made.begin()
        for _ in range(2):
            made.app.settle_orphan(orphan)
            made.app.limits.tick()
        (counter,) = made.app.limits.tables.counters.values()
        made.app.close()
        return int(counter.left)

    sent = asyncio.run(end_in_flight())
    (orphan,) = keep(tmp_path, Audit(fsync="never"), FakeClock()).orphans
    assert sent > 0
    assert asyncio.run(settle()) == 100_000 - sent
