"""Journals for tests: written by the real writer, with requests in them that can be told apart."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from seekgate.config.compiled.audit import Audit
from seekgate.host.clock import Clock
from seekgate.store.journal import Journal, names
from seekgate.store.journal.searching import Ledger
from tests.fakes.clock import FakeClock

QUIET = Audit(fsync="never")


def journal(
    home: Path, slot: str = "w0", policy: Audit = QUIET, clock: Clock | None = None, **more: Any
) -> Journal:
    """An open journal whose callbacks from other threads are called there."""
    made = Journal(names.folder(home), slot, policy, clock or FakeClock(), soon=lambda call: call(), **more)
    made.open()
    return made


def open_record(number: int, caller: str = "key_1", request: str = "", reserved: Any = None) -> bytes:
    """What a request's beginning is recorded as."""
    return msgspec.json.encode(
        (1, number, 1_780_000_000.0 + number, request or f"req_{number}", caller, *[""] * 7, reserved)
    )


def close_record(number: int, caller: str = "key_1", request: str = "") -> bytes:
    """What its end is recorded as."""
    return msgspec.json.encode(
        (2, number, 1_780_000_000.5 + number, request or f"req_{number}", caller, 200, "answered")
    )


def write(to: Journal, numbers: Iterable[int], *, per_frame: int = 3, open_only: bool = False) -> None:
    """Whole requests, some records a frame."""
    for count, number in enumerate(numbers, 1):
        to.append(open_record(number))
        if not open_only:
            to.append(close_record(number))
        if count % per_frame == 0:
            to.commit()
    to.commit()


def die(of: Journal) -> None:
    """End as a killed process does: the lock is gone, nothing is written any more."""
    os.close(of._descriptor)


def paths(home: Path) -> list[Path]:
    """The segments, in the order of their names."""
    return [names.folder(home) / str(name) for name in names.segments(names.folder(home))]


def all_records(home: Path) -> list[list[Any]]:
    """Every sound record, in the order of the segments."""
    return [hit.record for hit in Ledger(names.folder(home)).everything()]
