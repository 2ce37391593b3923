"""A worker's audit as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import msgspec
import pytest

from seekgate.config.compiled.audit import Audit, Content
from seekgate.config.snapshot import Deployment
from seekgate.pipeline.exchange import Exchange
from seekgate.stages.audit.trail import Trail
from seekgate.store.journal import keeper, names
from seekgate.store.journal.keeping import Orphan
from seekgate.store.journal.verifying import verify
from tests.fakes.clock import FakeClock
from tests.support.journals import all_records, die, journal, paths, write
from tests.support.scene_exchange import exchange
from tests.support.until import until

QUIET = Audit(fsync="never")


def asked() -> Exchange:
    """A request that an upstream answers."""
    candidates = (Deployment("d", "cloud", "m"),)
    return exchange(b"body", status=200, outcome="answered", ended_at=101.0, candidates=candidates)


class Loop:
    """Runs what other threads hand over when a test says so."""

    def __init__(self) -> None:
        self.waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def run(self) -> None:
        while not self.waiting.empty():
            self.waiting.get()()


class Rig:
    def __init__(self, home: Path, slot: int = 0) -> None:
        self.loop, self.clock, self.orphans = Loop(), FakeClock(), list[Orphan]()
        self.trail = Trail(home, slot, self.clock, self.loop.waiting.put, self.orphans.append)

    def one(self, policy: Audit = QUIET) -> None:
        """A request through both stages."""
        opening, closing = self.trail.stages(policy, lambda reference: "00" * 32)
        x = asked()
        assert opening.on_request(x) is None
        self.trail.commit()
        closing.on_end(x)
        self.trail.commit()

    def kept(self) -> None:
        """Wait for the keeper."""
        thread = self.trail._keeper
        if thread is not None:
            thread.join(60)
        self.loop.run()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def kinds(home: Path) -> list[int]:
    return [record[0] for record in all_records(home) if record[0]]


def test_off_costs_nothing(rig: Rig, tmp_path: Path) -> None:
    assert not rig.trail.on
    assert rig.trail.commit() is None
    rig.trail.use(None)
    rig.trail.tick()
    rig.trail.close()
    assert not names.folder(tmp_path).exists()
    assert rig.trail.take_counts() == (0, 0, 0)


def test_requests_are_recorded_and_sealed_at_the_end(rig: Rig, tmp_path: Path) -> None:
    rig.trail.use(QUIET)
    assert rig.trail.on
    rig.one()
    assert kinds(tmp_path) == [1, 2]
    rig.kept()
    rig.trail.close()
    assert not verify(names.folder(tmp_path)).findings


def test_a_dead_predecessor_is_cleared_up(rig: Rig, tmp_path: Path) -> None:
    dead = journal(tmp_path, "w0")
    write(dead, range(3), open_only=True)
    die(dead)
    rig.clock.advance(10)
    rig.trail.use(QUIET)
    rig.kept()
    assert [orphan.number for orphan in rig.orphans] == [0, 1, 2]
    assert rig.trail.take_counts() == (0, 0, 3)
    assert rig.trail.take_counts() == (0, 0, 0)
    assert kinds(tmp_path).count(5) == 3
    rig.trail.close()


def test_other_settings_go_on_in_the_same_journal(rig: Rig, tmp_path: Path) -> None:
    rig.trail.use(QUIET)
    rig.one()
    rig.trail.use(Audit(fsync="interval"))
    rig.one()
    rig.trail.use(Audit(fsync="interval"))
    rig.kept()
    assert len(paths(tmp_path)) == 2
    rig.trail.close()
    numbers = [record[1] for record in all_records(tmp_path) if record[0] == 2]
    assert numbers == [1, 2]


def test_turned_off_it_waits_for_what_is_open(rig: Rig, tmp_path: Path) -> None:
    rig.trail.use(QUIET)
    opening, closing = rig.trail.stages(QUIET, str)
    x = asked()
    opening.on_request(x)
    rig.trail.use(None)
    rig.trail.tick()
    assert rig.trail.on
    closing.on_end(x)
    rig.trail.tick()
    assert not rig.trail.on
    assert kinds(tmp_path) == [1, 2]
    closing.on_end(exchange())  # of a request that was refused meanwhile
    assert kinds(tmp_path) == [1, 2]
    rig.trail.use(QUIET)
    rig.one()
    rig.kept()
    rig.trail.close()
    assert kinds(tmp_path) == [1, 2, 1, 2]


def test_a_failing_journal_refuses_and_recovers(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in the way")
    rig.trail.use(QUIET)
    assert rig.trail.failing
    assert rig.trail.refusing
    opening, _ = rig.trail.stages(QUIET, str)
    assert opening.on_request(asked()) is not None
    assert rig.trail.take_counts() == (1, 0, 0)
    (tmp_path / "journal").unlink()
    rig.trail.tick()
    assert not rig.trail.refusing
    rig.one()
    rig.kept()
    rig.trail.close()


def test_rotation_has_segments_sealed(rig: Rig, tmp_path: Path) -> None:
    policy = msgspec.structs.replace(QUIET, segment_bytes=500)
    rig.trail.use(policy)
    rig.kept()
    for _ in range(3):
        rig.one(policy)
        rig.trail.tick()
    rig.kept()
    rig.kept()
    sealed = [path for path in paths(tmp_path) if path.stat().st_mode & 0o200 == 0]
    assert len(paths(tmp_path)) == 4
    assert sealed
    rig.trail.close()


def test_the_keeper_runs_now_and_then(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Any] = []
    monkeypatch.setattr(keeper, "start", lambda home, policy: runs.append(policy))
    monkeypatch.setattr(keeper, "follow", lambda process, orphan: 0)
    rig.trail.use(QUIET)
    rig.kept()
    rig.trail.tick()
    assert len(runs) == 1
    rig.clock.advance(QUIET.segment_age)
    rig.trail.tick()
    until(lambda: len(runs) == 2, "the keeper")
    rig.kept()
    rig.trail.close()


def test_a_keeper_that_cannot_be_started_is_said(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(home: Path, policy: Audit) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(keeper, "start", fail)
    rig.trail.use(QUIET)
    rig.kept()
    assert "keeper cannot be started" in capsys.readouterr().err
    rig.trail.close()


def test_a_content_key_that_is_none(rig: Rig) -> None:
    policy = msgspec.structs.replace(QUIET, content=Content("env:K", "k1"))
    with pytest.raises(ValueError, match="this is not a key"):
        rig.trail.stages(policy, lambda reference: "short")
    rig.trail.use(policy)
    rig.one(policy)
    rig.kept()
    rig.trail.close()
