"""The small model that live tests run, pulled once into the ordinary cache."""

from __future__ import annotations

from pathlib import Path

from seekgate.engine.download import Step
from seekgate.engine.models import Order, pull, resolve

NAME = "smollm2-135m"


def small_model() -> Path:
    """The model's path; pulls it when it is not here yet (a lock makes parallel tests wait for one download)."""
    found = resolve(NAME)
    return found if isinstance(found, Path) else pull(Order(NAME), _silent).path


def _silent(step: Step) -> None:
    """The test's output is no place for a progress bar."""
