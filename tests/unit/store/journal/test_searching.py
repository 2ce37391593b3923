"""Records found again, with an index and without."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.store.journal import index, names, note
from seekgate.store.journal.keeping import keep
from seekgate.store.journal.searching import Hit, Ledger, Span
from tests.fakes.clock import FakeClock
from tests.support.journals import QUIET, close_record, die, journal, open_record, paths


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three segments: two sealed, of different times, and one that is being written. Callers change by turns."""
    clock = FakeClock()
    made = journal(tmp_path, clock=clock)
    for number in range(60):
        made.append(open_record(number, f"key_{number % 3}"))
        made.append(close_record(number, f"key_{number % 3}"))
        if number % 4 == 0:
            made.commit()
        if number in (19, 39):
            made.commit()
            made.rotate()
    made.append(open_record(60, "key_0"))
    made.commit()
    keep(tmp_path, QUIET, clock)
    return tmp_path


def numbers(hits: list[Hit]) -> list[tuple[int, int]]:
    return [(hit.record[0], hit.record[1]) for hit in hits]


@pytest.mark.parametrize("number", [0, 7, 19, 20, 33, 40, 59])
@pytest.mark.parametrize("indexed", [True, False])
def test_by_request(home: Path, number: int, indexed: bool) -> None:
    if not indexed:
        for path in paths(home):
            index.path_of(path).unlink(missing_ok=True)
    hits = list(Ledger(names.folder(home)).find(request=f"req_{number}"))
    assert sorted(numbers(hits)) == [(1, number), (2, number)]
    for hit in hits:
        data = (names.folder(home) / str(hit.segment)).read_bytes()
        assert data[hit.offset :].startswith(b"[%d,%d," % tuple(hit.record[:2]))


def test_by_caller(home: Path) -> None:
    hits = list(Ledger(names.folder(home)).find(caller="key_1"))
    assert sorted(numbers(hits)) == sorted((kind, n) for n in range(1, 60, 3) for kind in (1, 2))
    assert [hit.segment.sequence for hit in hits] == sorted(
        (hit.segment.sequence for hit in hits), reverse=True
    )
    assert list(Ledger(names.folder(home)).find(caller="req_1")) == []
    assert list(Ledger(names.folder(home)).find(request="key_1")) == []
    assert list(Ledger(names.folder(home)).find(request="nothing")) == []


def test_a_time(home: Path) -> None:
    span = Span(1_780_000_010.0, 1_780_000_012.6)
    hits = list(Ledger(names.folder(home)).everything(span))
    assert sorted({hit.record[1] for hit in hits}) == [10, 11, 12]
    found = list(Ledger(names.folder(home)).find(caller="key_1", span=span))
    assert sorted(numbers(found)) == [(1, 10), (2, 10)]


def test_a_spoilt_index_is_made_again(home: Path) -> None:
    path = index.path_of(paths(home)[0])
    path.write_bytes(b"nonsense")
    assert len(list(Ledger(names.folder(home)).find(request="req_3"))) == 2
    assert path.read_bytes().startswith(b"SGJX0001")


def test_notes_and_what_was_abandoned(tmp_path: Path) -> None:
    made = journal(tmp_path)
    made.append(open_record(1, "key_1", 'odd "id"'))
    made.commit()
    die(made)
    note(tmp_path, {"by": "key_1", "text": 'odd "id"'})
    keep(tmp_path, QUIET, FakeClock())
    hits = list(Ledger(names.folder(tmp_path)).find(request='odd "id"'))
    assert {hit.record[0] for hit in hits} == {1, 5}
    everything = list(Ledger(names.folder(tmp_path)).everything())
    assert [hit.record[0] for hit in everything if hit.segment.slot == "notes"] == [0, 4, 5]
    assert all(hit.time for hit in everything if hit.record[0])


def test_a_damaged_manifest_hides_nothing(home: Path) -> None:
    path = names.folder(home) / "manifest"
    path.write_bytes(path.read_bytes().replace(b'"kind":"sealed"', b'"kind":"xxxxxx"', 1))
    assert len(list(Ledger(names.folder(home)).find(request="req_3"))) == 2
