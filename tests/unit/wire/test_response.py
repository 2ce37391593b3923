"""Response heads that the gateway makes itself."""

from __future__ import annotations

from seekgate.wire.response import own_head, status_line


def test_own_heads() -> None:
    assert own_head(200, b"text/plain", 3, b"") == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n"
    )
    assert own_head(503, b"a/b", 0, b"r-1", ((b"Retry-After", b"1"),), close=True) == (
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: a/b\r\nContent-Length: 0\r\nX-Request-Id: r-1\r\n"
        b"Retry-After: 1\r\nConnection: close\r\n\r\n"
    )


def test_no_content_has_neither_type_nor_length() -> None:
    assert own_head(204, b"", 0, b"") == b"HTTP/1.1 204 No Content\r\n\r\n"


def test_a_status_without_a_name() -> None:
    assert status_line(299).split(b" ", 2)[:2] == [b"HTTP/1.1", b"299"]
    assert status_line(404).startswith(b"HTTP/1.1 404 Not Found")
