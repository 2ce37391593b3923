"""Whether a governed run did its work."""

from __future__ import annotations

from bench.governed import Ledger, summary
from seekgate.store.journal.records import CLOSE, OPEN, OWN, encode


def test_records_are_counted_and_looked_into() -> None:
    records = [
        encode([OWN, "segment", {}]),
        encode([OPEN, 1, 0.0, "a", "k", ["access:allow:caller#1"]]),
        encode([OPEN, 2, 0.0, "b", "k", ["privacy:token:CN_MOBILE", "access:allow:caller#1"]]),
        encode([CLOSE, 1, 0.0, "a", "k", ["privacy:token:CN_MOBILE"]]),
    ]
    assert summary(records) == Ledger(opened=2, closed=1, replaced=0.5)


def test_an_empty_ledger_has_no_share() -> None:
    assert summary([]) == Ledger(0, 0, 0.0)
