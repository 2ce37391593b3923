"""Asking the external moderation service: never longer than its timeout, and not at all while it is known to be down.

After `TROUBLE` failures in a row calls fail at once for `REST` seconds, then one is let through to see whether the
service is back. So a service that is down costs a timeout a few times, not for each request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from seekgate.gateway.poster import PostError
from seekgate.host.clock import Clock

TROUBLE = 5
REST = 5.0


class Ask(Protocol):
    """Sends one document; see `seekgate.gateway.poster.Poster`."""

    async def post(self, body: bytes, timeout: float) -> bytes:
        """The answer's body, or `PostError`."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


Outcome = TypeVar("Outcome")


class HttpModerator(Generic[Outcome]):
    """Asks with ``poster``. ``question`` makes the body of a call from texts, ``outcome`` reads an answer's body, and
    ``failure`` makes an outcome of a reason why there is none. ``say(text, reason)`` is told when trouble begins and
    ends."""

    def __init__(
        self,
        poster: Ask,
        timeout: float,
        concurrency: int,
        question: Callable[[Sequence[str]], bytes],
        outcome: Callable[[bytes], Outcome],
        failure: Callable[[str], Outcome],
        clock: Clock,
        say: Callable[[str, str], object],
    ) -> None:
        self._poster = poster
        self._timeout = timeout
        self._places = asyncio.Semaphore(concurrency)
        self._question, self._outcome, self._failure = question, outcome, failure
        self._clock = clock
        self._say = say
        self._failures = 0
        self._rests_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, texts: Sequence[str]) -> Outcome:
        """What the service says of these texts, within the timeout; waiting for a place is part of it."""
        now = self._clock.monotonic()
        if self._failures >= TROUBLE:
            if now < self._rests_until:
                return self._failure("it has failed before and is left alone for a while")
            self._rests_until = now + REST  # this one looks whether it is back
        try:
            async with asyncio.timeout(self._timeout), self._places:
                left = max(0.001, self._timeout - (self._clock.monotonic() - now))
                body = await self._poster.post(self._question(texts), left)
        except TimeoutError:
            return self._failed(f"no answer within {self._timeout:g} s")
        except PostError as error:
            return self._failed(str(error))
        if self._failures >= TROUBLE:
            self._say("the moderation service answers again", "")
        self._failures = 0
        return self._outcome(body)

    def later(self, texts: Sequence[str], tell: Callable[[Outcome], None]) -> None:
        """`ask`, without waiting: ``tell`` is told."""

        async def asked() -> None:
            tell(await self.ask(texts))

        task = asyncio.get_running_loop().create_task(asked())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Let go of idle connections: another snapshot is in force. What is under way goes on."""
        self._poster.close()

    def _failed(self, reason: str) -> Outcome:
        self._failures += 1
        if self._failures == TROUBLE:
            self._rests_until = self._clock.monotonic() + REST
            self._say("the moderation service cannot be asked", reason)
        return self._failure(reason)
