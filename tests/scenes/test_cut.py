"""Answers that break off: a stream ends with an error event, never with [DONE]; a plain one ends the connection."""

from __future__ import annotations

import json

import pytest

from tests.scenes.conftest import MakeScene
from tests.support.scene import Peer, Scene
from tests.support.scene_answers import Answer, error, only, read_answer
from tests.support.scene_config import chat, post, provider, snapshot
from tests.support.scene_streams import CHUNKED, DONE, EVENTS_HEAD, JSON_HEAD, LAST, chunk, data, event, usage

CUT = "The upstream closed the connection before its answer was complete."
ENDED = "The upstream ended its stream before the answer was complete."
INVALID = "The upstream's answer was not valid HTTP/1.1."
LATE = "The upstream did not answer in time."


def error_event(message: str, code: str, request_id: str = "req_1") -> bytes:
    return b"data: " + error(message, "api_error", code, None, request_id) + b"\n\n"


def ask(scene: Scene, model: str = "priced", stream: bool = True) -> tuple[Peer, Peer]:
    """A request for a model with a single deployment."""
    client = scene.client()
    client.sends(post(chat(model, stream=stream)))
    return client, scene.upstream()


def cut_by_end_of_body(upstream: Peer) -> None:
    upstream.sends(LAST)


def cut_by_closing(upstream: Peer) -> None:
    upstream.finishes()


def cut_by_reset(upstream: Peer) -> None:
    upstream.resets()


def cut_by_garbage(upstream: Peer) -> None:
    upstream.sends(b"garbage, and no chunk size\r\n")


ENDINGS = [
    (cut_by_end_of_body, ENDED, "upstream_cut"),
    (cut_by_closing, CUT, "upstream_cut"),
    (cut_by_reset, CUT, "upstream_cut"),
    (cut_by_garbage, INVALID, "upstream_invalid_response"),
]
BEFORE: dict[str, tuple[bytes, bytes]] = {  # what the upstream had sent, and what of it reaches the client
    "after an event": (event("a"), event("a")),
    "after a comment and an event": (b": keep-alive\n\n" + event("a"), b": keep-alive\n\n" + event("a")),
    "after a comment behind an event": (event("a") + b": wait\n\n", event("a") + b": wait\n\n"),
    "in an event": (event("a") + event("b")[:20], event("a")),
    "in a character": (event("a") + event("你")[:-30], event("a")),
    "before an event's empty line": (event("a") + event("b")[:-1], event("a")),
    "after usage": (event("a", "stop", usage=usage()), event("a", "stop", usage=usage())),
    "after CR LF": (event("a").replace(b"\n", b"\r\n"), event("a").replace(b"\n", b"\r\n")),
}


@pytest.mark.parametrize(
    ("cut", "message", "code"), ENDINGS, ids=lambda value: getattr(value, "__name__", "")
)
@pytest.mark.parametrize("case", BEFORE)
def test_a_cut_stream(case: str, cut: object, message: str, code: str, every: Scene) -> None:
    sent, passed = BEFORE[case]
    client, upstream = ask(every)
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(sent))
    assert callable(cut)
    cut(upstream)
    answer = only(client.received())
    assert answer.status == 200
    assert answer.body == passed + error_event(message, code)
    assert b"[DONE]" not in answer.body
    assert client.state == "open", "the framing is whole: the connection goes on"
    record = every.record
    assert (record.outcome, record.status, record.error) == ("cut", 200, code)
    assert record.error_source == "upstream"
    assert record.prompt_tokens == (1000 if case == "after usage" else 0)
    client.sends(post(chat("priced")))
    again = upstream if upstream.state == "open" else every.upstream()
    again.received()
    again.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert only(client.received()).body == b"{}"


def test_a_stream_that_is_late(every: Scene) -> None:
    client, upstream = ask(every)
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a")))
    for _ in range(12):
        every.advance(10.0)
        upstream.sends(chunk(b": keep-alive\n\n"))
    every.advance(1.0)
    answer = only(client.received())
    assert answer.body == event("a") + b": keep-alive\n\n" * 12 + error_event(LATE, "upstream_timeout")
    assert upstream.state == "aborted"
    assert client.state == "open"
    assert every.record.error == "upstream_timeout"


