"""Coverage-guided fuzzing of the SSE reader: ``python tests/fuzz/atheris_sse.py -max_total_time=60``.

The first bytes choose the reader and where the stream is cut; every chunking must give the same answer.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["seekgate.wire"]):
    from seekgate.wire import sse
    from seekgate.wire.sse import StreamReader

from tests.support.fuzzing import fuzz
from tests.support.sse_streams import DATAS, cuts, expected_events, run

SEEDS = [
    bytes([number, 3, 9, 27, 200])
    + f": keep-alive\n\ndata: {data}{end}{end}event: error\rdata:{data}\r\r".encode()
    for number, data in enumerate(DATAS)
    for end in ("\n", "\r\n")
]

OPTIONS: tuple[dict[str, bool], ...] = (
    {},
    {"hold": True},
    {"strip_usage": True},
    {"needs_done": False},
)


def check(data: bytes) -> None:
    """Feed one input in the chunks that it asks for, whole, and byte by byte."""
    options = OPTIONS[data[0] & 3] if data else {}
    places, stream = data[1:5], data[5:]

    def make() -> StreamReader:
        return StreamReader(**options)

    sse._WORTH_SPLITTING = 1 if data and data[0] & 4 else 1024
    whole = run([stream], make)
    assert run(cuts(stream, (place * 7 for place in places)), make) == whole
    assert run((stream[at : at + 1] for at in range(len(stream))), make) == whole
    assert whole.events == len(expected_events(stream))
    if not options.get("strip_usage"):
        assert whole.output + whole.held == stream


if __name__ == "__main__":
    fuzz(check, SEEDS)
