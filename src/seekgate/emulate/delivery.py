"""Delivery: an answer and its faults become a sequence of steps, without touching a socket.

A step is bytes to write, a number of seconds to wait (0: let what was written leave first), or a `Signal`. Nothing
here knows a loop or a clock, so every fault can be tested as a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from http import HTTPStatus

import msgspec

from seekgate.emulate.answer import STREAM, Answer
from seekgate.emulate.faults import GARBAGE_HEAD, Faults

#: What a waiting stream and a waiting unary answer are sent.
KEEPALIVE = b": keep-alive\n\n"
EMPTY_LINE = b"\n"

#: What the fault ``garbage`` sends.
GARBAGE = b"\x00\xff\xfe{not json, not text\r"
GARBAGE_EVENT = b"data: " + GARBAGE + b"\n\n"

_LAST_CHUNK = b"0\r\n\r\n"

#: Seconds between the last bytes and a reset, so that they are not thrown away with it.
_SETTLE = 0.02


class Signal(Enum):
    """An end of the connection: CLOSE sends a FIN after what was written, RESET a RST."""

    CLOSE = "close"
    RESET = "reset"


Step = bytes | float | Signal


class Progress(msgspec.Struct):
    """How far a delivery came: complete events handed over, and how it ends."""

    events: int = 0
    outcome: str = "complete"


class Terms(msgspec.Struct, frozen=True):
    """The connection's conditions: may chunks be used, does it stay open, and the times of `Settings` in seconds."""

    chunked: bool = True
    keep_alive: bool = True
    keepalive_interval: float = 1.0
    queue_limit: float = 600.0


def deliver(answer: Answer, faults: Faults, terms: Terms, progress: Progress) -> Iterator[Step]:
    """Yield the steps that send the answer with its faults. ``progress`` is kept up to date."""
    steps = _deliver(answer, faults, terms, progress)
    return _split(steps, faults.chunk_bytes) if faults.chunk_bytes else steps


def head(status: int, headers: list[tuple[str, str]]) -> bytes:
    """Return the head of an HTTP/1.1 response (RFC 9112, section 4)."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _deliver(answer: Answer, faults: Faults, terms: Terms, progress: Progress) -> Iterator[Step]:
    if faults.latency:
        yield faults.latency
    if faults.garbage == GARBAGE_HEAD:
        progress.outcome = "garbage"
        yield GARBAGE + b"\n"
        yield Signal.CLOSE
        return
    if faults.reset == 0:
        progress.outcome = "reset"
        yield Signal.RESET
        return
    if answer.events is not None:
        yield from _stream(answer, answer.events, faults, terms, progress)
    elif answer.waits and (faults.queue or faults.keepalive_count):
        yield from _queued_unary(answer, faults, terms, progress)
    else:
        yield from _unary(answer, faults, terms, progress)


def _unary(answer: Answer, faults: Faults, terms: Terms, progress: Progress) -> Iterator[Step]:
    body = GARBAGE if faults.garbage is not None else answer.body
    length = max(0, len(body) + faults.wrong_length)
    close = not terms.keep_alive or faults.close or faults.wrong_length != 0
    start = head(answer.status, [*_headers(answer, close), ("content-length", str(length))])
    if faults.cut is not None or faults.reset is not None:
        yield start + body[: len(body) // 2]
        yield from _break(faults, progress)
        return
    yield start + body
    if close:
        if faults.wrong_length:
            progress.outcome = "wrong-length"
        yield Signal.CLOSE


def _queued_unary(answer: Answer, faults: Faults, terms: Terms, progress: Progress) -> Iterator[Step]:
    close = not terms.keep_alive or faults.close or not terms.chunked
    yield _chunked_head(answer, close, terms)
    yield from _wait(faults, terms, _frame(EMPTY_LINE, terms))
    if faults.queue >= terms.queue_limit:
        progress.outcome = "queue-limit"
        yield Signal.CLOSE
        return
    body = GARBAGE if faults.garbage is not None else answer.body
    if faults.cut is not None or faults.reset is not None:
        yield _frame(body[: len(body) // 2], terms)
        yield from _break(faults, progress)
        return
    yield _frame(body, terms, faults.wrong_length) + (_LAST_CHUNK if terms.chunked else b"")
    if close or faults.wrong_length:
        yield Signal.CLOSE


def _stream(
    answer: Answer, events: Iterator[bytes], faults: Faults, terms: Terms, progress: Progress
) -> Iterator[Step]:
    close = not terms.keep_alive or faults.close or not terms.chunked or faults.wrong_length != 0
    yield _chunked_head(answer, close, terms)
    if faults.queue or faults.keepalive_count:
        yield from _wait(faults, terms, _frame(KEEPALIVE, terms))
        if faults.queue >= terms.queue_limit:
            progress.outcome = "queue-limit"
            yield Signal.CLOSE
            return
    slow = faults.slow
    for event in events:
        sent = progress.events
        if slow and sent:
            yield slow
        if sent == faults.cut or sent == faults.reset:
            # Half an event, as a whole chunk: only the missing end tells that something is wrong.
            yield _frame(event[: len(event) // 2], terms)
            yield from _break(faults, progress)
            return
        if sent == faults.end:
            progress.outcome = "end"
            break
        if sent == faults.garbage:
            yield _frame(GARBAGE_EVENT, terms)
        if faults.event_ids:
            event = b"id: %d\n" % sent + event
        wrong = faults.wrong_length if sent == 0 else 0
        progress.events = sent + 1
        yield _frame(event, terms, wrong)
    if terms.chunked:
        yield _LAST_CHUNK
    if close:
        yield Signal.CLOSE


def _break(faults: Faults, progress: Progress) -> Iterator[Step]:
    if faults.reset is not None:
        progress.outcome = "reset"
        yield _SETTLE
        yield Signal.RESET
    else:
        progress.outcome = "cut"
        yield Signal.CLOSE


def _wait(faults: Faults, terms: Terms, filler: bytes) -> Iterator[Step]:
    """Send the filler at once and after every interval until the wait is over."""
    interval = faults.keepalive_every or terms.keepalive_interval
    if faults.keepalive_count and not faults.keepalive_every:
        interval = 0.0
    for _ in range(faults.keepalive_count):
        yield filler
        yield interval
    left = min(faults.queue, terms.queue_limit)
    interval = faults.keepalive_every or terms.keepalive_interval
    while left > 0:
        yield filler
        yield min(interval, left)
        left -= interval


def _split(steps: Iterator[Step], size: int) -> Iterator[Step]:
    for step in steps:
        if not isinstance(step, bytes):
            yield step
            continue
        for start in range(0, len(step), size):
            yield step[start : start + size]
            yield 0.0


def _frame(data: bytes, terms: Terms, wrong: int = 0) -> bytes:
    if not terms.chunked:
        return data
    return b"%x\r\n%b\r\n" % (max(1, len(data) + wrong), data)


def _headers(answer: Answer, close: bool) -> list[tuple[str, str]]:
    headers = [("content-type", answer.content_type), *answer.headers]
    if answer.content_type == STREAM:
        headers.append(("cache-control", "no-cache"))
    headers.append(("connection", "close" if close else "keep-alive"))
    return headers


def _chunked_head(answer: Answer, close: bool, terms: Terms) -> bytes:
    framing = [("transfer-encoding", "chunked")] if terms.chunked else []
    return head(answer.status, _headers(answer, close) + framing)
