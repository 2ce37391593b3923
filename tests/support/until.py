"""Wait for a condition, never for a time that is hoped to be long enough."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], object], what: str, timeout: float = 60.0) -> None:
    """Return once ``condition()`` is true; fail with ``what`` was waited for after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"waited {timeout:g} s in vain for {what}"
        time.sleep(0.01)
