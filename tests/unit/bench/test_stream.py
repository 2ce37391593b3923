"""What the streaming upstream sends, and the client that checks it."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from bench.stream import (
    DEFAULT_TOKEN,
    MOBILE,
    echo_event,
    event,
    personal_body,
    request_body,
    said,
    stream_name,
    token_in,
)
from bench.stream_client import Stream, Tally, quantile
from bench.upstream_sse import Schedule


def test_the_request_is_realistic_and_carries_its_name() -> None:
    body = request_body("deepseek-chat")
    assert 340 <= len(body) <= 420
    assert json.loads(body)["model"] == "deepseek-chat"
    assert stream_name(body) == b"anonymous"
    named = request_body("deepseek-reasoner", stream=True, user="s00042")
    assert json.loads(named)["stream"] is True
    assert stream_name(named) == b"s00042"


def test_events_are_valid_and_the_last_one_ends_the_stream() -> None:
    parts = [event(b"s1", position, 3) for position in range(3)]
    first = json.loads(parts[0].removeprefix(b"data: "))
    assert first["id"] == "s1"
    assert first["choices"][0]["delta"]["content"] == " 词00000"
    *chunks, done, rest = parts[2].split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    assert json.loads(chunks[0].removeprefix(b"data: "))["usage"]["completion_tokens"] == 3
    assert len({*parts, event(b"s2", 0, 3)}) == 4


def test_phases_spread_over_the_gap_and_begin_at_zero() -> None:
    schedule = Schedule(events=10, gap=0.02)
    phases = [schedule.phase() for _ in range(100)]
    assert phases[0] == 0.0
    assert all(0.0 <= phase < 0.02 for phase in phases)
    assert {int(phase / 0.002) for phase in phases} == set(range(10))


class Wire(asyncio.Transport):
    """A transport that keeps what is written and says the connection is lost when it is closed."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.written = b""
        self._protocol = protocol
        self._closed = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._protocol.connection_lost(None)


EVENTS = 4


def answer(name: bytes = b"s00000") -> bytes:
    chunks = [event(name, position, EVENTS) for position in range(EVENTS)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


def receive(data: bytes, size: int, *, lose: bool = False) -> Tally:
    """Feed an answer to one stream in pieces of ``size`` bytes."""
    options = argparse.Namespace(model="deepseek-reasoner", events=EVENTS, gap=1.0, streams=1)
    tally = Tally()
    stream = Stream("s00000", options, b"Host: bench\r\n", tally)
    wire = Wire(stream)
    stream.connection_made(cast(asyncio.BaseTransport, wire))
    assert wire.written.endswith(request_body("deepseek-reasoner", stream=True, user="s00000"))
    for at in range(0, len(data), size):
        stream.data_received(data[at : at + size])
    if lose:
        wire.close()
    return tally


@pytest.mark.parametrize("size", [1, 2, 7, 100, 10_000])
def test_the_right_bytes_are_right_however_they_are_cut(size: int) -> None:
    tally = receive(answer(), size)
    assert (tally.correct, tally.finished, tally.opened) == (1, 1, 1)
    assert not tally.failures
    assert len(tally.late_ms) == EVENTS - 1
    assert tally.full.is_set()
    assert tally.done.is_set()


DAMAGE: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda data: data.replace("词00002".encode(), "词00003".encode()), "wrong bytes in event 2"),
    (lambda data: data.replace(b"200 OK", b"502 Bad Gateway"), "status 502"),
    (lambda data: answer(b"s00001"), "wrong bytes in event 0"),
    (lambda data: data.replace(b"[DONE]\n\n", b"[DONE]\n:"), "wrong bytes in event 3"),
    (lambda data: data[: data.index(b"\r\n\r\n") + 4] + b"0\r\n\r\n", "ended within event 0"),
    (lambda data: data.replace(b"\r\n0\r\n\r\n", b"\r\n1\r\n!\r\n0\r\n\r\n"), "bytes after the end"),
]


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(("damage", "reason"), DAMAGE)
def test_damage_is_found(damage: Callable[[bytes], bytes], reason: str, size: int) -> None:
    tally = receive(damage(answer()), size)
    assert dict(tally.failures) == {reason: 1}
    assert (tally.correct, tally.finished, tally.opened) == (0, 1, 1)


def test_a_lost_connection_is_a_failure() -> None:
    tally = receive(answer()[:-5], 50, lose=True)
    assert dict(tally.failures) == {"connection lost": 1}
    assert tally.finished == 1


def test_quantiles() -> None:
    assert quantile([], 0.5) == 0.0
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert quantile([1.0], 0.99) == 1.0


def test_the_token_of_a_request_is_repeated_whole_and_by_halves() -> None:
    body = personal_body("deepseek-reasoner")
    assert MOBILE.encode() in body
    assert token_in(body) == DEFAULT_TOKEN
    masked = body.replace(MOBILE.encode(), b"PII_CN_MOBILE_q1w2e3")
    token = token_in(masked)
    assert token == b"PII_CN_MOBILE_q1w2e3"
    sent = [echo_event(b"s1", position, 10, token) for position in range(10)]
    assert sum(token in one for one in sent) == 1
    text = said(b"".join(sent))
    assert text.count(token.decode()) == 2
    assert text.replace(f" {token.decode()} ", "") == "".join(f" 词{n:05d}" for n in range(9))


def test_other_events_are_as_they_are_elsewhere() -> None:
    assert echo_event(b"s1", 4, 10, b"t") == event(b"s1", 4, 10)
    assert echo_event(b"s1", 9, 10, b"t") == event(b"s1", 9, 10)
