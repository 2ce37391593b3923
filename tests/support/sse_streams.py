"""Streams for the SSE reader's tests, and a slow reader that judges them whole, straight from the WHATWG rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from seekgate.wire.sse import StreamReader

CHUNK = (
    '{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"deepseek-flash","choices":'
    '[{"index":0,"delta":{"content":"%s"},"finish_reason":%s}]%s}'
)
NULL_USAGE = ',"usage":null'
USAGE = ',"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,"prompt_cache_hit_tokens":4}'

DATAS = [
    CHUNK % ("hello", "null", ""),
    CHUNK % ("问题 🐋", "null", NULL_USAGE),
    CHUNK % ('say \\"usage\\":null} \\"error\\"', "null", ""),
    CHUNK % ("", '"stop"', NULL_USAGE),
    CHUNK % ("", '"stop"', USAGE),
    '{"id":"c-1","model":"m","choices":[]' + USAGE + "}",
    '{"choices": [ ], "usage": {"prompt_tokens": 1}, "timings": {"n": [1]}}',
    '{"choices":[],"usage":null}',
    '{"usage":null,"choices":[{"x":{"usage":null}}]}',
    '{"choices":[{"delta":{"usage":null}}],"a":{"usage":{"prompt_tokens":3}}}',
    '{"choices":[{}], "usage" : null , "z":1e400}',
    '{"choices":[{}],"us\\u0061ge":null,"usage2":{"prompt_tokens":1}}',
    '{"error":{"message":"busy","code":503}}',
    '{"id":"c","error":null,"choices":[]}',
    '{"object":"error","message":"no"}',
    '{"choices":[{"error":{"a":1}}]}',
    '{"broken":"usage_tokens","error":',
    "[DONE]",
    "[1,2]",
    "plain words",
    "",
    " ",
    "{",
    "{}",
]
OTHER_LINES = [
    ": keep-alive",
    ":",
    ': data: {"error":1}',
    "event: error",
    "event: message",
    "id: 7",
    "retry: 10",
    "dat",
    "data",
    "data2: {}",
    " data: {}",
]


@dataclass
class Result:
    """What a reader has made of a whole stream."""

    output: bytes
    events: int
    done: bool
    failed: bool
    error: bytes | None
    usage: Any
    at_boundary: bool
    end: str
    held: bytes


def run(chunks: Iterable[bytes], make: Callable[[], StreamReader]) -> Result:
    """Feed chunks; check what must hold after each; return the sum."""
    reader = make()
    output, fresh = [], 0
    for chunk in chunks:
        before = reader.events
        output.append(reader.feed(chunk))
        fresh += reader.fresh
        assert reader.events == before + reader.fresh
    assert fresh == reader.events
    return Result(
        b"".join(output),
        reader.events,
        reader.done,
        reader.failed,
        reader.error,
        reader.usage,
        reader.at_boundary,
        reader.finish(),
        reader.held(),
    )


def cuts(stream: bytes, places: Iterable[int]) -> Iterator[bytes]:
    """The stream in pieces (some may be empty)."""
    last = 0
    for place in sorted(place % (len(stream) + 1) for place in places):
        yield stream[last:place]
        last = place
    yield stream[last:]


@dataclass
class Block:
    """The lines up to a blank line: what came between, as it came, and what it says."""

    raw: bytes = b""
    comments: bytes = b""
    datas: list[bytes] = field(default_factory=list)
    kind: bytes = b"message"
    complete: bool = False


def blocks(stream: bytes) -> list[Block]:
    """All blocks of a stream by the standard's rules; the last one may be incomplete."""
    found = [Block()]
    for number, (line, end) in enumerate(re.findall(rb"([^\r\n]*)(\r\n|\n|\r|\Z)", stream)):
        block = found[-1]
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
        block.raw += line + end
        if not end:
            break
        if not text:
            block.complete = True
            found.append(Block())
        elif text.startswith(b":"):
            block.comments += line + end
        else:
            name, _, value = text.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                block.datas.append(value)
            elif name == b"event":
                block.kind = value
    return found


def expected_events(stream: bytes) -> list[bytes]:
    """The data of each complete event that has data and is not ``[DONE]``."""
    datas = [b"\n".join(block.datas) for block in blocks(stream) if block.complete and block.datas]
    return [data for data in datas if data.strip() != b"[DONE]"]


def as_object(data: bytes) -> dict[str, Any] | None:
    """The decoded data when it is a JSON object."""
    try:
        tree = json.loads(data)
    except ValueError:
        return None
    return tree if isinstance(tree, dict) else None


lines = st.one_of(
    st.sampled_from(DATAS).map(lambda data: f"data: {data}"),
    st.sampled_from(DATAS).map(lambda data: f"data:{data}"),
    st.sampled_from(OTHER_LINES),
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=8),
)
line_ends = st.sampled_from(["\n", "\n", "\r\n", "\r"])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Streams of events as upstreams write them, mixed with every odd line that the standard allows."""
    text = draw(st.sampled_from(["", "", "", "\ufeff"]))
    end = draw(line_ends)
    for _ in range(draw(st.integers(0, 6))):
        shape = draw(st.integers(0, 9))
        if shape < 5:
            text += f"data: {draw(st.sampled_from(DATAS))}\n\n"
        elif shape < 8:
            text += "".join(line + end for line in draw(st.lists(lines, min_size=1, max_size=3))) + end
        else:
            text += draw(lines) + draw(line_ends)
    stream = text.encode()
    return stream[: draw(st.integers(0, len(stream)))] if draw(st.integers(0, 3)) == 0 else stream
