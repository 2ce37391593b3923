"""What could not be written yet."""

from __future__ import annotations

import msgspec

from seekgate.store.journal.backlog import LIMIT_BYTES, Backlog


def test_in_order_and_bounded() -> None:
    backlog = Backlog()
    assert backlog.add([b"a", b"b"]) == 0
    assert backlog.to_write(5.0) == [b"a", b"b"]
    assert backlog.add([bytes(LIMIT_BYTES), b"c", bytes(LIMIT_BYTES)]) == 2
    written = backlog.to_write(5.0)
    assert written[:3] == [b"a", b"b", b"c"]
    assert msgspec.json.decode(written[3]) == [0, "lost", 5.0, 2]
    backlog.clear()
    assert backlog.to_write(6.0) == []
    assert backlog.add([bytes(LIMIT_BYTES)]) == 0
