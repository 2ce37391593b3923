"""Many requests from one loop, for what is refused as much as for what is answered: each one's status and time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.live_wire import post

MESSAGE = [{"role": "user", "content": "x"}]


@dataclass
class Asked:
    """What became of requests: how many had which status (0: the connection ended first), and the seconds of each."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, status: int, seconds: float) -> None:
        """One more."""
        self.statuses[status] += 1
        self.seconds.append(seconds)

    def quantile(self, share: float) -> float:
        """The time in seconds that this share of the requests did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Asker:
    """Kept-alive connections to some nodes, each with one request at a time, spread over them in turn."""

    def __init__(self, urls: list[str], connections: int, **body: object) -> None:
        self._places = [(urlsplit(url).hostname or "", urlsplit(url).port or 0) for url in urls]
        self._count = connections
        self._request = post(
            "/v1/chat/completions", {"model": "deepseek-flash", "messages": MESSAGE, "max_tokens": 8, **body}
        )
        self._open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.results = Asked()

    async def __aenter__(self) -> Asker:
        for number in range(self._count):
            self._open.append(await asyncio.open_connection(*self._places[number % len(self._places)]))
        return self

    async def __aexit__(self, *failure: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Close every connection, whatever is still unanswered."""
        for _, writer in self._open:
            writer.transport.abort()

    async def paced(self, rate: float, seconds: float, until: Callable[[], bool] | None = None) -> Asked:
        """``rate`` requests a second for so long, or until something holds; as many wait as there are connections."""
        began = time.monotonic()
        sent = 0

        async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            while True:
                due = began + sent / rate
                sent += 1
                if due >= began + seconds or (until is not None and until()):
                    return
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await self._one(reader, writer)

        await asyncio.gather(*(work(*each) for each in self._open))
        return self.results

    async def at_once(self) -> Asked:
        """One request on each connection, all sent together; returns when each is answered or its connection gone."""
        await asyncio.gather(*(self._one(*each) for each in self._open))
        return self.results

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = time.monotonic()
        try:
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            await reader.readexactly(int(length))
            status = int(head.split(b" ", 2)[1])
        except (OSError, asyncio.IncompleteReadError, ValueError):
            status = 0
        self.results.add(status, time.monotonic() - sent)
