"""An upstream's response head, made into the head that the client gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from seekgate.pipeline.exchange import Exchange
from seekgate.wire.response import LAST_CHUNK, NOT_PASSED, STATUS_LINES, status_line

if TYPE_CHECKING:
    from seekgate.gateway.upstream import Upstream

_SPECIAL = frozenset(
    (b"content-length", b"transfer-encoding", b"content-type", b"connection", b"x-ds-trace-id")
)
_MAX_KNOWN = 1024


class Action(NamedTuple):
    """What becomes of a header: ``line`` begins a line of the client's head, ``special`` names what we must know."""

    line: bytes
    special: bytes


class _Actions(dict[bytes, Action]):
    """Actions by the header's name as the upstream spells it; decided only once for each spelling."""

    def __missing__(self, name: bytes) -> Action:
        key = name.lower()
        passed = key not in NOT_PASSED and key != b"content-type"
        action = Action(b"\r\n%b: " % name if passed else b"", key if key in _SPECIAL else b"")
        if len(self) < _MAX_KNOWN:
            self[name] = action
        return action


ACTIONS = _Actions()


class Head(msgspec.Struct, gc=False):
    """How an answer is framed for the client.

    ``data`` is the head itself; ``events`` says that the body is a stream of server-sent events; ``until_close``
    that only the end of the upstream's connection ends it; ``last`` closes the body.
    """

    data: bytes
    events: bool
    chunked: bool
    keep_alive: bool
    until_close: bool
    last: bytes

    def frame(self, data: bytes) -> bytes:
        """``data`` as a piece of the body (RFC 9112, 7.1). Empty data would end a chunked body, and gives nothing."""
        if self.chunked and data:
            return b"%x\r\n%b\r\n" % (len(data), data)
        return data


def passed_lines(lines: list[bytes], special: dict[bytes, bytes], status: int) -> bytes:
    """The upstream's header lines that go on to the client, each with its CR LF in front."""
    content_type = special.get(b"content-type")
    if content_type is not None:
        if status >= 400 and content_type[:24].lower() == b"application/octet-stream":
            # Some DeepSeek errors are JSON under this type, which SDKs would not read as an error.
            content_type = b"application/json"
        lines.append(b"\r\nContent-Type: " + content_type)
    named = special.get(b"connection", b"keep-alive").lower()
    if named not in (b"keep-alive", b"close"):
        # Whatever the upstream names here is meant for its connection with us (RFC 9110, 7.6.1).
        hops = {b"\r\n" + name.strip() for name in named.split(b",")}
        lines = [line for line in lines if line.partition(b":")[0].lower() not in hops]
    return b"".join(lines)


def whole_head(up: Upstream, length: bytes, x: Exchange, keep_alive: bool) -> bytes:
    """The client's head (HTTP/1.1) for an answer that is all there: status 200, a known length, nothing to rewrite."""
    more = x.answer_headers if keep_alive else x.answer_headers + b"\r\nConnection: close"
    trace = x.request.headers.get(b"traceparent")
    if trace is not None:
        more += b"\r\ntraceparent: " + trace
    if b"x-ds-trace-id" in up.special:
        x.upstream_id = up.special[b"x-ds-trace-id"].decode("latin-1")
    return b"HTTP/1.1 200 OK%b\r\nContent-Length: %b%b\r\nX-Request-Id: %b\r\n\r\n" % (
        up.passed,
        length,
        more,
        x.id.encode(),
    )


def make_head(up: Upstream, x: Exchange, draining: bool) -> Head:
    """The client's head for the upstream's. Sets ``x.upstream_id``."""
    status = up.status
    special = up.special
    length = up.length
    request = x.request
    events = up.events
    bodyless = status == 204 or status == 304
    fixed = (length is not None or bodyless) and not events
    chunked = not fixed and not request.http_1_0
    keep_alive = request.keep_alive and not draining and (fixed or chunked)
    more = b""
    if chunked:
        more = b"\r\nTransfer-Encoding: chunked"
    elif length is not None and fixed:
        more = b"\r\nContent-Length: " + length
    if events:
        # A buffering reverse proxy in front would turn the stream into one late answer.
        more += b"\r\nX-Accel-Buffering: no"
    trace = request.headers.get(b"traceparent")
    if trace is not None:
        more += b"\r\ntraceparent: " + trace
    more += x.answer_headers
    if not keep_alive:
        more += b"\r\nConnection: close"
    elif request.http_1_0:
        more += b"\r\nConnection: keep-alive"
    if b"x-ds-trace-id" in special:
        x.upstream_id = special[b"x-ds-trace-id"].decode("latin-1")
    line = STATUS_LINES.get(status) or status_line(status)
    data = b"%b%b%b\r\nX-Request-Id: %b\r\n\r\n" % (line, up.passed, more, x.id.encode())
    until_close = length is None and not bodyless and b"transfer-encoding" not in special
    return Head(data, events, chunked, keep_alive, until_close, LAST_CHUNK if chunked else b"")