def test_a_cut_stream_to_http_1_0(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat("priced", stream=True)).replace(b"HTTP/1.1", b"HTTP/1.0"))
    upstream = scene.upstream()
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a")))
    upstream.resets()
    answer, _ = read_answer(client.received())
    assert answer.body == event("a") + error_event(CUT, "upstream_cut")
    assert client.state == "closed"


def test_a_stream_that_closing_ends_too_early(every: Scene) -> None:
    client, upstream = ask(every)
    upstream.sends(EVENTS_HEAD + b"\r\n" + event("a"))
    upstream.finishes()
    assert only(client.received()).body == event("a") + error_event(ENDED, "upstream_cut")


@pytest.mark.parametrize("end", [LAST, b""])
def test_an_error_of_the_upstream_inside_its_stream(end: bytes, every: Scene) -> None:
    """The upstream has said itself that the stream failed: the client is not told twice."""
    client, upstream = ask(every)
    failure = data({"error": {"message": "busy", "type": "server_error", "code": None}})
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a") + failure) + LAST)
    answer = only(client.received())
    assert answer.body == event("a") + failure
    assert (every.record.outcome, every.record.error) == ("failed", "upstream_error")
    assert client.state == "open"


def test_an_error_inside_a_stream_that_goes_on_to_its_end(every: Scene) -> None:
    client, upstream = ask(every)
    failure = data({"error": {"message": "busy"}})
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a") + failure + DONE) + LAST)
    assert only(client.received()).body == event("a") + failure + DONE
    assert every.record.error == "upstream_error"


def test_comments_only_and_then_nothing(every: Scene) -> None:
    client, upstream = ask(every)
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(b": keep-alive\n\n"))
    upstream.resets()
    answer = only(client.received())
    assert answer.body == b": keep-alive\n\n" + error_event(CUT, "upstream_cut")


def test_usage_stripped_from_a_cut_stream(every: Scene) -> None:
    client, upstream = ask(every, "asks")
    null = event("a").replace(b"}\n\n", b',"usage":null}\n\n')
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(null) + chunk(null[:-4]))
    upstream.resets()
    assert only(client.received()).body == event("a") + error_event(CUT, "upstream_cut")


# -- plain answers ------------------------------------------------------------------------------------------------

PLAIN: dict[str, bytes] = {
    "a length": JSON_HEAD + b"Content-Length: 100\r\n\r\n" + b'{"half":',
    "chunks": JSON_HEAD + CHUNKED + chunk(b'{"half":'),
    "in a chunk": JSON_HEAD + CHUNKED + chunk(b'{"half":' + b" " * 50)[:-20],
    "empty lines while queueing": JSON_HEAD + CHUNKED + chunk(b"\n") * 3,
}


def plain(client: Peer) -> Answer:
    answer, rest = read_answer(client.received())
    assert rest == b""
    return answer


@pytest.mark.parametrize("cut", [cut_by_closing, cut_by_reset])
@pytest.mark.parametrize("case", PLAIN)
def test_a_cut_plain_answer_breaks_the_connection(case: str, cut: object, every: Scene) -> None:
    client, upstream = ask(every, stream=False)
    upstream.sends(PLAIN[case])
    assert callable(cut)
    cut(upstream)
    assert not plain(client).whole, "the client must see that the answer is not whole"
    assert client.state == "aborted"
    assert (every.record.outcome, every.record.error) == ("cut", "upstream_cut")


def test_a_plain_answer_that_becomes_garbage(every: Scene) -> None:
    client, upstream = ask(every, stream=False)
    upstream.sends(JSON_HEAD + CHUNKED + chunk(b'{"half":'))
    upstream.sends(b"nonsense\r\n")
    assert not plain(client).whole
    assert client.state == upstream.state == "aborted"
    assert every.record.error == "upstream_invalid_response"


def test_a_plain_answer_that_stops(every: Scene) -> None:
    client, upstream = ask(every, stream=False)
    upstream.sends(PLAIN["chunks"])
    every.advance(121.0)
    assert not plain(client).whole
    assert client.state == upstream.state == "aborted"
    assert every.record.error == "upstream_timeout"


