"""The client of the `streams` case: thousands of streams at once, every byte compared with what must come.

    python -m bench.stream_client --port 18030 --model deepseek-reasoner --streams 9000 --ramp 12 --events 32 --gap 1

It opens the streams evenly over the ramp, each on a connection and under a name of its own. It prints ``full`` when
all have received an event, ``ended`` when the first stream ends, and at last one line of JSON with what it saw.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import functools
import json
import time
from array import array
from collections import Counter
from typing import cast

import httptools
import uvloop

from bench.stream import event, request_body


@dataclasses.dataclass
class Tally:
    """What all the streams together have seen. ``late_ms`` holds each event's delay against its stream's promptest."""

    opened: int = 0
    finished: int = 0
    correct: int = 0
    failures: Counter[str] = dataclasses.field(default_factory=Counter)
    late_ms: array[float] = dataclasses.field(default_factory=lambda: array("f"))
    full: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    ended: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    done: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)


class Stream(asyncio.Protocol):
    """One stream. It holds at most one event of expected bytes, and compares as they come, however they are cut."""

    def __init__(self, name: str, options: argparse.Namespace, headers: bytes, tally: Tally) -> None:
        self._name = name.encode()
        self._options = options
        self._tally = tally
        self._parser = httptools.HttpResponseParser(self)
        self._expected = b""
        self._position = 0
        self._arrivals = array("d")
        self._failure: str | None = None
        self._complete = False
        body = request_body(options.model, stream=True, user=name)
        self._request = b"POST /v1/chat/completions HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s" % (
            headers,
            len(body),
            body,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class is no subclass
        self._transport.write(self._request)
        self._request = b""

    def data_received(self, data: bytes) -> None:
        if self._failure is None:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserError as error:
                self._fail(f"framing: {error}")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != 200:
            self._fail(f"status {status}")

    def on_body(self, body: bytes) -> None:
        at = 0
        while at < len(body) and self._failure is None:
            if not self._expected:
                if self._position == self._options.events:
                    self._fail("bytes after the end")
                    return
                self._expected = event(self._name, self._position, self._options.events)
                self._note_arrival()
            part = body[at : at + len(self._expected)]
            if not self._expected.startswith(part):
                self._fail(f"wrong bytes in event {self._position}")
                return
            at += len(part)
            self._expected = self._expected[len(part) :]
            if not self._expected:
                self._position += 1

    def on_message_complete(self) -> None:
        self._complete = True
        if self._failure is None and (self._expected or self._position != self._options.events):
            self._fail(f"ended within event {self._position}")
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._complete and self._failure is None:
            self._fail("connection lost")
        tally = self._tally
        tally.finished += 1
        tally.ended.set()
        if self._failure is None:
            tally.correct += 1
            gap = self._options.gap
            # The last event has no phase (see upstream_sse), so it says nothing about lateness.
            offsets = [at - index * gap for index, at in enumerate(self._arrivals[:-1])]
            promptest = min(offsets, default=0.0)
            tally.late_ms.extend((offset - promptest) * 1e3 for offset in offsets)
        if tally.finished == self._options.streams:
            tally.done.set()

    def _note_arrival(self) -> None:
        if not self._arrivals:
            self._count_open()
        self._arrivals.append(time.monotonic())  # uvloop keeps whole milliseconds only

    def _count_open(self) -> None:
        self._tally.opened += 1
        if self._tally.opened == self._options.streams:
            self._tally.full.set()

    def _fail(self, reason: str) -> None:
        self._failure = reason
        self._tally.failures[reason] += 1
        if not self._arrivals:
            self._count_open()  # a stream that failed early must not keep the others waiting
        self._transport.close()


def quantile(values: list[float], share: float) -> float:
    """The value below which ``share`` of the sorted ``values`` lie; 0 when there are none."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


async def _open(options: argparse.Namespace, headers: bytes, tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(options.streams):
        await asyncio.sleep(max(0.0, began + number * options.ramp / options.streams - loop.time()))
        connect = functools.partial(Stream, f"s{number:05d}", options, headers, tally)
        try:
            await loop.create_connection(connect, "127.0.0.1", options.port)
        except OSError as error:
            tally.failures[f"connect: {error.strerror}"] += 1
            tally.opened += 1
            tally.finished += 1
    if tally.opened >= options.streams:
        tally.full.set()
    if tally.finished >= options.streams:
        tally.done.set()


async def _run(options: argparse.Namespace) -> None:
    tally = Tally()
    lines = [f"Host: 127.0.0.1:{options.port}", *options.header]
    headers = "".join(f"{line}\r\n" for line in lines).encode()
    opening = asyncio.create_task(_open(options, headers, tally))
    await tally.full.wait()
    print("full", flush=True)
    await tally.ended.wait()
    print("ended", flush=True)
    await tally.done.wait()
    await opening
    late = sorted(tally.late_ms)
    report = {
        "streams": options.streams,
        "correct": tally.correct,
        "failures": dict(tally.failures),
        "p50_ms": quantile(late, 0.5),
        "p99_ms": quantile(late, 0.99),
    }
    print(json.dumps(report), flush=True)


def main() -> None:
    """Run to the end of the last stream."""
    options = argparse.ArgumentParser(description="Thousands of checked streams.")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--model", required=True)
    options.add_argument("--streams", type=int, required=True)
    options.add_argument(
        "--ramp", type=float, required=True, help="seconds over which the streams are opened"
    )
    options.add_argument("--events", type=int, required=True)
    options.add_argument("--gap", type=float, required=True, help="seconds between two events of a stream")
    options.add_argument(
        "--header", action="append", default=[], help="a header line that each request carries"
    )
    uvloop.run(_run(options.parse_args()))


if __name__ == "__main__":
    main()
