"""Run the compiler: a process of its own, so that what it imports never weighs on the supervisor."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from seekgate.config.snapshot import Snapshot
from seekgate.config.snapshot_file import SnapshotError, read_snapshot
from seekgate.host.processes import describe_exit, python
from seekgate.supervisor.children import Children
from seekgate.supervisor.home import Home
from seekgate.supervisor.loop import Loop

TIMEOUT = 60.0
"""Seconds for one compilation."""

Compiled = Snapshot | None
"""The snapshot, or None; what the compiler has to say goes with it, line by line."""


def command(config: str | None, number: int, output: Path, home: Path) -> list[str]:
    """The compiler's command line."""
    file = ["--config", config] if config is not None else []
    rest = ["--number", str(number), "--output", str(output), "--home", str(home)]
    return python("seekgate.compiler", *file, *rest)


class Compilation:
    """One run of the compiler; ``done`` is called once, from the loop. Raise `OSError` when it cannot be started."""

    def __init__(
        self,
        id: int,
        children: Children,
        loop: Loop,
        home: Home,
        config: str | None,
        done: Callable[[Compiled, list[str]], None],
    ) -> None:
        self.number = home.next_number()
        self._path = home.snapshot(self.number)
        self._done = done
        self._said = bytearray()
        self._timer = loop.later(TIMEOUT, lambda: children.kill(id))
        children.start(
            id,
            "compiler",
            command(config, self.number, self._path, home.path),
            on_exit=self._exited,
            on_output=self._said.extend,
            stderr=subprocess.PIPE,
        )

    def _exited(self, code: int) -> None:
        self._timer.cancel()
        lines = self._said.decode(errors="replace").splitlines()
        if code:
            self._path.unlink(missing_ok=True)
            self._done(None, lines or [f"the compiler ended with {describe_exit(code)} and said nothing"])
            return
        try:
            snapshot = read_snapshot(self._path)
        except SnapshotError as error:
            self._done(None, [*lines, str(error)])
        else:
            self._done(snapshot, lines)
