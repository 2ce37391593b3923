"""HTTP/1.1 requests from bytes, strictly (RFC 9110, RFC 9112).

httptools (llhttp, strict mode) reads heads; this module decides what goes into it and what happens to bodies:

* A head is handed over only when it is whole (``CRLF CRLF`` was seen) and within its limits, so that a slow or
  endless head costs a bounded buffer and each byte of it is looked at once.
* Anything that two implementations might frame differently is refused, never repaired: both Content-Length and
  Transfer-Encoding, a repeated or odd Content-Length, any transfer coding but ``chunked``, bare CR or LF, folded
  lines, chunk extensions and trailers. A refusal closes the connection: what follows cannot be trusted.
* A head that a client repeats on its connection is not parsed again (`seekgate.wire.repeated`).
* Chunked bodies are decoded here, because llhttp passes over chunk extensions without telling.

Nothing here knows a socket, a loop or a clock.
"""

from __future__ import annotations

import re

import httptools
import msgspec

from seekgate.config.snapshot import Limits
from seekgate.wire.chunked import ChunkedDecoder
from seekgate.wire.message import Refusal, Request
from seekgate.wire.repeated import LESSONS, RepeatedHead

# Headers that mean something only once: a second one is an attempt to be read in two ways.
_SINGLETONS = frozenset(
    (
        b"host",
        b"authorization",
        b"content-length",
        b"content-type",
        b"content-encoding",
        b"transfer-encoding",
        b"expect",
        b"x-api-key",
        b"x-request-id",
        b"traceparent",
        b"origin",
    )
)
_BAD_LINE_END = re.compile(rb"\r[^\n]|(?<!\r)\n|\x00")
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%-]*(?::\d{0,5})?|\[[0-9A-Fa-f:.]+\](?::\d{0,5})?").fullmatch