def test_an_answer_that_closing_ends(every: Scene) -> None:
    client, upstream = ask(every, stream=False)
    upstream.sends(JSON_HEAD + b'\r\n{"a":1}')
    upstream.finishes()
    answer = only(client.received())
    assert (answer.body, answer.header("transfer-encoding")) == (b'{"a":1}', "chunked")
    assert (client.state, every.record.outcome) == ("open", "answered")


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_that_a_reset_ends_is_not_whole(stream: bool, every: Scene) -> None:
    """Closing ends an answer without a length; breaking the connection does not (RFC 9112, 8)."""
    client, upstream = ask(every, stream=stream)
    head = EVENTS_HEAD if stream else JSON_HEAD
    upstream.sends(head + b"\r\n" + (event("a") + b": x\n" if stream else b'{"a":'))
    upstream.resets()
    if stream:
        assert only(client.received()).body.endswith(error_event(CUT, "upstream_cut"))
    else:
        assert not plain(client).whole
        assert client.state == "aborted"
    assert every.record.outcome == "cut"


# -- before anything has been passed on ---------------------------------------------------------------------------

NOTHING_YET: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", CUT, "upstream_cut"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-", CUT, "upstream_cut"),
    "garbage": (b"SSH-2.0-OpenSSH_9.2\r\n", INVALID, "upstream_invalid_response"),
    "HTTP/0.9": (b"<html>hello</html>", INVALID, "upstream_invalid_response"),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", INVALID, ""),
    "length and coding": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        INVALID,
        "",
    ),
    "an upgrade": (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        INVALID,
        "upstream_invalid_response",
    ),
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("case", NOTHING_YET)
def test_no_answer_at_all(case: str, stream: bool, every: Scene) -> None:
    sent, message, code = NOTHING_YET[case]
    client, upstream = ask(every, stream=stream)
    upstream.sends(sent)
    upstream.resets()
    answer = only(client.received())
    assert answer.status == 502
    assert answer.error == {
        "message": message,
        "type": "api_error",
        "param": None,
        "code": code or "upstream_invalid_response",
        "request_id": "req_1",
    }
    assert client.state == "open"
    assert every.record.outcome == "failed"


def test_interim_answers_are_passed_over(every: Scene) -> None:
    client, upstream = ask(every, stream=False)
    upstream.sends(
        b"HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nX-B: 2\r\nContent-Length: 2\r\n\r\n{}"
    )
    answer = only(client.received())
    assert (answer.status, answer.body) == (200, b"{}")
    assert [name for name, _ in answer.headers] == ["X-B", "Content-Length", "X-Request-Id"]
    assert upstream.state == "open"


def test_more_than_was_promised(scene: Scene) -> None:
    """What follows a whole answer belongs to nobody: it is not passed on, and the connection is not used again."""
    client, upstream = ask(scene, stream=False)
    upstream.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert only(client.received()).body == b"{}"
    upstream.sends(b"HTTP/1.1 200 OK\r\nX-B: 2\r\nContent-Length: 2\r\n\r\n[]")
    assert upstream.state == "aborted"
    assert client.received() == b""


def test_two_answers_in_one_read(scene: Scene) -> None:
    client, upstream = ask(scene, stream=False)
    upstream.sends(
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n{}"
        b"HTTP/1.1 404 Not Found\r\nX-B: 2\r\nContent-Length: 3\r\n\r\n[1]"
    )
    answer = only(client.received())
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.header("x-a") == "1"
    assert answer.header("x-b") is None
    assert upstream.state == "aborted"


def test_timeout_before_the_first_event_counts_no_comments(scenes: MakeScene) -> None:
    import msgspec

    base = snapshot()
    quick = provider("cloud", "198.51.100.1", "env:CLOUD")
    quick = msgspec.structs.replace(quick, timeouts=msgspec.structs.replace(quick.timeouts, first_event=20.0))
    scene = scenes(snapshot(providers={**base.providers, "cloud": quick}))
    client, upstream = ask(scene)
    upstream.sends(EVENTS_HEAD + CHUNKED)
    for _ in range(5):
        upstream.sends(chunk(b": keep-alive\n\n"))
        scene.advance(4.0)
    scene.advance(1.0)
    assert only(client.received()).body == b": keep-alive\n\n" * 5 + error_event(LATE, "upstream_timeout")
    assert upstream.state == "aborted"


def test_timeout_before_the_head(scene: Scene) -> None:
    client, upstream = ask(scene, stream=False)
    scene.advance(601.0)
    answer = only(client.received())
    assert answer.status == 504
    assert json.loads(answer.body)["error"]["code"] == "upstream_timeout"
    assert upstream.state == "aborted"
