"""What a process has to tell its operator: one JSON object a line on standard error, which the supervisor passes on."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback

import msgspec

_FRAMES = 12
_ERRORS = 4


class SafeError(Exception):
    """An error whose text is ours and holds nothing of a request: `described` repeats it."""


def complain(what: str, level: str = "error", process: str = "gateway", **details: str) -> None:
    """Write a line; with standard error closed or its reader gone there is nobody to tell, and traffic goes on."""
    line = msgspec.json.encode({"level": level, "process": process, "message": what, **details})
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(line.decode() + "\n")
        sys.stderr.flush()


def described(error: BaseException) -> str:
    """What kind of error it is, and where it was raised, innermost first: never its text.

    The text of an exception is made of whatever was being worked on, and where requests are worked on that is prompts,
    answers and personal data. The system's words for an error number, and the text of a `SafeError`, are safe.
    """
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(parts) < _ERRORS:
        frames = [
            f"{os.path.basename(frame.f_code.co_filename)}:{line} {frame.f_code.co_name}"
            for frame, line in traceback.walk_tb(seen.__traceback__)
        ]
        where = " < ".join(frames[: -_FRAMES - 1 : -1])
        parts.append(f"{type(seen).__name__}{_safe_text(seen)}" + (f" at {where}" if where else ""))
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "; after ".join(parts)


def _safe_text(error: BaseException) -> str:
    if isinstance(error, SafeError):
        return f": {error}"
    if isinstance(error, OSError) and type(error.errno) is int:
        return f": {os.strerror(error.errno)}"
    return ""
