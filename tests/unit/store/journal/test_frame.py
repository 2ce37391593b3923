"""The bytes of a frame, and its cost's one hash."""

from __future__ import annotations

from hashlib import sha256
from zlib import crc32

from seekgate.store.journal.frame import CORE_BYTES, HEAD, HEAD_BYTES, START, chained, encode, table_of


def test_a_frame_byte_by_byte() -> None:
    frame, digest = encode(START, 7, [b"ab", b"cde"])
    core = b"SGJ1" + (21).to_bytes(4, "little") + (2).to_bytes(4, "little") + (7).to_bytes(8, "little")
    table = b"".join(n.to_bytes(4, "little") for n in (2, crc32(b"ab"), 3, crc32(b"cde")))
    assert digest == sha256(bytes(32) + core + table + b"abcde").digest()
    assert frame == core + digest + crc32(core + digest).to_bytes(4, "little") + table + b"abcde"
    assert HEAD.unpack(frame[:HEAD_BYTES])[:4] == (b"SGJ1", 21, 2, 7)


def test_frames_are_chained() -> None:
    _, first = encode(START, 0, [b"x"])
    frame, second = encode(first, 1, [b"y"])
    assert chained(first, frame[:CORE_BYTES], frame[HEAD_BYTES:]) == second
    assert chained(START, frame[:CORE_BYTES], frame[HEAD_BYTES:]) != second


def test_a_frame_of_many_records() -> None:
    records = [str(number).encode() for number in range(300)]
    frame, _ = encode(START, 0, records)
    table, at = table_of(frame, HEAD_BYTES, 300)
    assert [length for length, _ in table] == [len(record) for record in records]
    assert frame[at:] == b"".join(records)
