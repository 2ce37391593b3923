"""The hyperscan database: compiled once, kept as a file where there is a folder for it.

Compiling takes some hundreds of milliseconds, in which a worker could answer nobody; reading a compiled database takes
less than one. A file's name is a digest of everything that it was made from, and hyperscan checks its sum and whether
it was made for this kind of processor, so a file that does not fit is compiled anew and never used.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

Row = tuple[bytes, int, int]
"""An expression, the number that its matches carry, and hyperscan's flags."""


def database(rows: Sequence[Row], folder: Path | None = None) -> Any:
    """The database of ``rows``, from ``folder`` if it is there; else compiled and, with ``folder``, kept there.

    Raise ImportError where hyperscan is not installed. A folder that cannot be read or written costs time only.
    """
    import hyperscan

    if folder is None:
        return _compiled(rows)
    made_from = f"{version('hyperscan')} {hyperscan.HS_MODE_BLOCK} {list(rows)!r}"
    file = folder / f"detectors-{sha256(made_from.encode()).hexdigest()[:32]}.hs"
    with suppress(OSError, hyperscan.HyperscanError):
        return _loaded(file.read_bytes())
    made = _compiled(rows)
    with suppress(OSError):
        _write(file, hyperscan.dumpb(made))
    return made


def _compiled(rows: Sequence[Row]) -> Any:
    import hyperscan

    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    expressions, ids, flags = (list(column) for column in zip(*rows, strict=True))
    made.compile(expressions=expressions, ids=ids, elements=len(rows), flags=flags)
    return made


def _loaded(data: bytes) -> Any:
    import hyperscan

    made = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
    made.scratch = hyperscan.Scratch(made)
    return made


def _write(file: Path, data: bytes) -> None:
    """Put the file there whole: several workers may do so at the same time."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.write_bytes(data)
    os.replace(part, file)
