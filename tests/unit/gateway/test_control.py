"""The worker's end of its control connection."""

from __future__ import annotations

import asyncio
import socket

from seekgate.gateway.control import Control
from seekgate.host.messages import Drain, EngineState, Load, Loaded, ToChild, decode_to_supervisor, encode


def unexpected(error: Exception) -> None:
    raise error


def test_messages_both_ways_and_the_end() -> None:
    async def play() -> None:
        ours, theirs = socket.socketpair()
        told: list[object] = []
        orphaned = asyncio.Event()

        def tell(message: object) -> None:
            told.append(message)
            if len(told) == 3:
                got_all.set()

        got_all = asyncio.Event()
        control = await Control.open(theirs.detach(), tell, orphaned.set, unexpected)
        messages: list[ToChild] = [Load("/a b"), EngineState("small", "h", 1, True, "k"), Drain(3.5)]
        data = b"".join(encode(message) for message in messages)
        ours.sendall(data[:30])
        ours.sendall(data[30:])
        await got_all.wait()
        assert told == messages
        control.send(Loaded(7))
        ours.settimeout(10)
        assert decode_to_supervisor(ours.recv(1000)) == Loaded(7)
        ours.close()
        await orphaned.wait()
        control.send(Loaded(8))  # nobody listens any more, which is no error

    asyncio.run(asyncio.wait_for(play(), 30))


def test_what_a_message_leads_to_never_closes_the_channel() -> None:
    async def play() -> None:
        ours, theirs = socket.socketpair()
        told: list[object] = []
        failures: list[str] = []
        got_all = asyncio.Event()

        def tell(message: object) -> None:
            if message == Load("/boom"):
                raise RuntimeError("boom")
            told.append(message)
            got_all.set()

        def orphaned() -> None:
            raise AssertionError("the channel was closed")

        await Control.open(theirs.detach(), tell, orphaned, lambda e: failures.append(type(e).__name__))
        ours.sendall(encode(Load("/boom")) + b'{"type":"of a later version"}\n' + encode(Load("/a")))
        await got_all.wait()
        assert told == [Load("/a")]
        assert failures == ["RuntimeError", "ValidationError"]
        ours.close()

    asyncio.run(asyncio.wait_for(play(), 30))
