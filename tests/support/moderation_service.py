"""A moderation service: a real HTTP/1.1 server on a port of its own, which answers as it is told to."""

from __future__ import annotations

import asyncio
import json
import ssl
from types import TracebackType
from typing import Any, Self

FINE = b'{"results":[{"flagged":false,"categories":{}}]}'
FLAGGED = b'{"results":[{"flagged":true,"categories":{"violence":true}}]}'


class ModerationService:
    """``answer`` is the body, ``status`` and ``delay`` (seconds) come with it; ``keep`` False closes each connection
    behind its answer, ``raw`` is sent instead of one. ``asked`` are the bodies that came, ``heads`` their heads,
    ``replied`` counts the answers."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answer = FINE
        self.status = 200
        self.delay = 0.0
        self.keep = True
        self.raw: bytes | None = None
        self.asked: list[dict[str, Any]] = []
        self.heads: list[bytes] = []
        self.connections = 0
        self.port = 0
        self._context = context
        self._server: asyncio.Server | None = None
        self.replied = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def drop(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.heads.append(head)
                self.asked.append(json.loads(body))
                if self.delay:
                    await asyncio.sleep(self.delay)
                self.replied += 1
                writer.write(self._reply() if self.raw is None else self.raw)
                await writer.drain()
                if not self.keep or self.raw is not None:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client has left, or the test is over
        finally:
            self._writers.discard(writer)
            writer.close()

    def _reply(self) -> bytes:
        close = b"" if self.keep else b"Connection: close\r\n"
        head = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
        return head % (self.status, close, len(self.answer)) + self.answer
