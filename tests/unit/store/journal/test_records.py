"""The beginning of every record."""

from __future__ import annotations

import pytest

from seekgate.store.journal import records
from tests.support.journals import close_record, open_record


def test_of_requests() -> None:
    for raw, kind in ((open_record(3, "k"), records.OPEN), (close_record(3, "k"), records.CLOSE)):
        found = records.envelope(raw)
        assert (found.kind, found.number, found.request, found.caller) == (kind, 3, "req_3", "k")
    assert records.decode(open_record(3, reserved=[5]))[records.RESERVED] == [5]


@pytest.mark.parametrize("raw", [b"", b"{", b"{}", b'["x"]', b"[]"])
def test_what_is_none_means_nothing(raw: bytes) -> None:
    assert records.envelope(raw).kind == records.OWN
