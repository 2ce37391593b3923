"""Scenes are made by a fixture, which closes them and so checks what must hold after each."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from tests.support.scene import DELIVERIES, LIVE, Delivery, Scene


class MakeScene(Protocol):
    """Makes a `Scene` that is closed when the test is over."""

    def __call__(self, *args: Any, **options: Any) -> Scene: ...


@pytest.fixture
def scenes() -> Iterator[MakeScene]:
    """Make scenes; none of them may need the garbage collector to free a request."""
    made: list[Scene] = []

    def make(*args: Any, **options: Any) -> Scene:
        made.append(Scene(*args, **options))
        return made[-1]

    LIVE.clear()
    gc.disable()
    try:
        yield make
        for scene in reversed(made):  # each puts back what it patched
            scene.close()
    finally:
        gc.enable()


@pytest.fixture(params=DELIVERIES)
def delivery(request: pytest.FixtureRequest) -> Delivery:
    """How bytes arrive: whole, byte by byte, or with the next request behind them."""
    chosen: Delivery = request.param
    return chosen


@pytest.fixture
def scene(scenes: MakeScene) -> Scene:
    """A scene with the standard snapshot, bytes arriving whole."""
    return scenes()


@pytest.fixture
def every(scenes: MakeScene, delivery: Delivery) -> Scene:
    """A scene with the standard snapshot, once in each delivery."""
    return scenes(delivery=delivery)
