"""A worker's limits as a whole: what outlives snapshots, what is shared, what is written down."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seekgate.config.compiled.quota import Quota, Valkey
from seekgate.config.rows import Budget, LimitRow, RoleRow
from seekgate.config.snapshot import Deployment, Snapshot
from seekgate.host.clock import SystemClock
from seekgate.host.socket_path import socket_path
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Wait
from seekgate.stages.metering.prices import PriceTable, builtin
from seekgate.stages.quota.wiring import Limits
from seekgate.store import valkey_leases
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from tests.support.limits import ANN, ValkeyServer, row, valkey
from tests.support.quota_stage import promise
from tests.support.scene_config import snapshot
from tests.support.scene_exchange import exchange

PRICES = PriceTable.load(builtin())
PLAIN = Deployment("d1", "cloud", "m")


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as running:
        yield running


def limited(*rows: LimitRow, valkey: Valkey | None = None, **settings: Any) -> Snapshot:
    """A snapshot with these limits."""
    return snapshot(quota=Quota(rows, **settings), valkey=valkey)


class Made:
    """Limits of a worker, with a snapshot in force."""

    def __init__(self, home: Path, first: Snapshot, name: str = "w1", workers: int = 1) -> None:
        (home / "run").mkdir(exist_ok=True)
        self.metrics = Metrics(Registry())
        self.limits = Limits(self.metrics, SystemClock(), name, {"env:PW": "pw"}.__getitem__, promise)
        self.limits.begin(home, 0, workers)
        self.load(first)

    def load(self, wanted: Snapshot) -> None:
        self.stage = self.limits.stage(wanted, PRICES)
        self.limits.prepare(wanted)
        self.limits.adopt()

    def request(self) -> Exchange:
        return exchange(b"", principal=ANN, candidates=(PLAIN,), admitted_at=time.time(), model="m")

    def ask(self) -> object:
        return self.stage.on_request(self.request())


def test_what_was_used_outlives_a_snapshot(tmp_path: Path) -> None:
    made = Made(tmp_path, limited(row(requests={3600: 3})))
    assert [made.ask() for _ in range(2)] == [None, None]
    made.load(limited(row(requests={3600: 4})))
    assert [made.ask() for _ in range(2)] == [None, None]
    assert isinstance(made.ask(), Reply)
    assert made.metrics.quota_refusals.labels("key", "requests").value == 1


def test_a_snapshot_that_is_only_prepared_changes_nothing(tmp_path: Path) -> None:
    made = Made(tmp_path, limited(row(requests={3600: 1})))
    other = limited()
    made.limits.stage(other, PRICES)
    made.limits.prepare(other)
    assert made.ask() is None
    assert isinstance(made.ask(), Reply)


def test_rows_of_the_database_are_limits_too(tmp_path: Path) -> None:
    made = Made(tmp_path, limited())
    made.limits.apply("limit", "key:ann", row("key", "ann", requests={3600: 1}))
    made.limits.apply("limit", "x", RoleRow("x", ()))
    assert made.ask() is None
    assert isinstance(made.ask(), Reply)
    made.limits.apply("limit", "key:ann", None)
    assert made.ask() is None


def test_a_missing_secret_is_found_before_anything_changes(tmp_path: Path) -> None:
    made = Made(tmp_path, limited(row(requests={3600: 1})))
    with pytest.raises(KeyError):
        made.limits.prepare(limited(valkey=Valkey(host="x", password="env:NONE")))


def test_alone_what_was_used_outlives_the_process(tmp_path: Path) -> None:
    rules = row(requests={3600: 3}), row("team", "team", budgets=(Budget("month", "CNY", 5),))
    made = Made(tmp_path, limited(*rules))
    assert [made.ask() for _ in range(2)] == [None, None]
    made.limits.tick()
    assert json.loads((tmp_path / "run/quota-0.json").read_bytes())[0][2] == 2
    after = Made(tmp_path, limited(*rules))
    assert after.ask() is None
    assert isinstance(after.ask(), Reply)
    after.limits.close()
    assert json.loads((tmp_path / "run/quota-0.json").read_bytes())[0][2] == 3


def test_a_broken_memory_is_told_and_costs_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/quota-0.json").write_bytes(b"no")
    made = Made(tmp_path, limited(row(requests={3600: 1})))
    assert made.ask() is None
    (tmp_path / "run/quota-0.json").unlink()
    (tmp_path / "run").rmdir()
    made.limits.close()
    told = capsys.readouterr().err
    assert "cannot be read" in told
    assert "cannot be written down" in told


def test_a_soft_mark_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Made(tmp_path, limited(row("team", "team", budgets=(Budget("day", "CNY", soft=1),))))
    priced = Deployment("d3", "cloud", "m", price="deepseek/deepseek-flash")
    currency = PRICES.quote("deepseek/deepseek-flash", time.time()).currency
    made.load(limited(row("team", "team", budgets=(Budget("day", currency, soft=1),))))
    x = exchange(
        b"", principal=ANN, candidates=(priced,), admitted_at=time.time(), model="m", bytes_in=50_000
    )
    assert made.stage.on_request(x) is None
    assert "a budget has passed its soft mark" in capsys.readouterr().err


def test_two_workers_share_a_limit_and_a_reload_may_end_that(tmp_path: Path, server: ValkeyServer) -> None:
    async def ask(made: Made) -> object:
        verdict = made.ask()
        return await verdict.awaitable if isinstance(verdict, Wait) else verdict

    async def scene() -> None:
        where = msgspec.structs.replace(server.where, prefix=f"t{time.monotonic_ns()}")
        rules = limited(row(requests={3600: 10}), valkey=where)
        first, second = (Made(tmp_path, rules, name) for name in ("w1", "w2"))
        await first.limits.ready()
        found = [await ask(each) for each in (first, second) * 10]
        assert found.count(None) == 10
        assert first.metrics.quota_calls.labels("ok").value > 0
        assert first.metrics.quota_outage.value == 0
        used = sum(c.used for c in first.limits.tables.counters.values())
        first.load(limited(row(requests={3600: used + 1})))
        assert first.limits.shared is None
        assert [await ask(first) for _ in range(2)].count(None) == 1
        for each in (first, second):
            each.limits.tick()
            each.limits.close()

    asyncio.run(scene())


def test_several_workers_without_a_url_use_the_nodes_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_leases, "BEGINNING", 0.0)

    async def scene() -> None:
        made = Made(tmp_path, limited(row(requests={3600: 10})), workers=4)
        shared = made.limits.shared
        assert shared is not None
        assert shared.where.path == str(socket_path(tmp_path, "valkey"))
        await shared.ready()
        assert made.metrics.quota_outage.value == 1
        found = [made.ask() for _ in range(10)]
        assert found.count(None) == 10 // 4
        made.limits.close()

    asyncio.run(scene())
    assert "limits cannot be shared" in capsys.readouterr().err


def test_without_limits_nothing_is_connected(tmp_path: Path) -> None:
    made = Made(tmp_path, limited(), workers=4)
    assert made.limits.shared is None
    made.limits.tick()
    made.limits.close()


def test_what_a_dead_worker_left_unsettled_is_charged(tmp_path: Path) -> None:
    made = Made(tmp_path, limited())
    made.limits.charge(ANN, "m", "cloud", time.time(), 300, 100, {"CNY": 70})
    made.limits.charge(ANN, "m", "cloud", time.time() - 90_000, 999, 999)
    budget = Budget("month", "CNY", 1000)
    made.load(limited(row(requests={3600: 5}, tokens={86_400: 1000}, budgets=(budget,), concurrency=2)))
    made.limits.tick()
    made.limits.tick()
    assert {c.unit: c.left for c in made.limits.tables.counters.values()} == {
        "requests": 5,
        "tokens": 600,
        "money": 930,
        "concurrency": 2,
    }


def test_a_budget_in_a_currency_without_prices_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    currency = PRICES.quote("deepseek/deepseek-flash", time.time()).currency
    made = Made(tmp_path, limited(row(budgets=(Budget("day", currency, 5),))))
    assert capsys.readouterr().err == ""
    made.limits.apply("limit", "team:x", row("team", "x", budgets=(Budget("day", "XAU", 5),)))
    told = capsys.readouterr().err
    assert "no deployment has a price" in told
    assert "XAU" in told


def test_waiting_is_counted_and_outlives_a_snapshot(tmp_path: Path) -> None:
    async def scene() -> None:
        made = Made(tmp_path, limited(row("provider", "cloud", concurrency=1)))
        running, waiting = made.request(), made.request()
        assert made.stage.on_request(running) is None
        old = made.stage
        verdict = old.on_request(waiting)
        assert isinstance(verdict, Wait)
        task = asyncio.ensure_future(verdict.awaitable)
        made.limits.tick()
        gauge = made.metrics.quota_waiting.labels("cloud")
        assert gauge.value == 1
        made.load(limited(row("provider", "cloud", concurrency=2)))
        made.limits.tick()
        assert await task is None
        assert gauge.value == 0
        assert made.metrics.quota_queued.labels("cloud", "granted").value == 1
        assert sum(made.metrics.quota_wait.labels("cloud").counts) == 1
        another = made.stage.on_request(made.request())
        assert isinstance(another, Wait), "who asked before the change and after it count together"
        old.on_end(waiting)
        assert await another.awaitable is None

    asyncio.run(scene())


def test_a_dead_workers_request_is_no_deployments(tmp_path: Path) -> None:
    made = Made(tmp_path, limited(row("deployment", "*", tokens={86_400: 1000})))
    made.limits.charge(ANN, "m", "cloud", time.time(), 300, 100)
    made.limits.tick()
    assert not made.limits.tables.counters
