"""Answers as a test expects them, and a strict reader of those that came: its own reading of RFC 9112."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ([ -~]*)\Z")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([^\r\n\x00]*)\Z")


@dataclass
class Answer:
    """One response. ``chunks`` are the pieces of a chunked body; ``whole`` is False when it breaks off."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    chunks: list[bytes]
    whole: bool

    def header(self, name: str) -> str | None:
        """The value of a header that is there at most once."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, f"{name} is there more than once"
        return found[0] if found else None

    @property
    def error(self) -> dict[str, object]:
        """The body as OpenAI's error object."""
        assert self.header("content-type") == "application/json"
        document = json.loads(self.body)
        assert list(document) == ["error"]
        assert list(document["error"]) == ["message", "type", "param", "code", "request_id"]
        error: dict[str, object] = document["error"]
        return error


def read_answer(data: bytes, method: str = "POST") -> tuple[Answer, bytes]:
    """The first response in ``data``, and what follows it."""
    head, found, rest = data.partition(b"\r\n\r\n")
    assert found, f"no whole head: {data!r}"
    first, *lines = head.split(b"\r\n")
    match = _STATUS.match(first)
    assert match, f"no status line: {first!r}"
    headers = []
    for line in lines:
        field = _FIELD.match(line)
        assert field, f"no header field: {line!r}"
        headers.append((field[1].decode(), field[2].decode("latin-1")))
    answer = Answer(int(match[1]), headers, b"", [], True)
    length, coding = answer.header("content-length"), answer.header("transfer-encoding")
    assert length is None or coding is None
    if method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
        return answer, rest
    if coding is not None:
        assert coding == "chunked"
        rest = _read_chunks(answer, rest)
    elif length is not None:
        assert re.fullmatch("[0-9]+", length)
        answer.body, rest = rest[: int(length)], rest[int(length) :]
        answer.whole = len(answer.body) == int(length)
    else:
        answer.body, rest = rest, b""
    return answer, rest


def _read_chunks(answer: Answer, rest: bytes) -> bytes:
    while rest:
        match = re.match(rb"([0-9a-f]+)\r\n", rest)
        assert match, f"no chunk size: {rest[:40]!r}"
        size, rest = int(match[1], 16), rest[match.end() :]
        data, end, rest = rest[:size], rest[size : size + 2], rest[size + 2 :]
        if len(data) < size or len(end) < 2:
            break
        assert end == b"\r\n"
        if size == 0:
            return rest
        answer.chunks.append(data)
        answer.body += data
    answer.whole = False
    return rest


def read_answers(data: bytes) -> list[Answer]:
    """All responses in ``data``, none left over."""
    answers = []
    while data:
        answer, data = read_answer(data)
        answers.append(answer)
    return answers


def only(data: bytes, method: str = "POST") -> Answer:
    """The one response in ``data``, which must be whole."""
    answer, rest = read_answer(data, method)
    assert rest == b""
    assert answer.whole
    return answer


def own(
    status: str,
    body: bytes,
    request_id: str = "",
    headers: str = "",
    close: bool = False,
    content_type: str = "application/json",
) -> bytes:
    """An answer of the gateway's own, byte for byte; ``headers`` are further lines, each with its CRLF."""
    lines = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    if request_id:
        lines += f"X-Request-Id: {request_id}\r\n"
    return (lines + headers + ("Connection: close\r\n" if close else "") + "\r\n").encode() + body


def error(
    message: str, type: str, code: str, param: str | None = None, request_id: str | None = None
) -> bytes:
    """The body of an error, byte for byte."""
    detail = {"message": message, "type": type, "param": param, "code": code, "request_id": request_id}
    return json.dumps({"error": detail}, ensure_ascii=False, separators=(",", ":")).encode()
