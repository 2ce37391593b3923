"""Coverage-guided fuzzing of requests: ``python tests/fuzz/atheris_http1.py -max_total_time=60``.

A request is taken only if the reference reads the same one, and alike however its bytes arrive.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["seekgate.wire"]):
    from tests.support.http1_requests import comparable, cuts, read, reference

from tests.support.fuzzing import fuzz

POST = b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k\r\n"
SEEDS = [
    b"\x05" + POST + b'Content-Length: 7\r\n\r\n{"a":1}',
    b"\x90" + (POST + b'content-length: 7\r\n\r\n{"a":1}') * 2,
    b"\x33" + POST + b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n',
    b"\x00GET http://h/v1/models HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n" * 2,
    b"\x07\r\n" + POST + b"Expect: 100-continue\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0\r\n\r\n",
    b"\x01CONNECT /* HTTP/1.1\r\nHost: d\r\n\r\n",
    b"\x01OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\nx",
]


def check(data: bytes) -> None:
    """The first byte says where to cut the rest."""
    step, data = data[:1], data[1:]
    whole = read([data])
    expected = [comparable(one) for one in reference(data).requests]
    assert [comparable(one) for one in whole.requests] == expected[: len(whole.requests)]
    size = step[0] % 64 + 1 if step else 1
    assert read(cuts(data, range(size, len(data), size))) == whole


if __name__ == "__main__":
    fuzz(check, SEEDS)
