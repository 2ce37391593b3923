"""A stage of an installation's own: requests name the ticket that they are for, and answers keep to a length."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from seekgate.pipeline.exchange import Exchange, Stop
from seekgate.pipeline.stage import Reply, Stage, Verdict, Wait
from seekgate.wire import errors


class Ticket(Stage):
    """What `build` makes of the settings. One object for all requests of a worker: what it keeps is shared by them."""

    def __init__(self, pattern: re.Pattern[bytes], closed: frozenset[bytes], max_answer_bytes: int) -> None:
        self._pattern = pattern
        self._closed = closed
        self._max = max_answer_bytes

    def on_request(self, x: Exchange) -> Verdict:
        """Refuse at once what has no ticket; wait for the directory otherwise."""
        ticket = x.request.headers.get(b"x-ticket", b"")
        if self._pattern.fullmatch(ticket) is None:
            return Reply(
                error=errors.INVALID_VALUE, message="Name the ticket that this is for: X-Ticket: ABC-123."
            )
        x.own = {**(x.own or {}), "ticket": 0}
        # It becomes part of the audit record. Nothing that is secret belongs here.
        x.decisions = (*x.decisions, f"ticket:{ticket.decode()}")
        x.inspected = True  # ask on_chunk about the answer
        return Wait(self._open(ticket))

    async def _open(self, ticket: bytes) -> Reply | None:
        """A directory would be asked here. The request waits; others do not."""
        await asyncio.sleep(0)
        if ticket in self._closed:
            return Reply(error=errors.ACCESS_DENIED, message=f"The ticket {ticket.decode()} is closed.")
        return None

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        """Whole events of a stream, or the whole body of a plain answer."""
        if x.own is None:
            return data
        sent = x.own["ticket"] + len(data)
        if sent > self._max:
            x.stop = Stop(errors.CONTENT_BLOCKED, f"The answer is longer than {self._max} bytes.")
            return b""
        x.own["ticket"] = sent
        return data


def build(settings: Mapping[str, Any]) -> Ticket:
    """The entry point. What it raises keeps the configuration from being loaded, and is shown to the operator."""
    known = {"pattern", "closed", "max_answer_bytes"}
    if unknown := settings.keys() - known:
        raise ValueError(
            f"unknown settings: {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}"
        )
    return Ticket(
        re.compile(str(settings.get("pattern", "[A-Z]{2,8}-[0-9]+")).encode()),
        frozenset(str(name).encode() for name in settings.get("closed", [])),
        int(settings.get("max_answer_bytes", 10_000_000)),
    )
