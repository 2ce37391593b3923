"""An emulator with a loop and a thread of its own, for code that is not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

from seekgate.emulate.emulator import Emulator
from seekgate.emulate.settings import Settings


class BackgroundEmulator:
    """Use it with ``with``: the emulator listens inside the block.

    ``url`` is the base URL without a path; ``emulator`` the `Emulator`, whose records may be read from any thread.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.emulator = Emulator(settings)
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:9100``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the emulator runs on, for `asyncio.run_coroutine_threadsafe`."""
        assert self._loop is not None
        return self._loop

    def __enter__(self) -> BackgroundEmulator:
        loop = asyncio.new_event_loop()
        self._loop = loop
        self._thread = threading.Thread(target=loop.run_forever, name="emulator")
        self._thread.start()
        try:
            self.port = asyncio.run_coroutine_threadsafe(self.emulator.start(), loop).result()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        try:
            asyncio.run_coroutine_threadsafe(self.emulator.close(), self._loop).result()
        finally:
            self._stop()

    def _stop(self) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
