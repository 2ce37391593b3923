"""Find the file of an engine's model; fetch it when it is not here.

The work is done by children, so that nothing of it weighs on the supervisor: one that looks, and if need be
``seekgate models pull``, which shows its progress on our terminal and goes on where an interrupted fetch stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

from seekgate.host.processes import describe_exit
from seekgate.supervisor.children import Children

Found = Callable[[str], None]
Missing = Callable[[str], None]

_LOOK = """
import sys
from pathlib import Path
from seekgate.engine.models import resolve
found = resolve(sys.argv[1])
print(found if isinstance(found, Path) else found.reason)
sys.exit(0 if isinstance(found, Path) else 3 if found.known else 1)
"""
_PULL = "from seekgate.cli.main import main; main()"
_KNOWN = 3


class Locator:
    """Looks for model files. The same model is looked for once at a time, whoever asks."""

    def __init__(self, ids: Iterator[int], children: Children) -> None:
        self._ids = ids
        self._children = children
        self._asking: dict[str, list[tuple[Found, Missing]]] = {}
        self._running: dict[str, int] = {}

    def locate(self, model: str, found: Found, missing: Missing) -> None:
        """Call ``found`` with the path of the file or ``missing`` with a reason; at once for a path."""
        if is_path(model):
            if os.path.isfile(model):
                found(model)
            else:
                missing(f"there is no file {model}")
            return
        self._asking.setdefault(model, []).append((found, missing))
        if model not in self._running:
            self._look(model, pull=True)

    def stop(self) -> None:
        """End what is being fetched; the next start goes on from there."""
        self._asking.clear()
        for id in self._running.values():
            self._children.kill(id)

    def _look(self, model: str, *, pull: bool) -> None:
        said = bytearray()

        def looked(code: int) -> None:
            answer = said.decode(errors="replace").strip()
            if code == 0:
                self._answer(model, answer, "")
            elif code == _KNOWN and pull and model in self._asking:
                self._pull(model)
            else:
                self._answer(model, None, answer or f"looking for it ended with {describe_exit(code)}")

        self._start(model, [sys.executable, "-P", "-c", _LOOK, model], looked, said)

    def _pull(self, model: str) -> None:
        def pulled(code: int) -> None:
            if code == 0:
                self._look(model, pull=False)
            else:
                reason = f"seekgate models pull ended with {describe_exit(code)}; its message is above"
                self._answer(model, None, reason)

        self._start(model, [sys.executable, "-P", "-c", _PULL, "models", "pull", model], pulled, bytearray())

    def _start(self, model: str, command: list[str], ended: Callable[[int], None], said: bytearray) -> None:
        id = self._running[model] = next(self._ids)
        try:
            self._children.start(
                id,
                f"model {model}",
                command,
                on_exit=ended,
                on_output=said.extend,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            self._answer(model, None, f"cannot start a process: {error.strerror}")

    def _answer(self, model: str, path: str | None, reason: str) -> None:
        self._running.pop(model, None)
        for found, missing in self._asking.pop(model, []):
            if path is not None:
                found(path)
            else:
                missing(reason)


def is_path(model: str) -> bool:
    """Whether an engine's ``model`` names a file; the compiler has made such a path absolute."""
    return "/" in model
