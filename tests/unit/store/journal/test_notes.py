"""Changes noted by several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from seekgate.store.journal import names, note, notes, reading
from tests.support.journals import all_records, paths

WRITE = "import sys; from pathlib import Path; from seekgate.store.journal import note\n" + (
    "for n in range(20): note(Path(sys.argv[1]), {'who': sys.argv[2], 'n': n})"
)


def sound(home: Path) -> bool:
    return not any(reading.scan(reading.load(path), path.name).findings for path in paths(home))


def test_a_note_is_on_the_disk(tmp_path: Path) -> None:
    note(tmp_path, {"event": "key.created", "id": "key_1", "by": "root"})
    note(tmp_path, {"event": "key.revoked", "id": "key_1"})
    first, second = all_records(tmp_path)[1:]
    assert first[0] == 4
    assert first[2] == {"event": "key.created", "id": "key_1", "by": "root"}
    assert second[2]["event"] == "key.revoked"
    assert sound(tmp_path)
    (path,) = paths(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_processes_take_turns(tmp_path: Path) -> None:
    started = [subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), who]) for who in "abc"]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    events = [record[2] for record in all_records(tmp_path) if record[0] == 4]
    assert len(events) == 60
    for who in "abc":
        assert [event["n"] for event in events if event["who"] == who] == list(range(20))
    assert sound(tmp_path)
    assert len(paths(tmp_path)) == 1


def test_a_killed_process_is_made_up_for(tmp_path: Path) -> None:
    note(tmp_path, {"n": 1})
    journal = names.folder(tmp_path)
    state = (journal / notes.STATE).read_bytes()
    note(tmp_path, {"n": 2})
    (journal / notes.STATE).write_bytes(state)  # as if it was killed before it could say so
    (path,) = paths(tmp_path)
    with path.open("ab") as file:
        file.write(b"SGJ1 half a frame")  # and another one in the middle of a frame
    note(tmp_path, {"n": 3})
    assert [record[2]["n"] for record in all_records(tmp_path) if record[0] == 4] == [1, 2, 3]
    assert sound(tmp_path)


def test_without_its_state_another_segment_begins(tmp_path: Path) -> None:
    note(tmp_path, {"n": 1})
    (names.folder(tmp_path) / notes.STATE).unlink()
    note(tmp_path, {"n": 2})
    assert len(paths(tmp_path)) == 2
    assert all_records(tmp_path)[2][2]["after"] == paths(tmp_path)[0].name


def test_what_cannot_be_written_is_raised_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(tmp_path, {"n": 1})
    with pytest.raises(TypeError):
        note(tmp_path, {"n": object()})

    def fail(descriptor: int) -> None:
        raise OSError("the disk is broken")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="broken"):
            note(tmp_path, {"n": 2})
    note(tmp_path, {"n": 3})
    assert [record[2]["n"] for record in all_records(tmp_path) if record[0] == 4] == [1, 3]


def test_a_full_disk_leaves_no_segment_that_would_be_sealed_as_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            note(tmp_path, {"n": 1})
    assert not paths(tmp_path)
    assert {each.name for each in names.folder(tmp_path).iterdir()} == {names.NODE, notes.LOCK}
    note(tmp_path, {"n": 2})
    assert len(paths(tmp_path)) == 1
    assert sound(tmp_path)


def test_the_state_is_small(tmp_path: Path) -> None:
    note(tmp_path, {"n": 1})
    state = msgspec.json.decode((names.folder(tmp_path) / notes.STATE).read_bytes(), type=notes.State)
    assert state.segment == paths(tmp_path)[0].name
    assert state.size == paths(tmp_path)[0].stat().st_size
