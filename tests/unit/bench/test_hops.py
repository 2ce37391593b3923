"""The streaming upstream and the floor proxy, over real sockets: what goes in comes out."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from bench.floor import Client
from bench.stream import event, request_body
from bench.upstream_sse import Schedule, Upstream

EVENTS = 5


async def _ask(port: int, body: bytes, path: str = "/v1/chat/completions") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (path.encode(), len(body), body)
    )
    answer = await reader.readuntil(b"\r\n\r\n")
    if b"chunked" in answer.lower():
        answer += await reader.readuntil(b"0\r\n\r\n")
    else:
        answer += await reader.readexactly(int(answer.split(b"Content-Length: ")[1].split(b"\r\n")[0]))
    writer.close()
    await writer.wait_closed()
    return answer


def _events(answer: bytes) -> list[bytes]:
    """The chunks of a chunked answer."""
    found, rest = [], answer.split(b"\r\n\r\n", 1)[1]
    while not rest.startswith(b"0\r\n"):
        size, _, rest = rest.partition(b"\r\n")
        found.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]
    return found


@pytest.mark.parametrize("hop", [False, True])
def test_every_event_comes_through_in_its_own_chunk(hop: bool) -> None:
    async def run() -> tuple[list[bytes], bytes, int]:
        loop = asyncio.get_running_loop()
        schedule = Schedule(EVENTS, 0.001)
        origin = await loop.create_server(lambda: Upstream(schedule, loop), "127.0.0.1", 0)
        port = origin.sockets[0].getsockname()[1]
        idle: list[object] = []
        floor = await loop.create_server(lambda: Client(idle, port), "127.0.0.1", 0)  # type: ignore[arg-type]
        asked = floor.sockets[0].getsockname()[1] if hop else port
        async with origin, floor:
            for _ in range(2):  # the second request travels on the kept connection
                answer = await _ask(asked, request_body("deepseek-reasoner", stream=True, user="s7"))
            count = await _ask(asked, b"", "/count")
            return _events(answer), count, len(idle)

    received, count, idle = asyncio.run(run())
    assert received == [event(b"s7", position, EVENTS) for position in range(EVENTS)]
    assert count.endswith(b"\r\n\r\n%d" % (2 * EVENTS))
    assert idle == (1 if hop else 0)


def test_a_client_that_leaves_stops_its_stream() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        schedule = Schedule(1000, 0.001)
        gone = asyncio.Event()

        class Watched(Upstream):
            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                gone.set()

        origin = await loop.create_server(lambda: Watched(schedule, loop), "127.0.0.1", 0)
        async with origin:
            reader, writer = await asyncio.open_connection("127.0.0.1", origin.sockets[0].getsockname()[1])
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            await reader.readuntil(b"\n\n")
            writer.close()
            await asyncio.wait_for(gone.wait(), 5)
            written = schedule.written
            for _ in itertools.repeat(None, 20):
                await asyncio.sleep(0)
            assert schedule.written == written < 1000

    asyncio.run(run())
