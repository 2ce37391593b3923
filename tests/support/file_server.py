"""A small HTTP file server whose faults are chosen by the test: for whatever downloads files.

It understands ranges and ``If-Range`` as RFC 9110 asks, can cut a body, hold it in the middle until told to go on,
change its validators between requests, and keeps what it was asked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """One file: what it contains and how it is served.

    ``cut`` ends the connection after that many bytes of each body; ``hold`` stops there until `release`. ``status``
    other than 200 is answered as it is, ``times`` times (-1: always). ``length`` overrides Content-Length; None as
    ``etag`` or ``modified`` leaves the header out.
    """

    body: bytes
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True
    cut: int | None = None
    hold: int | None = None
    status: int = 200
    times: int = -1
    location: str | None = None
    length: int | None = None
    content_type: str = "application/octet-stream"
    release: threading.Event = field(default_factory=threading.Event)


@dataclass
class FileServer:
    """The running server: ``files`` by path, and every request as (path, headers) in ``seen``."""

    port: int
    files: dict[str, Served] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def ranges(self, path: str) -> list[str | None]:
        """The Range header of each request for a path."""
        return [headers.get("range") for asked, headers in self.seen if asked == path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FileServer

    def do_GET(self) -> None:
        """Answer from ``state.files``."""
        path = self.path.partition("?")[0]
        self.state.seen.append((path, {name.lower(): value for name, value in self.headers.items()}))
        served = self.state.files.get(path)
        if served is None:
            self._plain(404)
        elif served.status != 200 and served.times != 0:
            served.times -= 1
            self._plain(served.status, served.location)
        else:
            self._file(served)

    def _plain(self, status: int, location: str | None = None) -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _file(self, served: Served) -> None:
        start, body = self._start(served), served.body
        if start is not None and start >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200 if start is None else 206)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        rest = body[start or 0 :]
        self.send_header("Content-Type", served.content_type)
        self.send_header("Content-Length", str(len(rest) if served.length is None else served.length))
        if served.etag is not None:
            self.send_header("ETag", served.etag)
        if served.modified is not None:
            self.send_header("Last-Modified", served.modified)
        self.end_headers()
        self._body(served, rest)

    def _start(self, served: Served) -> int | None:
        asked, bound = self.headers.get("Range"), self.headers.get("If-Range")
        if asked is None or not served.ranges:
            return None
        if bound is not None and bound not in (served.etag, served.modified):
            return None
        return int(asked.removeprefix("bytes=").partition("-")[0])

    def _body(self, served: Served, rest: bytes) -> None:
        stop = served.cut if served.cut is not None else served.hold
        try:
            self.wfile.write(rest if stop is None else rest[:stop])
            self.wfile.flush()
            if served.cut is not None and len(rest) > served.cut:
                self.close_connection = True
            elif served.hold is not None and len(rest) > served.hold:
                served.release.wait()
                self.wfile.write(rest[served.hold :])
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def file_server() -> Iterator[FileServer]:
    """Run a server on a free loopback port while the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    state = FileServer(server.server_address[1])
    server.RequestHandlerClass = type("Handler", (_Handler,), {"state": state})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        for served in state.files.values():
            served.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
