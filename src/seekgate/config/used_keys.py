"""Which keys were used lately, from the workers to the control process: a small file for each worker, which the one
puts there and the other takes away. As long as it lies there the worker keeps what is new to itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

_FOLDER = "rows"
_decode = msgspec.json.Decoder(dict[str, float]).decode


def leave(home: Path, slot: int, used: Mapping[str, float]) -> bool:
    """Leave ids of keys and when they were last used (Unix seconds), from the worker of this slot.

    False while what was left before still lies there, or the disk is full: then leave it later.
    """
    folder = home / _FOLDER
    path = folder / f"used-{slot}.json"
    if path.exists():
        return False
    beside = folder / f".used-{slot}.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.encode(used))
        beside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        return False
    return True


def take(home: Path, keep: Callable[[Mapping[str, float]], None]) -> None:
    """Give what lies there to ``keep``, file by file, and remove each file afterwards. Raise what ``keep`` raises, and
    `OSError`."""
    for path in sorted((home / _FOLDER).glob("used-*.json")):
        try:
            used = _decode(path.read_bytes())
        except msgspec.MsgspecError:
            used = {}  # nothing that anybody could still use
        keep(used)
        path.unlink(missing_ok=True)
