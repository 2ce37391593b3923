"""Every fault of delivery as a list of steps: no socket, no clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import h11
import pytest

from seekgate.emulate.answer import STREAM, Answer
from seekgate.emulate.delivery import GARBAGE, GARBAGE_EVENT, Progress, Signal, Step, Terms, deliver, head
from seekgate.emulate.faults import Faults, parse_faults

EVENTS = [b'data: {"n":%d}\n\n' % number for number in range(4)] + [b"data: [DONE]\n\n"]
BODY = b'{"answer": "yes"}'


def _steps(faults: str = "", stream: bool = True, **terms: object) -> tuple[list[Step], Progress]:
    fields = parse_faults(faults)
    assert isinstance(fields, dict)
    answer = (
        Answer(200, b"", STREAM, (), iter(EVENTS), waits=True) if stream else Answer(200, BODY, waits=True)
    )
    progress = Progress()
    return list(deliver(answer, Faults(**fields), Terms(**terms), progress)), progress  # type: ignore[arg-type]


def _bytes(steps: list[Step]) -> bytes:
    return b"".join(step for step in steps if isinstance(step, bytes))


def _parsed(data: bytes) -> tuple[int, bytes, bool]:
    """Status, body, and whether the message was complete, as an independent parser (h11) reads it."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    status, body = 0, b""
    while True:
        event = client.next_event()
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return status, body, True
        else:
            assert event in (h11.NEED_DATA, h11.PAUSED)
            return status, body, False


def test_a_stream_is_sent_as_it_is() -> None:
    steps, progress = _steps()
    assert _parsed(_bytes(steps)) == (200, b"".join(EVENTS), True)
    assert all(isinstance(step, bytes) for step in steps)
    assert progress == Progress(5, "complete")


def test_a_body_is_sent_with_its_length() -> None:
    steps, progress = _steps(stream=False)
    assert len(steps) == 1
    assert _parsed(_bytes(steps)) == (200, BODY, True)
    assert progress.outcome == "complete"


def test_an_old_client_gets_no_chunks_and_a_close() -> None:
    steps, _ = _steps(chunked=False, keep_alive=False)
    assert _bytes(steps).endswith(b"\r\n\r\n" + b"".join(EVENTS))
    assert steps[-1] is Signal.CLOSE


@pytest.mark.parametrize("stream", [True, False])
def test_close_says_so_and_closes(stream: bool) -> None:
    steps, _ = _steps("close", stream)
    assert b"connection: close" in _bytes(steps)
    assert steps[-1] is Signal.CLOSE


@pytest.mark.parametrize("stream", [True, False])
def test_latency_comes_before_the_head(stream: bool) -> None:
    steps, _ = _steps("latency=200ms", stream)
    assert steps[0] == 0.2
    assert [step for step in steps[1:] if not isinstance(step, bytes)] == []


def test_slow_waits_between_events() -> None:
    steps, _ = _steps("slow=50ms")
    waits = [number for number, step in enumerate(steps) if step == 0.05]
    assert len(waits) == len(EVENTS) - 1
    assert all(isinstance(steps[number + 1], bytes) for number in waits)
    assert _parsed(_bytes(steps)) == (200, b"".join(EVENTS), True)


