"""Whether something that has failed shall be asked again. Pure: instants are passed in, in monotonic seconds."""

from __future__ import annotations


class Breaker:
    """Closed while it works; open after ``failures`` in a row; then one try every ``pause`` seconds, and the first that
    succeeds closes it."""

    __slots__ = ("_failures", "_pause", "_row", "_until", "open")

    def __init__(self, failures: int = 2, pause: float = 0.5) -> None:
        self._failures = failures
        self._pause = pause
        self._row = 0
        self._until = 0.0
        self.open = False

    def may_try(self, now: float) -> bool:
        """Whether to ask now. While it is open, a True uses up this interval's try."""
        if not self.open:
            return True
        if now < self._until:
            return False
        self._until = now + self._pause
        return True

    def succeeded(self) -> None:
        """It answered in time."""
        self._row = 0
        self.open = False

    def failed(self, now: float) -> None:
        """It did not."""
        self._row += 1
        if self._row >= self._failures:
            self.open = True
            self._until = now + self._pause
