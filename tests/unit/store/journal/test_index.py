"""Where a term occurs."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.store.journal import index, reading, records
from tests.support.journals import journal, paths, write


def found(path: Path, kind: str, value: str) -> list[list[object]]:
    data = reading.load(path)
    made = index.Index(path, path.stat().st_size)
    hits = []
    for offset, position in made.places(index.term(kind, value), newest_first=False):
        frame = reading.frame_at(data, offset)
        assert frame is not None
        hits.append(records.decode(list(reading.records_of(data, frame))[position][2]))
    return hits


def test_every_record_of_a_term(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(50), per_frame=7)
    made.close()
    (path,) = paths(tmp_path)
    assert index.build(path) == path.with_name(path.name + ".index")
    assert [record[:2] for record in found(path, "r", "req_17")] == [[1, 17], [2, 17]]
    assert len(found(path, "c", "key_1")) == 100
    assert found(path, "r", "key_1") == []
    assert found(path, "c", "key_2") == []
    newest = index.Index(path, path.stat().st_size).places(index.term("c", "key_1"))
    places = list(newest)
    assert places == sorted(places, reverse=True)


def test_an_index_of_something_else(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(3))
    made.close()
    (path,) = paths(tmp_path)
    with pytest.raises(FileNotFoundError):
        index.Index(path, path.stat().st_size)
    index.build(path)
    with pytest.raises(ValueError, match="something else"):
        index.Index(path, path.stat().st_size + 1)
    index.path_of(path).write_bytes(b"")
    with pytest.raises(ValueError, match="empty"):
        index.Index(path, path.stat().st_size)
    index.path_of(path).write_bytes(bytes(24))
    with pytest.raises(ValueError, match="something else"):
        index.Index(path, path.stat().st_size)
