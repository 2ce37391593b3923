"""Damage is found and located: what is wrong, at which byte, from which record on."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.store.journal import reading
from seekgate.store.journal.frame import HEAD_BYTES, START, encode
from seekgate.store.journal.reading import Frame, frame_at
from tests.support.journals import journal, paths, write


@pytest.fixture
def segment(tmp_path: Path) -> tuple[bytes, str]:
    made = journal(tmp_path)
    write(made, range(12))
    made.close()
    (path,) = paths(tmp_path)
    return path.read_bytes(), path.name


def frames(data: bytes) -> list[Frame]:
    found = []
    frame = frame_at(data, 0)
    while frame is not None:
        found.append(frame)
        frame = frame_at(data, frame.end)
    return found


def findings(data: bytes, name: str) -> list[tuple[int, int, str]]:
    return [(f.offset, f.record, f.what) for f in reading.scan(data, name).findings]


def test_a_sound_segment(segment: tuple[bytes, str]) -> None:
    data, name = segment
    found = reading.scan(data, name)
    assert (found.findings, found.end, found.size, found.frames, found.records) == (
        [],
        len(data),
        len(data),
        6,
        26,
    )
    assert [number for number, _, _ in reading.read(data)] == list(range(26))
    assert next(reading.read(data, frames(data)[2].offset))[0] == 7


def test_a_flipped_byte_in_a_record(segment: tuple[bytes, str]) -> None:
    data, name = segment
    at = data.index(b'"req_5"')
    changed = data[:at] + b'"req_6"' + data[at + 7 :]
    ((offset, record, what),) = findings(changed, name)
    assert what == "a damaged record"
    assert record == 11
    assert changed[offset : offset + 4] == b"[1,5"
    assert len(list(reading.read(changed))) == 25


def test_a_damaged_head(segment: tuple[bytes, str]) -> None:
    data, name = segment
    frame = frames(data)[2]
    changed = bytearray(data)
    changed[frame.offset + 20] ^= 1
    ((offset, record, what),) = findings(bytes(changed), name)
    assert (offset, record) == (frame.offset, frame.first)
    assert what == f"a damaged frame (records 7 to 12), up to byte {frame.end}"


def test_a_damaged_table(segment: tuple[bytes, str]) -> None:
    data, name = segment
    frame = frames(data)[2]
    changed = bytearray(data)
    changed[frame.offset + HEAD_BYTES + 9] ^= 1  # the length of its second record
    ((_, record, what),) = findings(bytes(changed), name)
    assert (record, what) == (frame.first + 1, "a damaged table of records, from this one on")


def test_a_missing_and_a_moved_frame(segment: tuple[bytes, str]) -> None:
    data, name = segment
    a, b, c = frames(data)[1:4]
    without = data[: b.offset] + data[b.end :]
    assert findings(without, name) == [
        (b.offset, b.first, "records 7 to 12 are missing in front of this frame")
    ]
    moved = data[: a.offset] + data[b.offset : b.end] + data[a.offset : a.end] + data[c.offset :]
    assert [what for _, _, what in findings(moved, name)] == [
        "records 1 to 6 are missing in front of this frame",
        "a frame that is out of order: record 13 should follow",
        "records 7 to 12 are missing in front of this frame",
    ]
    twice = data[: a.end] + data[a.offset :]
    assert findings(twice, name)[0][2] == "a frame that is out of order: record 7 should follow"


def test_a_record_taken_out_with_its_checksums_made_good(segment: tuple[bytes, str]) -> None:
    data, name = segment
    frame = frames(data)[2]
    kept = [raw for _, _, raw, _ in reading.records_of(data, frame)][1:]
    forged, _ = encode(b"?" * 32, frame.first, kept)
    changed = data[: frame.offset] + forged + data[frame.end :]
    whats = [what for _, _, what in findings(changed, name)]
    assert whats[0] == "a frame that does not follow the one before it: something here was changed or removed"
    assert whats[1] == "records 12 to 12 are missing in front of this frame"


def test_a_torn_end_is_no_finding(segment: tuple[bytes, str]) -> None:
    data, name = segment
    last = frames(data)[-1]
    for cut in range(last.offset + 1, last.end):
        found = reading.scan(data[:cut], name)
        assert (found.findings, found.end) == ([], last.offset)


def test_another_name(segment: tuple[bytes, str]) -> None:
    data, _ = segment
    ((_, record, what),) = findings(data, "other.journal")
    assert record == 0
    assert what.startswith("this file is ")


@pytest.mark.parametrize("data", [b"x", b"SGJ1" * 100, bytes(1000)])
def test_what_is_no_segment(data: bytes) -> None:
    assert findings(data, "n") == [(0, 0, "a damaged frame, up to the end")]


def test_an_empty_file() -> None:
    assert findings(b"", "n") == [(0, -1, "not a segment of the journal")]


def test_a_damaged_head_at_the_end_is_not_taken_for_a_torn_one(segment: tuple[bytes, str]) -> None:
    data, name = segment
    last = frames(data)[-1]
    for at in range(last.offset, last.offset + HEAD_BYTES):
        changed = bytearray(data)
        changed[at] ^= 0x10
        ((offset, record, what),) = findings(bytes(changed), name)
        assert (offset, record, what) == (last.offset, last.first, "a damaged frame, up to the end")


def test_a_first_record_that_is_no_header() -> None:
    frame, _ = encode(START, 0, [b"nothing"])
    assert findings(frame, "n")[0][2] == "this file is something else, under another name"


def test_a_finding_as_text() -> None:
    assert str(reading.Finding("s", "w", 3, 4)) == "s, byte 3, record 4: w"
    assert str(reading.Finding("s", "w")) == "s: w"


def test_a_file_is_mapped(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert reading.load(tmp_path / "empty") == b""
    (tmp_path / "some").write_bytes(b"abc")
    assert reading.load(tmp_path / "some")[:] == b"abc"
