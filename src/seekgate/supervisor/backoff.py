"""How long to wait before something that keeps failing is tried again."""

from __future__ import annotations


class Backoff:
    """Delays of 0, ``base``, 2·``base``, 4·``base`` … seconds, at most ``cap``.

    What has worked for ``healthy`` seconds before it failed counts as sound: its next failure is the first again.
    """

    def __init__(self, base: float, cap: float, healthy: float) -> None:
        self._base = base
        self._cap = cap
        self._healthy = healthy
        self.failures = 0

    def failed(self, worked: float) -> float:
        """Count a failure after ``worked`` seconds of health; the seconds to wait before the next attempt."""
        if worked >= self._healthy:
            self.failures = 0
        self.failures += 1
        if self.failures == 1:
            return 0.0
        return float(min(self._cap, self._base * 2 ** min(self.failures - 2, 30)))

    def reset(self) -> None:
        """Forget every failure: what is tried next is something new."""
        self.failures = 0