class RequestReader:
    """Bytes of one connection to requests.

    `feed` takes what the socket gave and returns the first whole `Request`, a `Refusal`, or None when more bytes are
    needed. Further pipelined requests are taken with ``feed(b"")``. After a refusal the reader is dead.
    """

    __slots__ = (
        "_blank",
        "_body",
        "_body_left",
        "_chunked",
        "_duplicate",
        "_headers",
        "_known",
        "_lessons",
        "_limits",
        "_repeat",
        "_request",
        "_scanned",
        "_target",
        "expects_continue",
        "rest",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.rest: bytearray | bytes = b""  # read, and not yet part of a request
        self._scanned = 0
        self._blank = False  # an empty line was skipped, and no request has come since
        self._headers: dict[bytes, bytes] = {}
        self._duplicate = b""
        self._target = b""
        self._request: Request | None = None
        self._body: bytearray | None = None
        self._body_left = 0
        self._chunked: ChunkedDecoder | None = None
        self._known: Request | None = None
        self._lessons = LESSONS
        self._repeat = RepeatedHead()
        self.expects_continue = False

    # -- what the connection asks ---------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Bytes held that belong to no finished request."""
        return len(self.rest) + (len(self._body) if self._body is not None else 0)

    @property
    def in_body(self) -> bool:
        """A head was read and its body is not yet whole."""
        return self._request is not None

    @property
    def in_head(self) -> bool:
        """Some bytes of a head were read and it is not yet whole."""
        return self._request is None and len(self.rest) > 0

    def feed(self, data: bytes) -> Request | Refusal | None:
        """Take bytes; return the next whole request, a refusal, or None."""
        if self._request is not None:
            return self._feed_body(data)
        buffer = self.rest
        if buffer:
            if data:
                if type(buffer) is bytes:
                    buffer = self.rest = bytearray(buffer)
                buffer += data
        else:
            buffer = data
        if not buffer:
            return None
        span = self._repeat.match(buffer)
        if span is not None:
            start, stop = span
            size = len(buffer)
            if stop <= size and stop - start <= self._limits.body_bytes:
                body = bytes(buffer[start:stop])
                self.rest = b"" if stop == size else bytes(buffer[stop:])
                self._scanned = 0
                self._blank = False
                self._lessons = LESSONS
                known = self._known
                assert known is not None
                return Request(
                    known.method, known.target, known.headers, body, known.keep_alive, known.http_1_0
                )
        if buffer[0] in b"\r\n":
            return self._skip_empty_line(bytes(buffer))
        end = buffer.find(b"\r\n\r\n", self._scanned)
        if end < 0:
            return self._incomplete_head(buffer)
        if end + 4 > self._limits.header_bytes:
            return _HEAD_TOO_LARGE
        self.rest = b""
        self._scanned = 0
        return self._head(bytes(buffer), end + 4)

    def _remember(self, request: Request, data: bytes, end: int) -> None:
        """Keep a head whose meaning depends on nothing but its bytes, unless this client's heads never repeat."""
        if not self._lessons:
            return
        self._lessons -= 1
        headers = request.headers
        if b"expect" not in headers and b"upgrade" not in headers and self._repeat.learn(data, end):
            self._known = msgspec.structs.replace(request)  # without the body, which comes later

    # -- heads ----------------------------------------------------------------------------------------------------

    def _skip_empty_line(self, buffer: bytes) -> Request | Refusal | None:
        """One empty line before a request line is ignored (RFC 9112, 2.2); anything else there is refused."""
        if buffer == b"\r":
            self.rest = buffer
            return None
        if self._blank or not buffer.startswith(b"\r\n"):
            return _BAD_LINE_ENDS
        self._blank = True
        self.rest = b""
        return self.feed(buffer[2:])

    def _incomplete_head(self, buffer: bytearray | bytes) -> Refusal | None:
        if len(buffer) > self._limits.header_bytes:
            return _HEAD_TOO_LARGE
        # Refuse what can never become a head at once, looking at each byte once: a client that ends its lines with
        # bare LF would otherwise wait for the header timeout.
        if _BAD_LINE_END.search(buffer, max(0, self._scanned - 1)):
            return _BAD_LINE_ENDS
        self._scanned = max(0, len(buffer) - 3)
        self.rest = buffer
        return None

    def _head(self, data: bytes, end: int) -> Request | Refusal | None:
        headers: dict[bytes, bytes] = {}
        self._headers = headers
        self._duplicate = b""
        self._blank = False
        # A parser for each head: it sees nothing else, and a connection that waits does not hold one.
        parser = httptools.HttpRequestParser(self)
        try:
            parser.feed_data(data if end == len(data) else data[:end])
        except httptools.HttpParserUpgrade:
            pass  # not offered (h2c): the request is answered as HTTP/1.1 (RFC 9110, 7.8)
        except httptools.HttpParserError as error:
            return Refusal(400, f"The request head is malformed: {_said(error)}.")
        if self._duplicate:
            return Refusal(400, f"The header {self._duplicate.decode('latin-1')} is given more than once.")
        if len(headers) > self._limits.header_count:
            return Refusal(431, f"More than {self._limits.header_count} header fields.")
        method = parser.get_method()
        target = self._target
        line_end = data.find(b"\r\n")
        http_1_0 = data[line_end - 9 : line_end] != b" HTTP/1.1"
        if data[len(method) + 1 : line_end - 9] != target:
            return Refusal(400, "The request line is not: method, one space, target, one space, version.")
        if http_1_0 and (b"transfer-encoding" in headers or data[line_end - 9 : line_end] != b" HTTP/1.0"):
            return Refusal(505, "Only HTTP/1.1 and HTTP/1.0 (without Transfer-Encoding) are spoken here.")
        refusal = _check(method, target, headers, http_1_0)
        if refusal is not None:
            return refusal
        self._request = request = Request(
            method, target, headers, b"", _persistent(headers, http_1_0), http_1_0
        )
        if not target.startswith(b"/") and target != b"*":
            request.target = _origin_form(target)
        return self._begin_body(request, data, end)

    # -- bodies ---------------------------------------------------------------------------------------------------

    def _begin_body(self, request: Request, data: bytes, end: int) -> Request | Refusal | None:
        headers = request.headers
        expect = headers.get(b"expect")
        if expect is not None and expect.lower() != b"100-continue":
            return Refusal(417, "The only expectation understood is 100-continue.")
        # The framing is used up here: nobody after this may read it again, and understand it differently.
        length = headers.pop(b"content-length", None)
        if length is not None:
            size = int(length)  # llhttp took only digits
            if size > self._limits.body_bytes:
                return self._too_large()
            self._remember(request, data, end)
            have = len(data) - end
            if have == size:
                return self._whole(request, data[end:] if size else b"")
            if have > size:
                self.rest = data[end + size :]
                return self._whole(request, data[end : end + size])
            self._body = bytearray(data[end:])
            self._body_left = size - have
        else:
            coding = headers.get(b"transfer-encoding")
            if coding is None:
                self.rest = data[end:]
                self._request = None
                return request
            if coding.lower() != b"chunked":
                return Refusal(501, "The only transfer coding understood is chunked.")
            self._chunked = ChunkedDecoder(self._limits.body_bytes)
            self._body = bytearray()
            outcome = self._feed_chunked(data[end:])
            if outcome is not None:
                return outcome
        self.expects_continue = expect is not None and not request.http_1_0
        return None

    def _feed_body(self, data: bytes) -> Request | Refusal | None:
        if self._chunked is not None:
            return self._feed_chunked(data)
        body = self._body
        assert body is not None
        assert self._request is not None
        left = self._body_left
        if len(data) < left:
            body += data
            self._body_left = left - len(data)
            return None
        if len(data) > left:
            self.rest = data[left:]
            data = data[:left]
        body += data
        return self._whole(self._request, bytes(body))

    def _feed_chunked(self, data: bytes) -> Request | Refusal | None:
        decoder, body, request = self._chunked, self._body, self._request
        assert decoder is not None
        assert body is not None
        assert request is not None
        outcome = decoder.feed(data, body)
        if isinstance(outcome, Refusal):
            return outcome
        if outcome is None:
            return None
        self.rest = outcome
        self._chunked = None
        self._body = None
        self._request = None
        request.body = bytes(body)
        return request

    def _whole(self, request: Request, body: bytes) -> Request:
        self._body = None
        self._request = None
        request.body = body
        return request

    def _too_large(self) -> Refusal:
        return Refusal(413, f"The request body is larger than {self._limits.body_bytes} bytes.")

    # -- httptools calls these ------------------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        """The request target (whole: heads are fed whole)."""
        self._target = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header field."""
        name = name.lower()
        headers = self._headers
        if name in headers:
            if name in _SINGLETONS:
                self._duplicate = name
                return
            value = headers[name] + b", " + value
            if len(headers) <= self._limits.header_count:
                # Each repetition counts as a field of its own, under a name that no client can send.
                headers[b":%d" % len(headers)] = b""
        headers[name] = value


_HEAD_TOO_LARGE = Refusal(431, "The request head is too large.")
_BAD_LINE_ENDS = Refusal(
    400, "The request head is malformed: lines end with CR LF, and neither stands alone."
)


def _check(method: bytes, target: bytes, headers: dict[bytes, bytes], http_1_0: bool) -> Refusal | None:
    """Host and target must say the same thing (RFC 9112, 3.2)."""
    if method == b"CONNECT":
        return Refusal(400, "CONNECT is for proxies, and this is none.")
    host = headers.get(b"host")
    if host is None:
        if not http_1_0:
            return Refusal(400, "The Host header is missing.")
    elif not _HOST(host):
        return Refusal(400, "The Host header is malformed.")
    if target[:1] == b"/":
        return None
    if target == b"*":
        return None if method == b"OPTIONS" else Refusal(400, "The target * is for OPTIONS only.")
    authority = _authority(target)
    if authority is None:
        return Refusal(400, "The request target is neither a path nor an http(s) URL.")
    if host is None or authority.lower() != host.lower():
        return Refusal(400, "The request target names another host than the Host header.")
    return None


def _persistent(headers: dict[bytes, bytes], http_1_0: bool) -> bool:
    """Whether the connection stays open after this request (RFC 9112, 9.3). llhttp forgets it with the message."""
    connection = headers.get(b"connection")
    if connection is None:
        return not http_1_0
    options = [option.strip() for option in connection.lower().split(b",")]
    return b"close" not in options and (not http_1_0 or b"keep-alive" in options)


def _said(error: Exception) -> str:
    """What the parser says of the error, which names the place and never the bytes."""
    return str(error).rstrip(".") or "not HTTP"


def _authority(target: bytes) -> bytes | None:
    scheme, found, rest = target.partition(b"://")
    if not found or scheme.lower() not in (b"http", b"https"):
        return None
    return re.split(rb"[/?#]", rest, maxsplit=1)[0]


def _origin_form(target: bytes) -> bytes:
    rest = target.partition(b"://")[2]
    path = rest[len(re.split(rb"[/?#]", rest, maxsplit=1)[0]) :]
    return path if path.startswith(b"/") else b"/" + path
