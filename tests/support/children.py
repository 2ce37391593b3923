"""A loop with children, for tests of what starts processes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seekgate.supervisor.children import Children
from seekgate.supervisor.home import Home
from seekgate.supervisor.log import Logger
from seekgate.supervisor.loop import Loop

TIMEOUT = 30.0


class Stage:
    """A home, a loop and the children in it; `run_until` runs the loop."""

    def __init__(self, path: Path) -> None:
        self.home = Home(path / "home")
        self.home.prepare()
        self.loop = Loop()
        self.stream = io.StringIO()
        self.log = Logger(self.stream, json=True)
        self.children = Children(self.loop, self.home, self.log)

    def run_until(self, condition: Callable[[], object]) -> None:
        """Run the loop until the condition holds; fail after `TIMEOUT` seconds."""
        end = self.loop.now() + TIMEOUT

        def look() -> None:
            if condition() or self.loop.now() > end:
                self.loop.stop()
            else:
                self.loop.later(0.01, look)

        look_first = self.loop.later(0.0, look)
        self.loop.run()
        look_first.cancel()
        assert condition(), f"waited {TIMEOUT:g} s in vain; log: {self.stream.getvalue()}"

    def said(self) -> list[dict[str, Any]]:
        """The log."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@contextmanager
def stage(path: Path) -> Iterator[Stage]:
    """A stage whose children are all gone afterwards, and whose signal handlers too."""
    made = Stage(path)
    try:
        yield made
    finally:
        made.children.kill_all()
        made.run_until(lambda: len(made.children) == 0)
        made.loop.close()
