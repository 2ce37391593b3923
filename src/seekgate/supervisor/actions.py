"""What the deciding parts of the supervisor ask to be done. `seekgate.supervisor.run` does it.

An ``id`` names one child process for the life of the supervisor and is never reused; a worker's is its generation.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from seekgate.config.snapshot import Engine


class SpawnWorker(msgspec.Struct, frozen=True):
    """Start a worker process on the sockets of a slot. It waits for `BeginWorker`."""

    id: int
    slot: int


class BeginWorker(msgspec.Struct, frozen=True):
    """Tell a worker to serve with the snapshot of this number."""

    id: int
    slot: int
    number: int


class OfferSnapshot(msgspec.Struct, frozen=True):
    """Ask a serving worker to swap to the snapshot of this number."""

    id: int
    number: int


class DrainChild(msgspec.Struct, frozen=True):
    """Tell a child to finish what it has and exit within ``seconds``."""

    id: int
    seconds: float


class KillChild(msgspec.Struct, frozen=True):
    """End a child at once."""

    id: int


class Committed(msgspec.Struct, frozen=True):
    """Every worker runs on the snapshot of this number: it is the last good one now."""

    number: int


class RolledBack(msgspec.Struct, frozen=True):
    """A worker refused the snapshot of this number; all are back on the one before."""

    number: int
    reasons: tuple[str, ...]


class LocateModel(msgspec.Struct, frozen=True):
    """Find the file of an engine's model, fetching it if it is not here."""

    name: str
    model: str


class SpawnEngine(msgspec.Struct, frozen=True):
    """Start an engine process on the model file at ``path``."""

    id: int
    engine: Engine
    path: str


class SpawnCompanion(msgspec.Struct, frozen=True):
    """Start a companion: the module and its arguments."""

    id: int
    name: str
    command: tuple[str, ...]


class TellEngine(msgspec.Struct, frozen=True):
    """Tell every worker that an engine's state has changed (`Engines.states` has it)."""

    name: str


class Note(msgspec.Struct, frozen=True):
    """A line for the log."""

    level: Literal["info", "warning", "error"]
    text: str
    fields: dict[str, str | int | float] = {}


class Fatal(msgspec.Struct, frozen=True):
    """Starting has failed for good: end everything and exit with an error."""

    reason: str


Action = (
    SpawnWorker
    | BeginWorker
    | OfferSnapshot
    | DrainChild
    | KillChild
    | Committed
    | RolledBack
    | LocateModel
    | SpawnEngine
    | SpawnCompanion
    | TellEngine
    | Note
    | Fatal
)
