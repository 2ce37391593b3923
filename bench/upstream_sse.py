"""The streaming upstream: answers any request with a stream of events at fixed instants, one write for each.

    python -m bench.upstream_sse --port 18091 --events 100 --gap 0.02

Real streams do not tick together. Each stream has a phase of its own within the gap (multiples of the golden ratio,
which spread evenly whatever their number); event *i* is due ``phase + i * gap`` seconds after the request was read,
and the last one at ``events * gap`` whatever the phase. So the schedule does not drift, and a stream's length tells
what the hop added. With ``--echo`` the token that stands in the request is repeated in some events, whole and by halves
(`bench.stream.echo_event`). ``GET /count`` answers with the number of events written since the start.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
from typing import cast

import httptools
import uvloop

from bench.stream import echo_event, event, stream_name, token_in

_RESPONSE_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_GOLDEN = (math.sqrt(5) - 1) / 2


class Schedule:
    """How long streams are and how far apart their events; counts the events written, over all connections."""

    def __init__(self, events: int, gap: float, echo: bool = False) -> None:
        self.events = events
        self.echo = echo
        self.gap = gap
        self.written = 0
        self._streams = 0

    def phase(self) -> float:
        """The phase of the next stream, in seconds; the first stream's is 0."""
        phase = self._streams * _GOLDEN % 1.0 * self.gap
        self._streams += 1
        return phase


class Upstream(asyncio.Protocol):
    """One connection. A request that comes while a stream runs is not expected: no proxy here pipelines."""

    def __init__(self, schedule: Schedule, loop: asyncio.AbstractEventLoop) -> None:
        self._schedule = schedule
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._timer: asyncio.TimerHandle | None = None
        self._body = bytearray()
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is no subclass

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def on_message_begin(self) -> None:
        self._body.clear()

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._url == b"/count":
            text = b"%d" % self._schedule.written
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
            return
        body = bytes(self._body)
        self._name = stream_name(body)
        self._token = token_in(body) if self._schedule.echo else b""
        self._position = 0
        self._began = self._loop.time()
        self._phase = self._schedule.phase()
        self._transport.write(_RESPONSE_HEAD)
        self._plan()

    def _plan(self) -> None:
        schedule = self._schedule
        last = self._position == schedule.events - 1
        after = schedule.events * schedule.gap if last else self._phase + self._position * schedule.gap
        self._timer = self._loop.call_at(self._began + after, self._write)

    def _write(self) -> None:
        schedule = self._schedule
        if self._token:
            data = echo_event(self._name, self._position, schedule.events, self._token)
        else:
            data = event(self._name, self._position, schedule.events)
        self._position += 1
        schedule.written += 1
        if self._position == schedule.events:
            self._timer = None
            self._transport.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))
            return
        self._transport.write(b"%x\r\n%s\r\n" % (len(data), data))
        self._plan()


async def _serve(port: int, schedule: Schedule) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Upstream(schedule, loop), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


def main() -> None:
    """Serve until a signal ends the process."""
    options = argparse.ArgumentParser(description="The streaming upstream of the benchmark.")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--events", type=int, required=True)
    options.add_argument("--gap", type=float, required=True, help="seconds between two events")
    options.add_argument(
        "--echo", action="store_true", help="repeat the token of the request, whole and by halves"
    )
    chosen = options.parse_args()
    schedule = Schedule(chosen.events, chosen.gap, chosen.echo)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(chosen.port, schedule))


if __name__ == "__main__":
    main()
