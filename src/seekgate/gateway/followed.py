"""A document that somebody else publishes, kept up to date: at a URL, or in a file.

It is fetched at intervals, and once more when somebody misses something in it (`Followed.again`), but never more often
than `PAUSE`; those who miss something meanwhile wait for the same attempt. What came last is kept, also on disk, so
that neither an outage of its publisher nor a restart during one costs anything until it is too old to rely on.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

from seekgate.gateway.fetch import MAX_BYTES, fetch
from seekgate.host.complaints import complain

PAUSE = 2.0
"""Seconds at least from the beginning of one attempt to that of the next."""
RETRY = 15.0
"""Seconds after which a failed attempt is made again, even if nobody asks."""
FILE_REFRESH = 10.0
"""Seconds at most between two looks at a file: they cost nothing."""

T = TypeVar("T")


class Followed(Generic[T]):
    """One document, at the https URL or in the file ``where``.

    ``parse(old, data)`` makes the value of it, raising `ValueError` when it cannot; ``kept`` is a file that the last
    good document is kept in. Times are seconds: it is fetched every ``refresh``, and may be relied on for ``max_stale``
    after it last came. Nothing happens before `start`.
    """

    def __init__(
        self,
        where: str,
        parse: Callable[[T | None, bytes], T],
        wall: Callable[[], float],
        *,
        refresh: float,
        max_stale: float,
        kept: Path | None = None,
        ca: str | None = None,
        proxy: str | None = None,
    ) -> None:
        self.where = where
        self.value: T | None = None
        self.trouble = ""
        self._parse = parse
        self._wall = wall
        self._local = "://" not in where
        self._refresh = min(refresh, FILE_REFRESH) if self._local else refresh
        self._max_stale = max_stale
        self._kept = None if self._local else kept
        self._ca = ca
        self._proxy = proxy
        self._came = float("-inf")
        self._wanted = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    def fresh(self, now: float) -> bool:
        """Whether what there is may be relied on. ``now`` is Unix seconds."""
        return self.value is not None and now - self._came <= self._max_stale

    def again(self) -> Awaitable[None]:
        """Done when an attempt that begins from now on has ended, well or not. It begins as soon as it may."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._task is None:
            waiter.set_result(None)
        else:
            self._waiting.append(waiter)
            self._wanted.set()
        return waiter

    def start(self) -> None:
        """Take up what was kept, and follow. A file is read at once."""
        if self._task is not None:
            return
        if self._local:
            self._take(self._read)
        elif self._kept is not None:
            with contextlib.suppress(OSError, ValueError):
                self.value = self._parse(None, self._kept.read_bytes())
                self._came = self._kept.stat().st_mtime
        self._task = asyncio.get_running_loop().create_task(self._follow())

    def close(self) -> None:
        """Follow no longer. Who waits is told so."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._tell(self._waiting)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # Who asks from here on does not know what this attempt began with, and is told after the next one.
            self._wanted.clear()
            waiting, self._waiting = self._waiting, []
            began = loop.time()
            try:
                await self._attempt()
            finally:
                self._tell(waiting)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(RETRY, self._refresh) if self.trouble else self._refresh):
                    await self._wanted.wait()
            await asyncio.sleep(max(0.0, began + PAUSE - loop.time()))

    async def _attempt(self) -> None:
        if self._local:
            self._take(self._read)
            return
        try:
            data = await fetch(self.where, ca=self._ca, proxy=self._proxy)
        except (
            OSError,
            ValueError,
        ) as error:  # ValueError: the URL's host is no name that could be looked up
            reason = str(error)
            self._take(lambda: _fail(reason))
        else:
            if self._take(lambda: data) and self._kept is not None:
                kept = self._kept
                await asyncio.get_running_loop().run_in_executor(None, lambda: _keep(kept, data))

    def _read(self) -> bytes:
        with open(self.where, "rb") as file:
            return file.read(MAX_BYTES)

    def _take(self, read: Callable[[], bytes]) -> bool:
        """Take what ``read`` returns, or note why not; trouble is said when it begins and when it is over."""
        try:
            self.value = self._parse(self.value, read())
        except Exception as error:  # noqa: BLE001 - told; whatever somebody publishes, it is followed on
            reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            if not isinstance(error, (OSError, ValueError)):
                reason = f"it cannot be read ({type(error).__name__}: {reason})"
            if not self.trouble:
                complain("a document cannot be fetched", level="warning", where=self.where, reason=reason)
            self.trouble = reason
            return False
        self._came = self._wall()
        if self.trouble:
            complain("a document is fetched again", level="info", where=self.where)
        self.trouble = ""
        return True

    @staticmethod
    def _tell(waiting: list[asyncio.Future[None]]) -> None:
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)


def kept_in(home: Path, where: str) -> Path:
    """The file of an installation for the last good document from ``where``."""
    return home / "documents" / hashlib.sha256(where.encode()).hexdigest()[:32]


def _fail(reason: str) -> bytes:
    raise OSError(0, reason)


def _keep(path: Path, data: bytes) -> None:
    """Keep a document that came just now. A full disk costs the next start its knowledge, no request anything."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        beside.replace(path)
