"""A proxy in front of a Unix socket that can be made slow: what it passes on, it passes on so many seconds late."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path


class SlowProxy:
    """Listens at ``path`` on a loop of its own. ``delay`` may be set from any thread; order is kept."""

    def __init__(self, path: Path, target: str) -> None:
        self.path = str(path)
        self.delay = 0.0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(
            asyncio.start_unix_server(self._serve, self.path), self._loop
        ).result(20)

    def stop(self) -> None:
        """Close everything."""
        asyncio.run_coroutine_threadsafe(self._cancel(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    async def _cancel(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_unix_connection(self._target)
        except OSError:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        except OSError:
            pass  # one side is gone, which ends the other
        finally:
            for each in (writer, back):
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def late() -> None:
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                writer.write(data)
                await writer.drain()
                if not data:
                    raise ConnectionResetError

        async def read() -> None:
            data = b"-"
            while data:
                data = await reader.read(65_536)
                waiting.put_nowait((self._loop.time() + self.delay, data))

        await asyncio.gather(read(), late())


@contextlib.contextmanager
def slow_proxy(path: Path, target: str) -> Iterator[SlowProxy]:
    """A started proxy for a block."""
    proxy = SlowProxy(path, target)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
