"""The system's clock has the properties that its users rely on."""

from __future__ import annotations

import time

from seekgate.host.clock import SystemClock


def test_monotonic_time_never_goes_back_and_wall_time_is_unix_time() -> None:
    clock = SystemClock()
    before = time.time()
    first, second = clock.monotonic(), clock.monotonic()
    assert second >= first
    assert before <= clock.wall() <= time.time()
