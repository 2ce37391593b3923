"""How a stream is framed whose upstream is not known yet. The rest is in tests/scenes/test_parked.py."""

from __future__ import annotations

import asyncio

import pytest

from seekgate.gateway.parked import KEEP_ALIVE
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Verdict, Wait
from seekgate.wire import errors
from tests.support.scene import Scene
from tests.support.scene_config import chat, post


class Refusing(Stage):
    """Refuses when the test says so."""

    def __init__(self) -> None:
        self.gate: asyncio.Future[Reply | None] | None = None

    def on_request(self, x: Exchange) -> Verdict:
        return Wait(self._wait(), keep_alive=True)

    async def _wait(self) -> Reply | None:
        self.gate = asyncio.get_running_loop().create_future()
        return await self.gate

    def refuse(self) -> None:
        """End the wait."""
        assert self.gate is not None
        self.gate.set_result(Reply(error=errors.RATE_LIMITED))
        self.gate = None


@pytest.mark.parametrize(
    ("version", "headers", "framing", "ends"),
    [
        (b"HTTP/1.1", "", b"Transfer-Encoding: chunked\r\n", b"\r\n0\r\n\r\n"),
        (b"HTTP/1.1", "Connection: close\r\n", b"Connection: close\r\n", b"\r\n0\r\n\r\n"),
        (b"HTTP/1.0", "", b"Connection: close\r\n", b"}\n\n"),
    ],
)
def test_framing(version: bytes, headers: str, framing: bytes, ends: bytes) -> None:
    stage = Refusing()
    with Scene(extra=[stage]) as scene:
        client = scene.client()
        client.sends(post(chat(stream=True), headers=headers).replace(b"HTTP/1.1", version))
        scene.advance(KEEP_ALIVE + 1)
        scene.play(stage.refuse)
        received = client.received()
        head = received.partition(b"\r\n\r\n")[0] + b"\r\n"
        assert framing in head
        assert (b"chunked" in head) is (version == b"HTTP/1.1")
        assert received.endswith(ends)
        assert (client.state == "open") is ("chunked" in framing.decode())
