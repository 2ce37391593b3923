"""Sealing, orphans and retention; interrupted anywhere, the next run goes on."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest

from seekgate.config.compiled.audit import Audit
from seekgate.store.journal import index, keeping, manifest, names, note, notes
from seekgate.store.journal.keeping import Orphan, keep
from seekgate.store.journal.verifying import verify
from tests.fakes.clock import FakeClock
from tests.support.journals import QUIET, all_records, die, journal, open_record, paths, write

DAY = 86_400.0


def sound(home: Path) -> bool:
    report = verify(names.folder(home))
    assert not report.findings, [str(finding) for finding in report.findings]
    return True


def abandoned(home: Path) -> list[tuple[object, object]]:
    return [(record[5], record[1]) for record in all_records(home) if record[0] == 5]


def test_a_finished_segment_is_sealed(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(5))
    made.rotate()
    done = keep(tmp_path, QUIET, FakeClock())
    (entry,) = done.sealed
    first, second = paths(tmp_path)
    assert (entry.segment, entry.size, entry.records) == (first.name, first.stat().st_size, 11)
    assert (entry.first_time, entry.last_time) == (1_780_000_000.0, 1_780_000_004.5)
    assert first.stat().st_mode & 0o777 == 0o400
    assert index.path_of(first).exists()
    assert not index.path_of(second).exists()
    assert not done.orphans
    assert sound(tmp_path)
    assert not keep(tmp_path, QUIET, FakeClock()).sealed
    made.close()
    assert [each.segment for each in keep(tmp_path, QUIET, FakeClock()).sealed] == [second.name]
    assert sound(tmp_path)


def test_a_finished_segment_is_sealed_though_it_is_still_to_be_synced(tmp_path: Path) -> None:
    made = journal(tmp_path, policy=Audit(fsync="interval", fsync_interval=60))
    write(made, range(5))
    made.rotate()
    assert len(keep(tmp_path, QUIET, FakeClock()).sealed) == 1
    made.close()
    assert sound(tmp_path)


def test_what_a_dead_writer_left_open_is_closed(tmp_path: Path) -> None:
    made = journal(tmp_path)
    assert made.name is not None
    write(made, range(5))
    made.append(open_record(7, reserved={"tokens": 5}))
    made.append(open_record(8, "key_2"))
    made.commit()
    die(made)
    done = keep(tmp_path, QUIET, FakeClock())
    writer = made.name.writer
    assert [msgspec.structs.replace(orphan, asked=[]) for orphan in done.orphans] == [
        Orphan(writer, 7, 1_780_000_007.0, "req_7", "key_1", {"tokens": 5}),
        Orphan(writer, 8, 1_780_000_008.0, "req_8", "key_2", None),
    ]
    assert abandoned(tmp_path) == [(writer, 7), (writer, 8)]
    assert not keep(tmp_path, QUIET, FakeClock()).orphans
    assert sound(tmp_path)


def test_what_was_carried_over_is_no_orphan(tmp_path: Path) -> None:
    made = journal(tmp_path, carry=lambda: [open_record(1)])
    write(made, [1], open_only=True)
    made.rotate()
    write(made, range(2, 4))
    assert not keep(tmp_path, QUIET, FakeClock()).orphans
    die(made)
    assert [orphan.number for orphan in keep(tmp_path, QUIET, FakeClock()).orphans] == [1]
    assert sound(tmp_path)


def test_what_is_carried_over_while_the_keeper_works_is_no_orphan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = journal(tmp_path, carry=lambda: [open_record(1)])
    write(made, [1], open_only=True)
    look = keeping._abandoned

    def slowly(folder: Path, name: names.SegmentName) -> bool:
        """The writer goes to its next segment after the keeper has listed them."""
        monkeypatch.setattr(keeping, "_abandoned", look)
        made.rotate()
        return look(folder, name)

    monkeypatch.setattr(keeping, "_abandoned", slowly)
    done = keep(tmp_path, QUIET, FakeClock())
    assert len(done.sealed) == 1
    assert not done.orphans
    assert not abandoned(tmp_path)
    made.close()


@pytest.mark.parametrize("after", ["abandoned", "sealed"])
def test_an_interrupted_run(tmp_path: Path, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = journal(tmp_path)
    write(made, range(5), open_only=True)
    die(made)

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if after == "abandoned":
            patch.setattr(keeping, "_seal", stop)
        else:
            patch.setattr(index, "build", stop)
        with pytest.raises(KeyboardInterrupt):
            keep(tmp_path, QUIET, FakeClock())
    done = keep(tmp_path, QUIET, FakeClock())
    assert len(done.orphans) == (5 if after == "abandoned" else 0)  # told again rather than not at all
    assert len(abandoned(tmp_path)) == 5  # but recorded once
    assert sound(tmp_path)


def test_an_interrupted_run_is_known_after_the_notes_have_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = journal(tmp_path)
    write(made, range(2), open_only=True)
    die(made)

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keeping, "_seal", stop)
        with pytest.raises(KeyboardInterrupt):
            keep(tmp_path, QUIET, FakeClock())
    keep(tmp_path, QUIET, FakeClock(wall=time.time() + 2 * QUIET.segment_age))
    assert len(abandoned(tmp_path)) == 2
    assert sound(tmp_path)


def test_a_torn_end_is_cut_and_kept_beside(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(5))
    die(made)
    (path,) = paths(tmp_path)
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"SGJ1 the beginning of a frame")
    (entry,) = keep(tmp_path, QUIET, FakeClock()).sealed
    assert (entry.torn, entry.size, entry.findings) == (29, size, 0)
    assert path.stat().st_size == size
    assert path.with_name(path.name + ".torn").read_bytes() == b"SGJ1 the beginning of a frame"
    assert sound(tmp_path)


def test_damage_is_sealed_as_what_it_is(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(5))
    made.close()
    (path,) = paths(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"req_3")] ^= 1
    path.write_bytes(data)
    (entry,) = keep(tmp_path, QUIET, FakeClock()).sealed
    assert entry.findings == 1
    assert len(verify(names.folder(tmp_path)).findings) == 1


def test_notes_are_sealed_when_they_are_old(tmp_path: Path) -> None:
    note(tmp_path, {"n": 1})
    assert not keep(tmp_path, QUIET, FakeClock(wall=0.0)).sealed
    name = names.parse(paths(tmp_path)[0].name)
    assert name is not None
    late = FakeClock(wall=names.started(name) + QUIET.segment_age)
    assert [entry.segment for entry in keep(tmp_path, QUIET, late).sealed] == [str(name)]
    note(tmp_path, {"n": 2})
    assert len(paths(tmp_path)) == 2
    assert sound(tmp_path)


def test_retention_removes_whole_segments_and_says_so(tmp_path: Path) -> None:
    policy = Audit(fsync="never", retention=10 * DAY)
    clock = FakeClock()
    made = journal(tmp_path, clock=clock)
    write(made, range(5))
    made.rotate()
    write(made, range(5, 9))
    assert not keep(tmp_path, policy, clock).retired
    first = paths(tmp_path)[0]
    clock.advance(9.99 * DAY)
    assert not keep(tmp_path, policy, clock).retired
    clock.advance(0.02 * DAY)
    assert keep(tmp_path, policy, clock).retired == [first.name]
    assert not first.exists()
    assert not index.path_of(first).exists()
    assert manifest.read(names.folder(tmp_path))[-1].entry.kind == "retired"
    assert verify(names.folder(tmp_path)).retired == 1
    assert sound(tmp_path)
    first.touch()  # an interrupted run had left it
    keep(tmp_path, policy, clock)
    assert not first.exists()
    made.close()


def test_the_notes_lock_is_the_notes_own(tmp_path: Path) -> None:
    note(tmp_path, {"n": 1})
    with notes.exclusive(names.folder(tmp_path)):
        assert os.path.exists(names.folder(tmp_path) / notes.LOCK)
