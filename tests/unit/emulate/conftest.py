from __future__ import annotations

from collections.abc import Iterator

import pytest

from seekgate.emulate import BackgroundEmulator


@pytest.fixture(scope="module")
def served() -> Iterator[BackgroundEmulator]:
    """An emulator with default settings on a port of its own, one for each test file."""
    with BackgroundEmulator() as background:
        yield background
