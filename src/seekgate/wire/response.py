"""Response heads as bytes (RFC 9112, 4): status lines made once, and what of an upstream's head goes on."""

from __future__ import annotations

from http import HTTPStatus

STATUS_LINES: dict[int, bytes] = {
    s.value: b"HTTP/1.1 %d %s" % (s.value, s.phrase.encode()) for s in HTTPStatus
}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"

# Never passed on: what belongs to one connection (RFC 9110, 7.6.1), what the gateway says itself, and what would let
# an upstream speak for the gateway's origin. Content-Length is set again where the body passes unchanged.
NOT_PASSED = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",
        b"server",
        b"set-cookie",
        b"alt-svc",
        b"strict-transport-security",
        b"x-request-id",
        # They tell of the gateway's own account, and its clients have limits of their own.
        b"x-ratelimit-limit-requests",
        b"x-ratelimit-remaining-requests",
        b"x-ratelimit-reset-requests",
        b"x-ratelimit-limit-tokens",
        b"x-ratelimit-remaining-tokens",
        b"x-ratelimit-reset-tokens",
        b"x-accel-buffering",
        b"traceparent",
        b"access-control-allow-origin",
        b"access-control-allow-credentials",
    )
)


def status_line(status: int) -> bytes:
    """The status line without its end, also for codes that have no name."""
    return STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown" % status


def own_head(
    status: int,
    content_type: bytes,
    length: int,
    request_id: bytes,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    close: bool = False,
) -> bytes:
    """The head of an answer that the gateway makes itself, with the empty line."""
    parts = [status_line(status), b"\r\n"]
    if content_type:
        parts.append(b"Content-Type: %b\r\n" % content_type)
    if status >= 200 and status != 204:
        parts.append(b"Content-Length: %d\r\n" % length)
    if request_id:
        parts.append(b"X-Request-Id: %b\r\n" % request_id)
    parts += [b"%b: %b\r\n" % header for header in headers]
    parts.append(b"Connection: close\r\n\r\n" if close else b"\r\n")
    return b"".join(parts)
