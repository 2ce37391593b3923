"""What is not exactly one HTTP/1.1 request is refused, and the connection closed (RFC 9112, 11)."""

from __future__ import annotations

import pytest

from tests.scenes.conftest import MakeScene
from tests.support.scene import Delivery, Scene
from tests.support.scene_answers import only, read_answer
from tests.support.scene_config import KEY, chat, get, limits, post

BODY = chat()
SIZE = len(BODY)
LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
AUTH = b"Authorization: Bearer %b\r\n" % KEY.encode()
HOST = b"Host: gateway\r\n"
LENGTH = b"Content-Length: %d\r\n" % SIZE
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ONE_CHUNK = b"%x\r\n%b\r\n" % (SIZE, BODY)
LAST = b"0\r\n\r\n"


def with_head(*lines: bytes, body: bytes = BODY) -> bytes:
    return LINE + HOST + AUTH + b"".join(lines) + b"\r\n" + body


REFUSED: dict[str, tuple[int, bytes]] = {
    "length and coding": (400, with_head(LENGTH, CHUNKED, body=ONE_CHUNK + LAST)),
    "coding and length": (400, with_head(CHUNKED, LENGTH, body=ONE_CHUNK + LAST)),
    "empty coding and length": (400, with_head(b"Transfer-Encoding: \r\n", LENGTH)),
    "length twice, equal": (400, with_head(LENGTH, LENGTH)),
    "length twice, different": (400, with_head(LENGTH, b"Content-Length: 3\r\n")),
    "length as a list": (400, with_head(b"Content-Length: %d, %d\r\n" % (SIZE, SIZE))),
    "length with a plus": (400, with_head(b"Content-Length: +%d\r\n" % SIZE)),
    "length with a minus": (400, with_head(b"Content-Length: -%d\r\n" % SIZE)),
    "length in hex": (400, with_head(b"Content-Length: 0x%x\r\n" % SIZE)),
    "length with a space inside": (400, with_head(b"Content-Length: 1 0\r\n")),
    "length with an underscore": (400, with_head(b"Content-Length: 1_0\r\n")),
    "length empty": (400, with_head(b"Content-Length:\r\n")),
    "length of blanks": (400, with_head(b"Content-Length:   \r\n")),
    "length that overflows": (400, with_head(b"Content-Length: 99999999999999999999\r\n")),
    "folded line": (400, with_head(b"X-Long: one\r\n two\r\n", LENGTH)),
    "folded line with a tab": (400, with_head(b"X-Long: one\r\n\ttwo\r\n", LENGTH)),
    "folded first line": (400, LINE + b" X-Odd: 1\r\n" + HOST + AUTH + LENGTH + b"\r\n" + BODY),
    "bare LF after a field": (400, with_head(b"X-A: 1\n", LENGTH)),
    "bare LF after the request line": (400, LINE[:-2] + b"\n" + HOST + AUTH + LENGTH + b"\r\n" + BODY),
    "bare LF everywhere": (400, with_head(LENGTH).replace(b"\r\n", b"\n")),
    "bare LF as the last line": (400, LINE + HOST + AUTH + LENGTH + b"\n" + BODY),
    "bare CR in a value": (400, with_head(b"X-A: 1\rX-B: 2\r\n", LENGTH)),
    "bare CR after the request line": (400, LINE[:-2] + b"\r" + HOST + LENGTH + b"\r\n" + BODY),
    "bare CR before CR LF": (400, with_head(b"X-A: 1\r\r\n", LENGTH)),
    "space before the colon": (400, with_head(b"Content-Length : %d\r\n" % SIZE)),
    "tab before the colon": (400, with_head(b"X-A\t: 1\r\n", LENGTH)),
    "field without a name": (400, with_head(b": 1\r\n", LENGTH)),
    "field without a colon": (400, with_head(b"X-A\r\n", LENGTH)),
    "letter that no name has": (400, with_head("Ü: 1\r\n".encode("latin-1"), LENGTH)),
    "NUL in a value": (400, with_head(b"X-A: 1\x002\r\n", LENGTH)),
    "NUL before a value": (400, with_head(b"Authorization: \x00sg-key\r\n", LENGTH)),
    "NUL in a name": (400, with_head(b"X\x00A: 1\r\n", LENGTH)),
    "NUL in the target": (400, b"GET /v1/\x00models HTTP/1.1\r\n" + HOST + b"\r\n"),
    "method in lower case": (400, b"post" + with_head(LENGTH)[4:]),
    "unknown method": (400, b"JUMP /v1/models HTTP/1.1\r\n" + HOST + b"\r\n"),
    "method with a colon": (400, b"GE:T /v1/models HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no target": (400, b"GET HTTP/1.1\r\n" + HOST + b"\r\n"),
    "two spaces before the target": (400, b"GET  /v1/models HTTP/1.1\r\n" + HOST + b"\r\n"),
    "two spaces before the version": (400, b"GET /v1/models  HTTP/1.1\r\n" + HOST + b"\r\n"),
    "tab in the request line": (400, b"GET\t/v1/models HTTP/1.1\r\n" + HOST + b"\r\n"),
    "space in front": (400, b" GET /v1/models HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no version": (400, b"GET /v1/models\r\n" + HOST + b"\r\n"),
    "no host": (400, LINE + AUTH + LENGTH + b"\r\n" + BODY),
    "host twice": (400, with_head(b"Host: other\r\n", LENGTH)),
    "host with a path": (400, LINE + b"Host: gateway/x\r\n" + LENGTH + b"\r\n" + BODY),
    "host with a user": (400, LINE + b"Host: me@gateway\r\n" + LENGTH + b"\r\n" + BODY),
    "authorization twice": (400, with_head(AUTH, LENGTH)),
    "absolute form, foreign host": (
        400,
        b"GET http://other/v1/models HTTP/1.1\r\n" + HOST + AUTH + b"\r\n",
    ),
    "absolute form, other scheme": (400, b"GET ftp://gateway/v1/models HTTP/1.1\r\n" + HOST + AUTH + b"\r\n"),
    "authority form": (400, b"CONNECT gateway:443 HTTP/1.1\r\nHost: gateway\r\n\r\n"),
    "CONNECT with a path": (400, b"CONNECT /* HTTP/1.1\r\nHost: gateway\r\n\r\n"),
    "asterisk with GET": (400, b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"),
    "coding gzip": (400, with_head(b"Transfer-Encoding: gzip\r\n")),
    "coding identity": (400, with_head(b"Transfer-Encoding: identity\r\n")),
    "coding gzip, chunked": (501, with_head(b"Transfer-Encoding: gzip, chunked\r\n", body=ONE_CHUNK + LAST)),
    "coding chunked, gzip": (400, with_head(b"Transfer-Encoding: chunked, gzip\r\n", body=ONE_CHUNK + LAST)),
    "coding chunked twice": (400, with_head(CHUNKED, CHUNKED, body=ONE_CHUNK + LAST)),
    "coding misspelt": (400, with_head(b"Transfer-Encoding: xchunked\r\n", body=ONE_CHUNK + LAST)),
    "chunk size missing": (400, with_head(CHUNKED, body=b"\r\n" + BODY + b"\r\n" + LAST)),
    "chunk size not hex": (400, with_head(CHUNKED, body=b"5g\r\n" + BODY + b"\r\n" + LAST)),
    "chunk size signed": (400, with_head(CHUNKED, body=b"+5\r\nabcde\r\n" + LAST)),
    "chunk size with 0x": (400, with_head(CHUNKED, body=b"0x5\r\nabcde\r\n" + LAST)),
    "chunk size with a space": (400, with_head(CHUNKED, body=b"5 \r\nabcde\r\n" + LAST)),
    "chunk size of nine digits": (400, with_head(CHUNKED, body=b"000000005\r\nabcde\r\n" + LAST)),
    "chunk extension": (400, with_head(CHUNKED, body=b"5;a=b\r\nabcde\r\n" + LAST)),
    "extension of the last chunk": (400, with_head(CHUNKED, body=ONE_CHUNK + b"0;a\r\n\r\n")),
    "chunk ends with bare LF": (400, with_head(CHUNKED, body=b"5\nabcde\r\n" + LAST)),
    "chunk longer than its size": (400, with_head(CHUNKED, body=b"3\r\nabcde\r\n" + LAST)),
    "chunk data ends with bare LF": (400, with_head(CHUNKED, body=b"5\r\nabcde\n" + LAST)),
    "trailer": (400, with_head(CHUNKED, body=ONE_CHUNK + b"0\r\nX-A: 1\r\n\r\n")),
    "last chunk ends with bare LF": (400, with_head(CHUNKED, body=ONE_CHUNK + b"0\r\n\n")),
    "coding in HTTP/1.0": (
        505,
        b"POST /v1/chat/completions HTTP/1.0\r\n" + AUTH + CHUNKED + b"\r\n" + ONE_CHUNK + LAST,
    ),
    "HTTP/1.2": (400, LINE.replace(b"1.1", b"1.2") + HOST + b"\r\n"),
    "HTTP/2 preface": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "TLS to a plain port": (400, bytes.fromhex("16030100c5010000c1030300000a0d0a0d0a")),
    "expectation unknown": (417, with_head(b"Expect: magic\r\n", LENGTH)),
    "expectation unknown, no body": (417, b"GET /v1/models HTTP/1.1\r\n" + HOST + b"Expect: magic\r\n\r\n"),
    "two empty lines in front": (400, b"\r\n\r\n" + with_head(LENGTH)),
    "head too long": (431, with_head(b"X-A: %b\r\n" % (b"a" * 2048), LENGTH)),
    "request line too long": (431, b"GET /%b HTTP/1.1\r\n" % (b"a" * 2048) + HOST + b"\r\n"),
    "head without an end": (431, b"GET /v1/models HTTP/1.1\r\nX-A: " + b"a" * 2100),
    "too many fields": (431, with_head(*(b"X-%d: 1\r\n" % n for n in range(20)), LENGTH)),
    "too many of one field": (431, with_head(*(b"X-A: 1\r\n" for n in range(20)), LENGTH)),
    "body too long by its length": (413, with_head(b"Content-Length: 262145\r\n")),
    "body too long by one chunk": (413, with_head(CHUNKED, body=b"40001\r\n")),
    "body too long by two chunks": (413, with_head(CHUNKED, body=b"5\r\nabcde\r\n3fffc\r\n")),
}
CODES = {
    400: "bad_request",
    413: "body_too_large",
    417: "expectation_failed",
    431: "header_too_large",
    501: "bad_request",
    505: "bad_request",
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_and_closed(case: str, every: Scene) -> None:
    status, request = REFUSED[case]
    client = every.client()
    client.sends(request + get() if every.delivery == "with trailing data" else request)
    answer, rest = read_answer(client.received())
    assert rest == b"", "nothing behind a refused request is answered"
    assert answer.status == status
    assert answer.error["code"] == CODES[status]
    assert answer.error["type"] == "invalid_request_error"
    assert answer.header("connection") == "close"
    assert client.state == "half-closed"
    assert every.refusals == [("192.0.2.1", CODES[status])]
    assert not every.network.tried
    assert not every.admitted
    # The rest of the request is read and thrown away for a moment, then the connection ends.
    client.sends(b"x" * 1000)
    every.advance(3.0)
    assert client.state == "aborted"
    assert client.received() == b""


TAKEN: dict[str, bytes] = {
    "a length": with_head(LENGTH),
    "one chunk": with_head(CHUNKED, body=ONE_CHUNK + LAST),
    "chunks of every size": with_head(
        CHUNKED, body=b"".join(b"%X\r\n%b\r\n" % (1, BODY[i : i + 1]) for i in range(SIZE)) + LAST
    ),
    "chunk size with zeros": with_head(CHUNKED, body=b"%08x\r\n%b\r\n" % (SIZE, BODY) + b"00000\r\n\r\n"),
    "coding in capitals": with_head(b"TRANSFER-ENCODING: Chunked\r\n", body=ONE_CHUNK + LAST),
    "blanks around values": with_head(b"X-A:\t 1 \t\r\n", b"Content-Length:  %d  \r\n" % SIZE),
    "no blank after the colon": with_head(b"Content-Length:%d\r\n" % SIZE),
    "an empty line in front": b"\r\n" + with_head(LENGTH),
    "absolute form": with_head(LENGTH).replace(b"POST /", b"POST http://gateway/"),
    "host with a port": with_head(LENGTH).replace(b"Host: gateway", b"Host: gateway:8080"),
    "host is an address": with_head(LENGTH).replace(b"Host: gateway", b"Host: [2001:db8::1]:80"),
    "a list in two fields": with_head(b"Accept: a\r\nAccept: b\r\n", LENGTH),
    "an upgrade that is not offered": with_head(
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n", LENGTH
    ),
    "an upgrade with chunks": with_head(
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n", CHUNKED, body=ONE_CHUNK + LAST
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_taken(case: str, every: Scene) -> None:
    client = every.client()
    client.sends(TAKEN[case] + (get() if every.delivery == "with trailing data" else b""))
    upstream = every.upstream()
    head, _, body = upstream.received().partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 198.51.100.1\r\n")
    assert head.endswith(b"\r\nContent-Length: %d" % SIZE)
    assert body == BODY
    upstream.sends(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    answer, rest = read_answer(client.received())
    assert (answer.status, answer.body) == (200, b"{}")
    if every.delivery == "with trailing data":
        assert only(rest).status == 200
    else:
        assert rest == b""
    assert client.state == "open"


def test_continue(every: Scene) -> None:
    client = every.client()
    request = post(BODY, headers="Expect: 100-continue\r\n")
    head, body = request[:-SIZE], request[-SIZE:]
    client.sends(head)
    assert client.received() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sends(body + (get() if every.delivery == "with trailing data" else b""))
    every.upstream().sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    answer, rest = read_answer(client.received())
    assert answer.body == b"{}"
    assert (only(rest).status == 200) if every.delivery == "with trailing data" else (rest == b"")


def test_continue_is_not_said_to_whoever_does_not_wait(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(BODY, headers="Expect: 100-continue\r\n"))
    scene.upstream().sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert only(client.received()).body == b"{}"


def test_too_large_a_body_is_refused_before_it_is_sent(scene: Scene) -> None:
    client = scene.client()
    client.sends(with_head(b"Expect: 100-continue\r\nContent-Length: 999999999\r\n", body=b""))
    assert only(client.received()).status == 413


def test_http_1_0(every: Scene) -> None:
    client = every.client()
    request = b"POST /v1/chat/completions HTTP/1.0\r\n" + AUTH + LENGTH + b"\r\n" + BODY
    client.sends(request + (get() if every.delivery == "with trailing data" else b""))
    upstream = every.upstream()
    upstream.sends(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\n\r\n"
    )
    data = client.received()
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert (first, body) == (b"HTTP/1.1 200 OK", b"{}")
    assert sorted(lines) == [b"Connection: close", b"Content-Type: application/json", b"X-Request-Id: req_1"]
    assert client.state == "closed"


def test_http_1_0_kept_alive(scene: Scene) -> None:
    client = scene.client()
    request = b"POST /v1/chat/completions HTTP/1.0\r\nConnection: keep-alive\r\n" + AUTH + LENGTH + b"\r\n"
    client.sends(request + BODY)
    upstream = scene.upstream()
    upstream.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    answer = only(client.received())
    assert answer.header("connection") == "keep-alive"
    assert client.state == "open"
    client.sends(request + BODY)
    upstream.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
    assert only(client.received()).body == b"[]"


def test_exact_refusals(scenes: MakeScene) -> None:
    scene = scenes(limits(header_bytes=100, body_bytes=10))
    client = scene.client()
    client.sends(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: %b\r\n\r\n" % (b"a" * 100))
    assert client.received() == (
        b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: application/json\r\n"
        b"Content-Length: 142\r\nConnection: close\r\n\r\n"
        b'{"error":{"message":"The request head is too large.","type":"invalid_request_error","param":null,'
        b'"code":"header_too_large","request_id":null}}'
    )


def test_a_refusal_is_closed_at_once_over_tls(scene: Scene) -> None:
    """TLS cannot half-close; the gateway ends the connection once the answer is sent."""
    client = scene.client(tls=True)
    client.sends(b"GET / HTTP/1.1\n")
    assert only(client.received()).status == 400
    assert client.state == "closed"


def test_what_is_sent_behind_a_refusal_is_bounded(scene: Scene) -> None:
    client = scene.client()
    client.sends(b"GET / HTTP/1.1\n")
    for _ in range(80):
        client.sends(b"x" * 65_536)
    assert client.state == "aborted"


def test_the_second_of_two_pipelined_is_refused(scene: Scene, delivery: Delivery) -> None:
    scene.bytewise = delivery == "byte by byte"
    client = scene.client()
    client.sends(get() + with_head(LENGTH, LENGTH) + (get() if delivery == "with trailing data" else b""))
    first, rest = read_answer(client.received())
    assert first.status == 200
    assert only(rest).status == 400
    assert client.state == "half-closed"