@pytest.mark.parametrize("events", [0, 3])
def test_cut_closes_inside_an_event(events: int) -> None:
    steps, progress = _steps(f"cut={events}")
    half = EVENTS[events][: len(EVENTS[events]) // 2]
    assert _parsed(_bytes(steps)) == (200, b"".join(EVENTS[:events]) + half, False)
    assert steps[-1] is Signal.CLOSE
    assert progress == Progress(events, "cut")


def test_cut_closes_inside_a_body() -> None:
    steps, _ = _steps("cut", stream=False)
    assert _parsed(_bytes(steps)) == (200, BODY[: len(BODY) // 2], False)
    assert steps[-1] is Signal.CLOSE


def test_end_completes_the_message_without_the_rest() -> None:
    steps, progress = _steps("end=2")
    assert _parsed(_bytes(steps)) == (200, b"".join(EVENTS[:2]), True)
    assert progress == Progress(2, "end")


@pytest.mark.parametrize("stream", [True, False])
def test_reset_resets_after_a_wait_that_lets_the_bytes_leave(stream: bool) -> None:
    steps, progress = _steps("reset=2", stream)
    assert steps[-1] is Signal.RESET
    assert isinstance(steps[-2], float)
    assert progress.outcome == "reset"
    assert not _parsed(_bytes(steps))[2]


@pytest.mark.parametrize("stream", [True, False])
def test_reset_before_everything_sends_nothing(stream: bool) -> None:
    assert _steps("reset=0", stream)[0] == [Signal.RESET]


def test_garbage_is_an_event_that_is_no_json() -> None:
    steps, _ = _steps("garbage=1")
    assert _parsed(_bytes(steps)) == (200, EVENTS[0] + GARBAGE_EVENT + b"".join(EVENTS[1:]), True)


def test_garbage_is_a_body_that_is_no_json() -> None:
    assert _parsed(_bytes(_steps("garbage", stream=False)[0])) == (200, GARBAGE, True)


def test_garbage_head_is_no_http() -> None:
    steps, _ = _steps("garbage=head")
    assert not _bytes(steps).startswith(b"HTTP")
    assert steps[-1] is Signal.CLOSE


@pytest.mark.parametrize(
    ("wrong", "length"), [("wrong-length", len(BODY) + 10), ("wrong-length=-3", len(BODY) - 3)]
)
def test_a_wrong_length_is_declared_for_a_body(wrong: str, length: int) -> None:
    steps, progress = _steps(wrong, stream=False)
    assert b"content-length: %d\r\n" % length in _bytes(steps)
    assert _bytes(steps).endswith(BODY)
    assert steps[-1] is Signal.CLOSE
    assert progress.outcome == "wrong-length"


def test_a_wrong_length_is_declared_for_the_first_chunk() -> None:
    steps, _ = _steps("wrong-length=1")
    assert b"\r\n\r\n%x\r\n" % (len(EVENTS[0]) + 1) + EVENTS[0] in _bytes(steps)
    with pytest.raises(h11.RemoteProtocolError):
        _parsed(_bytes(steps))


def test_keepalive_sends_comments_before_a_stream() -> None:
    steps, progress = _steps("keepalive=3@100ms")
    assert _parsed(_bytes(steps)) == (200, b": keep-alive\n\n" * 3 + b"".join(EVENTS), True)
    assert steps.count(0.1) == 3
    assert progress.events == len(EVENTS)


def test_keepalive_sends_empty_lines_before_a_body() -> None:
    steps, _ = _steps("keepalive=3@100ms", stream=False)
    assert _parsed(_bytes(steps)) == (200, b"\n\n\n" + BODY, True)


@pytest.mark.parametrize(("stream", "filler"), [(True, b": keep-alive\n\n"), (False, b"\n")])
def test_a_queue_sends_something_at_every_interval(stream: bool, filler: bytes) -> None:
    steps, _ = _steps("queue=2.5s", stream, keepalive_interval=1.0)
    assert [step for step in steps if isinstance(step, float)] == [1.0, 1.0, 0.5]
    _, body, complete = _parsed(_bytes(steps))
    assert (body, complete) == (filler * 3 + (b"".join(EVENTS) if stream else BODY), True)


@pytest.mark.parametrize("stream", [True, False])
def test_a_queue_that_reaches_the_limit_closes_without_an_answer(stream: bool) -> None:
    steps, progress = _steps("queue=20m", stream, keepalive_interval=60.0)
    assert sum(step for step in steps if isinstance(step, float)) == 600.0
    assert steps[-1] is Signal.CLOSE
    _, body, complete = _parsed(_bytes(steps))
    assert not complete
    assert body.strip(b": keep-alive\n") == b""
    assert progress.outcome == "queue-limit"


@pytest.mark.parametrize("fault", ["cut", "reset=1"])
def test_a_queued_body_can_break(fault: str) -> None:
    steps, _ = _steps(f"keepalive=1, {fault}", stream=False)
    assert _parsed(_bytes(steps)) == (200, b"\n" + BODY[: len(BODY) // 2], False)
    assert isinstance(steps[-1], Signal)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("size", [1, 7])
def test_chunk_bytes_splits_all_writes(stream: bool, size: int) -> None:
    steps, _ = _steps(f"chunk-bytes={size}", stream)
    whole = _bytes(_steps("", stream)[0])
    assert _bytes(steps) == whole
    assert all(len(step) <= size for step in steps if isinstance(step, bytes))
    assert all(
        isinstance(second, float) for first, second in itertools.pairwise(steps) if isinstance(first, bytes)
    )


def test_event_ids_number_the_events() -> None:
    body = _parsed(_bytes(_steps("event-ids")[0]))[1]
    assert body.startswith(b"id: 0\n" + EVENTS[0] + b"id: 1\n" + EVENTS[1])


def test_a_queue_does_not_delay_an_error() -> None:
    answer = Answer(429, BODY)
    steps = list(deliver(answer, Faults(queue=5.0, keepalive_count=2), Terms(), Progress()))
    assert len(steps) == 1


def test_events_are_taken_only_when_they_are_sent() -> None:
    taken: list[int] = []

    def source() -> Iterator[bytes]:
        for number in itertools.count():
            taken.append(number)
            yield b"data: x\n\n"

    steps = deliver(Answer(200, b"", STREAM, (), source()), Faults(), Terms(), Progress())
    for _ in range(6):
        next(steps)
    assert len(taken) == 5


def test_a_head_has_a_phrase_when_the_status_has_one() -> None:
    assert head(200, [("a", "b")]) == b"HTTP/1.1 200 OK\r\na: b\r\n\r\n"
    assert head(599, []) == b"HTTP/1.1 599 Unknown\r\n\r\n"
