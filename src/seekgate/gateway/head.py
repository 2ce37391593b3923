"""An upstream's response head, made into the head that the client gets."""

from __future__ import annotations

from seekgate.pipeline.exchange import Exchange
from seekgate.wire.response import LAST_CHUNK, NOT_PASSED, chunk, status_line


class Head:
    """How an answer is framed for the client.

    ``data`` is the head itself; ``events`` says that the body is a stream of server-sent events; ``until_close``
    that only the end of the upstream's connection ends it; ``last`` closes the body.
    """

    __slots__ = ("chunked", "data", "events", "keep_alive", "last", "until_close", "upstream_id")

    def __init__(self, events: bool, chunked: bool, keep_alive: bool, until_close: bool) -> None:
        self.events = events
        self.chunked = chunked
        self.keep_alive = keep_alive
        self.until_close = until_close
        self.last = LAST_CHUNK if chunked else b""
        self.data = b""
        self.upstream_id = ""

    def frame(self, data: bytes) -> bytes:
        """``data`` as a piece of the body."""
        return chunk(data) if self.chunked else data


def make_head(
    headers: list[tuple[bytes, bytes]], status: int, x: Exchange, draining: bool, rewritten: bool
) -> Head:
    """The client's head for an upstream's. ``rewritten``: the body may change, so its length is not promised."""
    out = [status_line(status)]
    length: bytes | None = None
    coded = False
    content_type = b""
    upstream_id = b""
    for name, value in headers:
        key = name.lower()
        if key in NOT_PASSED:
            if key == b"content-length":
                length = value
            elif key == b"transfer-encoding":
                coded = True
        elif key == b"content-type":
            content_type = value
        else:
            out.append(b"%b: %b\r\n" % (name, value))
            if key == b"x-ds-trace-id":
                upstream_id = value
    events = status == 200 and content_type[:17].lower() == b"text/event-stream"
    if status >= 400 and content_type[:24].lower() == b"application/octet-stream":
        # Some DeepSeek errors are JSON under this type, which SDKs would not read as an error.
        content_type = b"application/json"
    if content_type:
        out.append(b"Content-Type: %b\r\n" % content_type)
    request = x.request
    bodyless = status in (204, 304)
    fixed = (length is not None or bodyless) and not events and not rewritten
    chunked = not fixed and not request.http_1_0
    keep_alive = request.keep_alive and not draining and (fixed or chunked)
    head = Head(events, chunked, keep_alive, length is None and not coded and not bodyless)
    if chunked:
        out.append(b"Transfer-Encoding: chunked\r\n")
    elif length is not None and fixed:
        out.append(b"Content-Length: %b\r\n" % length)
    if events:
        # A buffering reverse proxy in front would turn the stream into one late answer.
        out.append(b"X-Accel-Buffering: no\r\n")
    out.append(b"X-Request-Id: %b\r\n" % x.id.encode())
    trace = request.headers.get(b"traceparent")
    if trace is not None:
        out.append(b"traceparent: %b\r\n" % trace)
    if not keep_alive:
        out.append(b"Connection: close\r\n")
    elif request.http_1_0:
        out.append(b"Connection: keep-alive\r\n")
    out.append(b"\r\n")
    head.data = b"".join(out)
    head.upstream_id = upstream_id.decode("latin-1")
    return head
