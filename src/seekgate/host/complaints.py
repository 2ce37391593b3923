"""What a process has to tell its operator: one JSON object a line on standard error, which the supervisor passes on."""

from __future__ import annotations

import contextlib
import sys

import msgspec


def complain(what: str, level: str = "error", process: str = "gateway", **details: str) -> None:
    """Write a line; with standard error closed or its reader gone there is nobody to tell, and traffic goes on."""
    line = msgspec.json.encode({"level": level, "process": process, "message": what, **details})
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line.decode() + "\n")
        sys.stderr.flush()
