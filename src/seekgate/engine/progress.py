"""Show the steps of a pull to a person: a bar on a terminal, plain lines elsewhere (a log, a CI job)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from seekgate.engine.download import Progress, Step
from seekgate.engine.network import megabytes

_VERBS = {"download": "downloading", "verify": "verifying", "extract": "extracting", "copy": "copying"}


class Lines:
    """Plain lines: each note, and of each phase's bytes the beginning and every tenth."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: tuple[str, int] = ("", -1)

    def __call__(self, step: Step) -> None:
        """Print what is new in this step, if anything."""
        if step.note:
            print(step.note, file=self._stream, flush=True)
        if step.phase not in _VERBS or not step.done:
            return
        # Without a total every 100 MB counts as a tenth.
        tenth = step.done * 10 // step.total if step.total else step.done // 100_000_000
        if (step.phase, tenth) == self._last:
            return
        self._last = (step.phase, tenth)
        whole = f" of {megabytes(step.total)}" if step.total else ""
        print(f"{_VERBS[step.phase]}: {megabytes(step.done)}{whole}", file=self._stream, flush=True)


@contextmanager
def display(stream: TextIO | None = None) -> Iterator[Progress]:
    """Yield a progress callback that shows on ``stream`` (stderr) what it is told."""
    stream = sys.stderr if stream is None else stream
    if stream.isatty():
        yield from _bar(stream)
    else:
        yield Lines(stream)


def _bar(stream: TextIO) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    console = Console(file=stream)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Bars("{task.description}", *columns, console=console) as bars:
        tasks = {}

        def show(step: Step) -> None:
            if step.note:
                bars.console.print(step.note, highlight=False, markup=False)
            if step.phase not in _VERBS or not step.done:
                return
            if step.phase not in tasks:
                tasks[step.phase] = bars.add_task(_VERBS[step.phase], total=step.total)
            bars.update(tasks[step.phase], completed=step.done, total=step.total)

        yield show
