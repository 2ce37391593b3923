"""What was used of long windows survives a restart of a worker that shares its limits with nobody."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from seekgate.config.rows import Budget
from seekgate.stages.quota.counter import Reservation
from seekgate.stages.quota.memory import Memory
from seekgate.stages.quota.state import Tables
from tests.support.limits import BOB, NOW, plan, row, tables

RULE = row(requests={60: 100, 3600: 100}, budgets=(Budget("month", "CNY", 1000),), concurrency=5)


def left(found: Tables) -> dict[str, int]:
    return {f"{c.unit}{c.seconds}": c.left for c in plan(found).counters}


def test_what_was_used_is_taken_up_by_the_successor(tmp_path: Path) -> None:
    before = tables(RULE)
    assert plan(before).take(NOW, 0, 0, {"CNY": 300})
    plan(before).settle(Reservation(plan(before), NOW, 0, 0, {"CNY": 300}), 0, 0, {"CNY": 250})
    assert plan(before).take(NOW, 0, 0, {"CNY": 100})
    Memory(tmp_path / "quota.json", before).keep(NOW)
    after = tables(RULE)
    memory = Memory(tmp_path / "quota.json", after)
    memory.restore()
    # What a request in flight had reserved is free again; the minute begins anew.
    assert left(after) == {"requests60": 100, "requests3600": 98, "money0": 750, "concurrency0": 5}


def test_what_has_not_been_met_again_is_kept(tmp_path: Path) -> None:
    before = tables(RULE)
    for principal in (None, BOB):
        made = plan(before) if principal is None else plan(before, principal)
        assert made.take(NOW, 0, 0, {})
    Memory(tmp_path / "quota.json", before).keep(NOW)
    middle = tables(RULE)
    memory = Memory(tmp_path / "quota.json", middle)
    memory.restore()
    assert plan(middle).take(NOW, 0, 0, {})
    memory.keep(NOW)
    after = tables(RULE)
    Memory(tmp_path / "quota.json", after).restore()
    assert left(after)["requests3600"] == 98
    assert {f"{c.unit}{c.seconds}": c.left for c in plan(after, BOB).counters}["requests3600"] == 99


def test_a_window_that_is_over_is_not_taken_up(tmp_path: Path) -> None:
    before = tables(RULE)
    assert plan(before).take(NOW, 0, 0, {})
    Memory(tmp_path / "quota.json", before).keep(NOW)
    after = tables(RULE)
    Memory(tmp_path / "quota.json", after).restore()
    assert {c.seconds: c.left for c in plan(after, now=NOW + 3600).counters}[3600] == 100


def test_it_is_written_only_when_something_has_changed_and_not_too_often(tmp_path: Path) -> None:
    found = tables(RULE)
    path = tmp_path / "quota.json"
    memory = Memory(path, found)
    assert plan(found).take(NOW, 0, 0, {})
    memory.keep(NOW)
    written = path.stat().st_mtime_ns, path.stat().st_ino
    memory.keep(NOW + 5)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == written
    assert plan(found).take(NOW, 0, 0, {})
    memory.keep(NOW + 5.5)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == written
    memory.keep(NOW + 5.5, at_once=True)
    assert path.stat().st_ino != written[1]


def test_a_predecessor_that_ends_later_has_not_the_last_word(tmp_path: Path) -> None:
    path = tmp_path / "quota.json"
    before, after = tables(RULE), tables(RULE)
    for found, count in ((before, 1), (after, 2)):
        for _ in range(count):
            assert plan(found).take(NOW, 0, 0, {})
    successor = Memory(path, after)
    successor.keep(NOW)
    Memory(path, before).keep(NOW, at_once=True)
    successor.keep(NOW + 2)
    last = tables(RULE)
    Memory(path, last).restore()
    assert left(last)["requests3600"] == 98


def test_no_file_is_nothing_and_a_broken_one_an_error(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "quota.json", tables(RULE))
    memory.restore()
    (tmp_path / "quota.json").write_bytes(b"[[1")
    with pytest.raises(msgspec.DecodeError):
        memory.restore()
