"""Emulators: several on one loop in a thread, each at an address of its own, with TLS if wanted; or as a process."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from seekgate.emulate import BackgroundEmulator, Emulator, Settings
from seekgate.emulate.scenario import Rule, parse_scenario
from tests.support.live import SEEKGATE

T = TypeVar("T")


def by_user(faults: dict[str, str]) -> tuple[Rule, ...]:
    """Rules that give the faults to requests by their ``user_id``, which every client can send."""
    rules = [{"match": {"user_id": user}, "faults": wanted} for user, wanted in faults.items()]
    return parse_scenario({"rules": rules}).rules


class Emulators:
    """Starts emulators; all are closed at the end of the block."""

    def __init__(self, background: BackgroundEmulator) -> None:
        self._background = background
        self._made: list[Emulator] = []

    def start(
        self,
        settings: Settings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> tuple[Emulator, int]:
        """An emulator and its port. Its records may be read from any thread."""
        emulator = Emulator(settings)
        taken = self._run(emulator.start(host, port, tls))
        self._made.append(emulator)
        return emulator, taken

    def close(self, emulator: Emulator) -> None:
        """Close one of them now."""
        self._made.remove(emulator)
        self._run(emulator.close())

    def close_all(self) -> None:
        """Close those that are left."""
        for emulator in self._made[:]:
            self.close(emulator)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._background.loop).result(60)


@contextmanager
def emulator_process(*arguments: str) -> Iterator[str]:
    """`seekgate emulate deepseek` with these options as a process for a block; its base URL."""
    command = [SEEKGATE, "emulate", "deepseek", "--json", *arguments]
    if "--port" not in arguments:
        command += ["--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield str(json.loads(process.stdout.readline())["base_url"])
        finally:
            process.terminate()


@contextmanager
def emulators() -> Iterator[Emulators]:
    """A place for emulators for a block."""
    with BackgroundEmulator() as background:
        made = Emulators(background)
        try:
            yield made
        finally:
            made.close_all()
