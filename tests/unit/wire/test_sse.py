"""The SSE reader: the same answer for every chunking, byte fidelity, and how a stream ends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seekgate.wire import sse
from seekgate.wire.sse import StreamReader
from seekgate.wire.usage import Usage
from tests.support.sse_streams import (
    CHUNK,
    NULL_USAGE,
    USAGE,
    Block,
    as_object,
    blocks,
    cuts,
    expected_events,
    run,
    streams,
)

READERS: list[Callable[[], StreamReader]] = [
    StreamReader,
    partial(StreamReader, hold=True),
    partial(StreamReader, strip_usage=True),
    partial(StreamReader, needs_done=False),
]
HELLO = b"data: " + (CHUNK % ("hello", "null", "")).encode() + b"\n\n"
HELLO_NULL = b"data: " + (CHUNK % ("hello", "null", NULL_USAGE)).encode() + b"\n\n"
FINAL = b"data: " + (CHUNK % ("", '"stop"', USAGE)).encode() + b"\n\n"
ONLY_USAGE = b'data: {"id":"c-1","model":"m","choices":[]' + USAGE.encode() + b"}\n\n"
DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
SPENT = Usage(5, 2, 7, 4, 1, 0)


def test_a_plain_chunk_is_passed_on_as_the_same_object() -> None:
    for make in READERS:
        reader = make()
        assert reader.feed(HELLO) is HELLO
        assert (reader.fresh, reader.events, reader.at_boundary) == (1, 1, True)
        three = HELLO * 3
        assert reader.feed(three) is three
        assert (reader.fresh, reader.events) == (3, 4)


def test_usage_done_and_end() -> None:
    reader = StreamReader()
    for chunk in (HELLO, FINAL + DONE):
        reader.feed(chunk)
    assert reader.usage == SPENT
    assert (reader.model, reader.fingerprint, reader.finish_reason) == ("deepseek-flash", None, "stop")
    assert (reader.events, reader.fresh, reader.done, reader.failed) == (2, 1, True, False)
    assert reader.finish() == "complete"


def test_comments_and_empty_lines_are_no_events() -> None:
    reader = StreamReader()
    for chunk in (KEEP_ALIVE, b"\n", b"\n\n\r\n", b": a\r: b\r", b"id: 3\n\n", b"event: error\n\n"):
        assert reader.feed(chunk) == chunk
        assert (reader.fresh, reader.at_boundary) == (0, True)
    assert not reader.failed


def test_held_comments_pass_at_once() -> None:
    reader = StreamReader(hold=True)
    assert reader.feed(KEEP_ALIVE + b"\n") == KEEP_ALIVE + b"\n"
    assert reader.feed(b": keep") == b""
    assert reader.feed(b"-alive\n") == b": keep-alive\n"


@pytest.mark.parametrize("cut", range(1, len(HELLO)))
def test_a_cut_event_is_recognised_at_every_byte(cut: int) -> None:
    reader = StreamReader()
    reader.feed(HELLO + HELLO[:cut])
    assert not reader.at_boundary
    assert reader.closing == b"\n\n"
    assert reader.finish() == "cut"
    held = StreamReader(hold=True)
    assert held.feed(HELLO + HELLO[:cut]) == HELLO
    assert held.closing == b""
    assert held.held() == HELLO[:cut]
    assert held.finish() == "cut"


def test_a_stream_without_done_is_cut_even_at_a_boundary() -> None:
    reader = StreamReader()
    reader.feed(HELLO)
    assert reader.at_boundary
    assert reader.closing == b""
    assert reader.finish() == "cut"
    assert StreamReader().finish() == "cut"


def test_a_dialect_without_done_is_complete_after_a_finish_reason() -> None:
    reader = StreamReader(needs_done=False)
    reader.feed(HELLO)
    assert reader.finish() == "cut"
    reader.feed(b"data: " + (CHUNK % ("", '"length"', "")).encode() + b"\n\n")
    assert reader.finish_reason == "length"
    assert reader.finish() == "complete"
    reader.feed(HELLO[:9])
    assert reader.finish() == "cut"


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data:[DONE]\n", b"data: [DONE] \r", b"data: [DONE]\r\n"])
@pytest.mark.parametrize("make", READERS)
def test_a_last_done_without_its_blank_line_is_complete(end: bytes, make: Callable[[], StreamReader]) -> None:
    for size in (1, 5, 1000):
        reader = make()
        sent = b"".join(reader.feed((HELLO + end)[at : at + size]) for at in range(0, len(HELLO + end), size))
        assert reader.finish() == "complete"
        assert sent + reader.held() == HELLO + end


@pytest.mark.parametrize("end", [b"data: [DON", b": [DONE]", b"data: [DONE]\ndata: x", b"id: [DONE]"])
def test_what_only_resembles_a_last_done_is_cut(end: bytes) -> None:
    reader = StreamReader()
    reader.feed(HELLO + end)
    assert reader.finish() == "cut"


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error":{"message":"busy"}}\n\n',
        b'data: {"id":"1","error" : "busy"}\r\n\r\n',
        b'data: {"object":"error","message":"no"}\n\n',
        b"event: error\ndata: anything\n\n",
        b'event:error\rdata: {"message":"no"}\r\r',
    ],
)
def test_an_error_inside_the_stream_is_recorded(event: bytes) -> None:
    reader = StreamReader()
    assert reader.feed(HELLO + event) == HELLO + event
    assert reader.failed
    assert reader.error is not None
    assert reader.error in event
    assert reader.events == 2


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error":null,"choices":[]}\n\n',
        b'data: {"choices":[{"error":{"a":1}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\"error\\":1"}}]}\n\n',
        b"event: errors\ndata: {}\n\n",
        b'data: {"error":\n\n',
    ],
)
def test_what_only_mentions_an_error_is_none(event: bytes) -> None:
    reader = StreamReader()
    reader.feed(event)
    assert not reader.failed
    assert reader.events == 1


def test_usage_that_we_asked_for_is_removed() -> None:
    reader = StreamReader(strip_usage=True)
    assert reader.feed(HELLO_NULL) == HELLO
    assert reader.feed(HELLO_NULL * 3) == HELLO * 3
    assert reader.feed(HELLO_NULL + ONLY_USAGE + DONE) == HELLO + DONE
    assert reader.usage == SPENT
    assert reader.events == 6
    assert reader.finish() == "complete"


def test_usage_beside_choices_is_removed_by_its_bytes() -> None:
    reader = StreamReader(strip_usage=True)
    assert reader.feed(FINAL) == b"data: " + (CHUNK % ("", '"stop"', "")).encode() + b"\n\n"
    assert reader.usage == SPENT


def test_comments_inside_a_removed_event_stay() -> None:
    reader = StreamReader(strip_usage=True)
    event = b': a\nid: 1\r\n: b\r\ndata: {"choices":[],\r\ndata: "usage":{}}\r\n: c\r\n\r\n'
    assert reader.feed(event) == b": a\n: b\r\n: c\r\n"


WHOLE = (
    KEEP_ALIVE
    + HELLO_NULL
    + HELLO_NULL.replace(b"\n", b"\r\n")
    + b"\r\n: x\r\n"
    + b'id: 1\rdata: {"a":1,\rdata: "usage":null}\r\r'
    + ONLY_USAGE.replace(b"\n", b"\r\n")
    + ONLY_USAGE.replace(b"\n", b"\r")
    + b'event: error\ndata: {"error":{"m":1}}\n\n'
    + DONE
)


@pytest.mark.parametrize("make", READERS)
def test_every_split_of_a_stream_gives_the_same(make: Callable[[], StreamReader]) -> None:
    whole = run([WHOLE], make)
    assert (whole.events, whole.done, whole.failed, whole.usage) == (6, True, True, SPENT)
    assert run((WHOLE[at : at + 1] for at in range(len(WHOLE))), make) == whole
    for at in range(len(WHOLE)):
        assert run([WHOLE[:at], WHOLE[at:]], make) == whole
        assert run([WHOLE[:at], WHOLE[at : at + 1], b"", WHOLE[at + 1 :]], make) == whole


@given(
    streams(),
    st.lists(st.integers(0, 2000), max_size=12),
    st.sampled_from(READERS),
    st.sampled_from([1, 1024]),
)
def test_every_chunking_gives_the_same(
    stream: bytes, places: list[int], make: Callable[[], StreamReader], worth_splitting: int
) -> None:
    with patch.object(sse, "_WORTH_SPLITTING", worth_splitting):
        assert (
            run(cuts(stream, places), make)
            == run([stream], make)
            == run(cuts(stream, range(len(stream))), make)
        )


@pytest.mark.parametrize("make", READERS)
def test_a_burst_read_in_blocks_is_split_at_its_events(make: Callable[[], StreamReader]) -> None:
    stream = KEEP_ALIVE + HELLO * 40 + HELLO_NULL * 40 + FINAL + ONLY_USAGE + DONE
    whole = run([stream], make)
    assert (whole.events, whole.usage, whole.end) == (82, SPENT, "complete")
    for size in (1024, 1500, 4096, 8191):
        assert run((stream[at : at + size] for at in range(0, len(stream), size)), make) == whole


@given(st.binary(max_size=120), st.lists(st.integers(0, 200), max_size=8), st.sampled_from(READERS))
def test_noise_is_passed_on(noise: bytes, places: list[int], make: Callable[[], StreamReader]) -> None:
    found = run(cuts(noise, places), make)
    assert found == run([noise], make)
    if b"usage" not in noise:
        assert found.output + found.held == noise


@given(streams())
def test_a_whole_stream_is_read_by_the_standards_rules(stream: bytes) -> None:
    found = run([stream], StreamReader)
    events = expected_events(stream)
    assert found.output == stream
    assert found.events == len(events)
    trees = [tree for data in events if (tree := as_object(data)) is not None]
    failures = [tree for tree in trees if tree.get("error") is not None or tree.get("object") == "error"]
    kinds = [b for b in blocks(stream) if b.complete and b.datas and b.kind.strip() == b"error"]
    kinds = [b for b in kinds if b"\n".join(b.datas).strip() != b"[DONE]"]
    assert found.failed == bool(failures or kinds)
    counted = [tree for tree in trees if isinstance(tree.get("usage"), dict) and "1e400" not in str(tree)]
    assert (found.usage is not None) == bool(counted)
    if counted:
        assert found.usage.prompt == counted[-1]["usage"]["prompt_tokens"]


def is_only_usage(block: Block) -> bool:
    tree = as_object(b"\n".join(block.datas)) if block.complete and b'"usage"' in block.raw else None
    return tree is not None and isinstance(tree.get("usage"), dict) and tree.get("choices") == []


@given(streams())
def test_stripping_removes_usage_and_nothing_else(stream: bytes) -> None:
    found = run([stream], partial(StreamReader, strip_usage=True))
    assert found.events == len(expected_events(stream))
    left = b"".join(block.comments if is_only_usage(block) else block.raw for block in blocks(stream))
    output = found.output + found.held
    for block, other in zip(blocks(left), blocks(output), strict=True):
        if block.raw != other.raw:
            before, after = as_object(b"\n".join(block.datas)), as_object(b"\n".join(other.datas))
            assert before is not None
            assert "usage" in before
            assert after == {key: value for key, value in before.items() if key != "usage"}
            assert (block.kind, block.comments) == (other.kind, other.comments)


@pytest.mark.parametrize("make", READERS)
def test_an_event_over_the_limit_is_counted_and_passed_on(
    make: Callable[[], StreamReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT", len(HELLO_NULL) - 1)
    long = b"data: " + (CHUNK % ("hello " * 20, '"stop"', USAGE)).encode() + b"\n\n"
    many = b": c\n" * 3 + b"event: error\n" + b": c\n" * 100 + b"data: {}\n\n"
    stream = (
        HELLO_NULL
        + long
        + long.replace(b"\n", b"\r\n")
        + b":"
        + b"c" * 500
        + b"\n"
        + many
        + HELLO_NULL
        + DONE
    )
    whole = run([stream], make)
    assert (whole.events, whole.usage, whole.failed, whole.end) == (5, None, True, "complete")
    for size in (1, 2, 3, 7, 50, 333):
        assert run((stream[at : at + size] for at in range(0, len(stream), size)), make) == whole


def test_an_endless_line_is_not_kept() -> None:
    for make in READERS:
        reader = make()
        piece = b"data: " + b"x" * 100_000
        sent = sum(len(reader.feed(piece)) for _ in range(40))
        assert sent > 40 * len(piece) - sse.MAX_EVENT
        assert len(reader.held()) <= sse.MAX_EVENT
        assert not reader.at_boundary
        assert reader.closing == b"\n\n"
        assert reader.feed(b"\n\n") == b"\n\n"
        assert reader.events == 1
        assert reader.feed(HELLO) == HELLO


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from([HELLO, HELLO_NULL, FINAL, ONLY_USAGE, DONE]), max_size=8),
    st.sampled_from(READERS),
)
def test_the_short_and_the_exact_path_agree(events: list[bytes], make: Callable[[], StreamReader]) -> None:
    stream = b"".join(events)
    exact = make()
    output = exact._exact(stream)
    short = run([stream], make)
    assert (output, exact.events, exact.done, exact.usage) == (
        short.output,
        short.events,
        short.done,
        short.usage,
    )
