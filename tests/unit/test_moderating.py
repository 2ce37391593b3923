"""The guard's moderator, put together, against a real service."""

from __future__ import annotations

import asyncio

import pytest

from seekgate.config.compiled.guard import Moderation
from seekgate.host.clock import SystemClock
from seekgate.moderating import moderator
from seekgate.stages.guard.moderation import Outcome
from tests.support.moderation_service import FLAGGED, ModerationService


def settings(port: int, **more: object) -> Moderation:
    return Moderation("openai", "http", "127.0.0.1", port, "/v1/moderations", **more)  # type: ignore[arg-type]


def test_a_text_is_asked_about() -> None:
    said: list[str] = []

    async def run() -> None:
        async with ModerationService() as service:
            made = moderator(
                settings(service.port, authorization="env:KEY", model="m"), lambda _: "secret", SystemClock(),
                lambda text, reason: said.append(f"{text} {reason}"),
            )  # fmt: skip
            assert await made.ask(["hello"]) == Outcome()
            service.answer = FLAGGED
            assert await made.ask(["hello"]) == Outcome(True, ("violence",))
            assert service.asked[0] == {"model": "m", "input": ["hello"]}
            assert b"Authorization: Bearer secret\r\n" in service.heads[0]
            service.answer = b"<html>"
            assert (await made.ask(["hello"])).failure
            made.close()

    asyncio.run(run())
    assert not said


def test_a_service_that_is_not_there() -> None:
    async def run() -> None:
        async with ModerationService() as service:
            port = service.port
        made = moderator(settings(port), str, SystemClock(), lambda text, reason: None)
        assert (await made.ask(["hello"])).failure

    asyncio.run(run())


def test_a_file_that_cannot_be_read() -> None:
    with pytest.raises(OSError, match="No such file"):
        moderator(
            Moderation("openai", "https", "h", 443, "/", ca="/nowhere/ca.pem"),
            str,
            SystemClock(),
            lambda text, reason: None,
        )
