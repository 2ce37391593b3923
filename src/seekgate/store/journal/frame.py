"""The bytes of a segment: frames, each with the records of one commit.

::

    frame  = core | digest | check | table | records
    core   = "SGJ1" | length of table and records, u32 | records, u32 | number of the first record, u64
    digest = SHA-256(digest of the frame before | core | table | records)          FIPS 180-4
    check  = CRC-32(core | digest), u32
    table  = for each record: its length, u32 | its CRC-32, u32

Numbers are little-endian. The digest chains the frames, so that none can be changed, dropped or moved without changing
all that follow; the cost is paid once a commit. The checksums add no security: they tell *where* a byte was flipped,
and let a reader find the next frame behind a damaged one. The first frame of a segment is chained to 32 zero bytes and
holds one record, which says whose segment it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Protocol
from zlib import crc32

MAGIC = b"SGJ1"
START = bytes(32)
CORE = struct.Struct("<4sIIQ")
HEAD = struct.Struct("<4sIIQ32sI")
CHECK = struct.Struct("<I")
ENTRY = struct.Struct("<II")
HEAD_BYTES = HEAD.size
CORE_BYTES = CORE.size
MAX_RECORDS = 1 << 20
"""An index has 20 bits for a record's position in its frame. Nothing collects so many: 16 MiB of records are fewer."""


class Sliceable(Protocol):
    """Bytes, or a mapped file."""

    def __getitem__(self, part: slice, /) -> bytes:
        """A copy of a part."""
        ...


_tables = [struct.Struct(f"<{2 * count}I") for count in range(65)]


def encode(before: bytes, first: int, records: Sequence[bytes]) -> tuple[bytes, bytes]:
    """A frame with ``records``, the first of which has the number ``first``, behind the digest ``before``.

    Returns the frame's bytes and its digest.
    """
    count = len(records)
    table = [0] * (2 * count)
    table[::2] = map(len, records)
    table[1::2] = map(crc32, records)
    layout = _tables[count] if count <= 64 else struct.Struct(f"<{2 * count}I")
    body = layout.pack(*table) + b"".join(records)
    core = CORE.pack(MAGIC, len(body), count, first)
    digest = sha256(before + core + body).digest()
    head = core + digest
    return head + CHECK.pack(crc32(head)) + body, digest


def chained(before: bytes, core: bytes, body: bytes | memoryview) -> bytes:
    """The digest that a frame must have."""
    state = sha256(before + core)
    state.update(body)
    return state.digest()


def table_of(data: Sliceable, offset: int, count: int) -> tuple[Iterable[tuple[int, int]], int]:
    """The table at ``offset``, as pairs of length and checksum, and where the first record begins."""
    end = offset + 8 * count
    return ENTRY.iter_unpack(data[offset:end]), end
