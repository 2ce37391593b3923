"""Requests as bytes, good and bad, and a slow reader that judges them whole, straight from RFC 9112.

The reference is strict: what it takes, nobody can frame differently. `RequestReader` may refuse more, never less.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import strategies as st

from seekgate.config.snapshot import Limits
from seekgate.wire.http1 import RequestReader
from seekgate.wire.message import Refusal, Request

LIMITS = Limits(header_bytes=4096, header_count=30, body_bytes=65_536)

_LINE = re.compile(rb"([A-Z-]+) ([!-~\x80-\xff]+) HTTP/1\.([01])\Z")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[!-~\x80-\xff][ -~\t\x80-\xff]*)?)\Z")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_ONCE = (b"host", b"content-length", b"transfer-encoding", b"authorization", b"expect", b"content-type")


@dataclass
class Taken:
    """One request as the reference reads it."""

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes
    keep_alive: bool


@dataclass
class Outcome:
    """What became of a connection's bytes; ``end`` is ``waiting``, ``refused`` or ``closed``."""

    requests: list[Taken] = field(default_factory=list)
    end: str = "waiting"


def reference(data: bytes) -> Outcome:
    """Read everything, whole."""
    outcome = Outcome()
    while True:
        data = data.removeprefix(b"\r\n")
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            return outcome
        request = _head(head)
        taken = None if request is None else _body(request, rest)
        if request is None or isinstance(taken, str):
            outcome.end = taken if isinstance(taken, str) else "refused"
            return outcome
        assert taken is not None
        request.body, data = taken
        outcome.requests.append(request)
        if not request.keep_alive:
            outcome.end = "closed"
            return outcome


def _head(head: bytes) -> Taken | None:
    first, *lines = head.split(b"\r\n")
    match = _LINE.match(first)
    if match is None or match[1] == b"CONNECT":
        return None
    headers: dict[bytes, bytes] = {}
    for line in lines:
        found = _FIELD.match(line)
        if found is None:
            return None
        name, value = found[1].lower(), found[2].rstrip(b" \t")
        if name in headers and name in _ONCE:
            return None
        headers[name] = headers[name] + b", " + value if name in headers else value
    old = match[3] == b"0"
    if (b"host" not in headers and not old) or (
        b"content-length" in headers and b"transfer-encoding" in headers
    ):
        return None
    options = [option.strip() for option in headers.get(b"connection", b"").lower().split(b",")]
    keep = b"close" not in options and (not old or b"keep-alive" in options)
    return Taken(match[1], match[2], headers, b"", keep)


def _body(request: Taken, rest: bytes) -> tuple[bytes, bytes] | str:
    length = request.headers.get(b"content-length")
    coding = request.headers.get(b"transfer-encoding")
    if length is not None:
        if not re.fullmatch(rb"[0-9]+", length) or int(length) > LIMITS.body_bytes:
            return "refused"
        size = int(length)
        return (rest[:size], rest[size:]) if len(rest) >= size else "waiting"
    if coding is None:
        return b"", rest
    if coding.lower() != b"chunked":
        return "refused"
    body = b""
    while True:
        match = _SIZE.match(rest)
        if match is None:
            return "refused" if b"\n" in rest else "waiting"
        size, rest = int(match[1], 16), rest[match.end() :]
        if len(body) + size > LIMITS.body_bytes:
            return "refused"
        if size == 0:
            return (body, rest[2:]) if rest.startswith(b"\r\n") else "refused" if len(rest) > 1 else "waiting"
        if len(rest) < size + 2:
            return "waiting"
        if rest[size : size + 2] != b"\r\n":
            return "refused"
        body, rest = body + rest[:size], rest[size + 2 :]


def read(pieces: Sequence[bytes]) -> Outcome:
    """What the gateway's reader makes of these reads."""
    reader = RequestReader(LIMITS)
    outcome = Outcome()
    for piece in pieces:
        message = reader.feed(piece) if piece else None
        while message is not None:
            if isinstance(message, Refusal):
                assert 400 <= message.status < 600
                assert message.message
                outcome.end = "refused"
                return outcome
            outcome.requests.append(_taken(message))
            if not message.keep_alive:
                outcome.end = "closed"
                return outcome
            message = reader.feed(b"")
    return outcome


def _taken(request: Request) -> Taken:
    headers = {
        name: value.rstrip(b" \t") for name, value in request.headers.items() if not name.startswith(b":")
    }
    return Taken(request.method, request.target, headers, request.body, request.keep_alive)


def comparable(taken: Taken) -> Taken:
    """Without what the reader uses up or writes differently: the framing, and the absolute form of a target."""
    framing = (b"content-length", b"transfer-encoding")
    headers = {
        # The reader leaves tabs at the end of a value, which mean nothing (RFC 9110, 5.5).
        name: re.sub(rb"[ \t]+(?=,|\Z)", b"", value)
        for name, value in taken.headers.items()
        if name not in framing
    }
    target = taken.target
    if not target.startswith(b"/") and target != b"*":
        target = re.sub(rb"^[a-zA-Z]+://[^/?#]*", b"", target)
        target = target if target.startswith(b"/") else b"/" + target
    return Taken(taken.method, target, headers, taken.body, taken.keep_alive)


def cuts(data: bytes, places: Sequence[int]) -> list[bytes]:
    """``data`` in pieces."""
    edges = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:stop] for start, stop in pairwise(edges)]


# -- generated ----------------------------------------------------------------------------------------------------

_FIELDS = st.sampled_from(
    [
        b"Accept: a", b"Accept: b", b"X-A:", b"X-A: \t v w\t ", b"X-B: \xe4\xbd\xa0", b"Authorization: Bearer k",
        b"Content-Type: application/json", b"Connection: keep-alive", b"Connection: close", b"Connection: x, close",
        b"Expect: 100-continue", b"Upgrade: h2c", b"Connection: Upgrade", b"traceparent: 00-a-b-01",
    ]
)  # fmt: skip
_BODIES = st.one_of(
    st.binary(max_size=40), st.sampled_from([b"", b'{"a":1}', b"GET / HTTP/1.1\r\n\r\n", b"0\r\n\r\n"])
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One good request."""
    method = draw(st.sampled_from([b"GET", b"POST", b"OPTIONS", b"HEAD", b"DELETE", b"PATCH"]))
    target = draw(
        st.sampled_from([b"/", b"/v1/chat/completions", b"/v1/models?a=b%20c", b"http://h/x", b"http://h"])
    )
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0"]))
    fields = draw(st.lists(_FIELDS, max_size=5))
    seen: set[bytes] = set()
    lines = [b"Host: h"]
    for line in fields:
        name = line.partition(b":")[0].lower()
        if name not in seen or name not in (b"authorization", b"content-type", b"expect", b"traceparent"):
            lines.append(line)
        seen.add(name)
    body = draw(_BODIES)
    kind = draw(st.sampled_from(["none", "length", "length", "chunked"]))
    if kind == "length":
        lines.insert(draw(st.integers(0, len(lines))), b"Content-Length: %d" % len(body))
    elif kind == "chunked" and version == b"1.1":
        lines.append(b"Transfer-Encoding: chunked")
        pieces = [piece for piece in cuts(body, draw(st.lists(st.integers(0, 40), max_size=4))) if piece]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        body = b""
    blank = draw(st.sampled_from([b"", b"", b"", b"\r\n"]))
    return (
        blank
        + method
        + b" "
        + target
        + b" HTTP/"
        + version
        + b"\r\n"
        + b"\r\n".join(lines)
        + b"\r\n\r\n"
        + body
    )


_SCRAPS = st.sampled_from(
    [
        b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\x00", b" ", b"\t", b":", b"0", b"5", b"\r\n ", b";a=b", b"\x0b", b"\xff",
        b"\r\nContent-Length: 3", b"\r\nContent-Length: 3, 3", b"\r\nTransfer-Encoding: chunked",
        b"\r\nTransfer-Encoding : chunked", b"\r\nTransfer-Encoding: gzip", b"\r\nHost: i", b"HTTP/1.1", b"GET / ",
        b"\r\nContent-Length: +3", b"\r\nExpect: x", b"\r\nX\x80: 1", b"\r\nTransfer-Encoding:\x0bchunked",
    ]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Some requests with a few scraps put in, taken out, or written over."""
    data = b"".join(draw(st.lists(requests(), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        gone = draw(st.sampled_from([0, 0, 1, 2]))
        data = data[:at] + draw(_SCRAPS) + data[at + gone :]
    return data
