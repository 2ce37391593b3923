"""Which upstream answers: another deployment, another address, a fresh connection; and when none may be tried."""

from __future__ import annotations

import msgspec
import pytest

from seekgate.config.snapshot import Deployment, Model, Snapshot
from tests.scenes.conftest import MakeScene
from tests.support.scene import Peer, Scene
from tests.support.scene_answers import error, only, read_answer
from tests.support.scene_config import CLOUD, SPARE, chat, post, provider, snapshot
from tests.support.scene_streams import (
    CHUNKED,
    DONE,
    EVENTS_HEAD,
    JSON_HEAD,
    LAST,
    chunk,
    event,
    stream,
    unary,
)

BUSY = b'{"error":{"message":"busy"}}'
STATUSES = {429: b"429 Too Many Requests", 500: b"500 Internal Server Error", 502: b"502 Bad Gateway"}
STATUSES |= {503: b"503 Service Unavailable", 504: b"504 Gateway Timeout"}
ACCOUNT = {401: b"401 Unauthorized", 402: b"402 Payment Required", 403: b"403 Forbidden"}


def ask(scene: Scene, model: str = "flash", stream: bool = False) -> tuple[Peer, Peer]:
    client = scene.client()
    client.sends(post(chat(model, stream=stream)))
    return client, scene.upstream()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("status", [*STATUSES, *ACCOUNT])
def test_another_deployment_answers(status: int, stream: bool, every: Scene) -> None:
    client, first = ask(every, "alias", stream)
    assert first.name == CLOUD
    assert first.received().endswith(chat("real-name", stream=stream))
    first.sends(unary(BUSY, (STATUSES | ACCOUNT)[status], b"Retry-After: 7\r\n"))
    second = every.upstream()
    assert second.name == SPARE
    request = second.received()
    assert b"Authorization: Bearer sk-spare-secret\r\n" in request
    assert b"sk-cloud-secret" not in request
    assert request.endswith(chat("other-name", stream=stream)), "renamed from the client's request, not twice"
    second.sends(unary(b"{}"))
    assert only(client.received()).body == b"{}"
    record = every.record
    assert (record.status, record.attempts, record.deployment) == (200, 2, "spare-real")
    assert every.metrics.upstream_retries.labels("cloud-real", "status").value == 1
    first_again = first.state == "open"
    assert first_again is not every.bytewise, "a whole answer leaves its connection good for another request"


@pytest.mark.parametrize("status", STATUSES)
def test_the_last_answer_passes_as_it_came(status: int, every: Scene) -> None:
    client, first = ask(every)
    first.sends(unary(BUSY, STATUSES[status]))
    every.upstream().sends(unary(BUSY, STATUSES[status], b"Retry-After: 7\r\nX-RateLimit: 0\r\n"))
    answer = only(client.received())
    assert (answer.status, answer.body) == (status, BUSY)
    assert (answer.header("retry-after"), answer.header("x-ratelimit")) == ("7", "0")
    record = every.record
    assert (record.outcome, record.error, record.error_source) == ("failed", "upstream_status", "upstream")


@pytest.mark.parametrize("status", ACCOUNT)
def test_trouble_with_our_account_is_not_the_callers(status: int, every: Scene) -> None:
    client, first = ask(every)
    first.sends(unary(BUSY, ACCOUNT[status]))
    every.upstream().sends(unary(b'{"error":{"message":"Invalid key sk-spare-secret"}}', ACCOUNT[status]))
    answer = only(client.received())
    assert answer.status == 502
    what = "reports an empty balance" if status == 402 else "does not accept the gateway's credentials"
    message = (
        f"The provider {what}. This is the gateway's account, not your key; its operator has to mend it."
    )
    assert answer.body == error(message, "api_error", "upstream_account", None, "req_1")
    assert client.state == "open"
    assert every.record.error == "upstream_account"


@pytest.mark.parametrize(
    "status", [b"400 Bad Request", b"404 Not Found", b"413 Content Too Large", b"422 Unprocessable"]
)
def test_what_the_caller_did_wrong_passes_and_is_not_tried_again(status: bytes, every: Scene) -> None:
    client, first = ask(every)
    first.sends(unary(BUSY, status))
    answer = only(client.received())
    assert (answer.status, answer.body) == (int(status[:3]), BUSY)
    assert every.connects == 0
    # A path that does not exist up there is ours: the caller chose neither it nor the model's name.
    source = "upstream" if status.startswith(b"404") else "client"
    assert (every.record.error, every.record.error_source) == ("upstream_status", source)


def test_errors_under_a_binary_type_are_json(every: Scene) -> None:
    client, first = ask(every, "priced")
    first.sends(b"HTTP/1.1 400 Bad\r\nContent-Type: application/octet-stream\r\nContent-Length: 2\r\n\r\n{}")
    assert only(client.received()).header("content-type") == "application/json"


# -- connections --------------------------------------------------------------------------------------------------


def test_a_refused_connection_fails_over(every: Scene) -> None:
    every.network.refusing.add(CLOUD)
    client, second = ask(every)
    assert second.name == SPARE
    second.sends(unary(b"{}"))
    assert only(client.received()).body == b"{}"
    assert every.record.attempts == 2
    assert every.metrics.upstream_retries.labels("cloud-flash", "connect").value == 1


def test_nothing_can_be_reached(every: Scene) -> None:
    every.network.refusing |= {CLOUD, SPARE}
    client = every.client()
    client.sends(post(chat()))
    answer = only(client.received())
    message = "The upstream could not be reached: the connection was refused."
    assert answer.status == 502
    assert answer.body == error(message, "api_error", "upstream_connect_failed", None, "req_1")
    assert every.network.tried == [CLOUD, SPARE]
    assert client.state == "open"


def test_a_silent_address_is_given_up(scene: Scene) -> None:
    scene.network.silent |= {CLOUD, SPARE}
    client = scene.client()
    client.sends(post(chat()))
    scene.advance(4.5)
    assert scene.network.tried == [CLOUD]
    scene.advance(1.0)
    assert scene.network.tried == [CLOUD, SPARE]
    scene.advance(6.0)
    assert "no connection within 5 s" in str(only(client.received()).error["message"])


def test_a_stale_connection_is_replaced_once(every: Scene) -> None:
    client, first = ask(every, "priced")
    first.sends(unary(b"{}"))
    client.received()
    client.sends(post(chat("priced")))
    first.finishes()
    fresh = every.upstream()
    assert fresh.received().endswith(chat("priced"))
    fresh.finishes()
    answer = only(client.received())
    assert (answer.status, answer.error["code"]) == (502, "upstream_cut")
    assert every.connects == 0, "once"
    assert every.records[1].attempts == 2


def test_an_idle_connection_that_closes_is_not_used(every: Scene) -> None:
    client, first = ask(every, "priced")
    first.sends(unary(b"{}"))
    first.finishes()
    client.sends(post(chat("priced")))
    every.upstream().sends(unary(b"[]"))
    assert client.received().endswith(b"[]")


def test_an_idle_connection_that_speaks_is_closed(scene: Scene) -> None:
    client, first = ask(scene, "priced")
    first.sends(unary(b"{}"))
    first.sends(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
    assert first.state == "aborted"
    client.sends(post(chat("priced")))
    scene.upstream().sends(unary(b"[]"))
    assert client.received().endswith(b"[]")


def test_idle_connections_age(scene: Scene) -> None:
    client, first = ask(scene, "priced")
    first.sends(unary(b"{}"))
    scene.advance(49.0)
    assert first.state == "open"
    scene.advance(2.0)
    assert first.state == "aborted"
    assert only(client.received()).status == 200


@pytest.mark.parametrize("how", [b"Connection: close\r\n", b"Connection: X, close\r\n"])
def test_an_upstream_that_wants_to_close(how: bytes, every: Scene) -> None:
    client, first = ask(every, "priced")
    first.sends(unary(b"{}", headers=how))
    answer = only(client.received())
    assert answer.header("connection") is None, "that is between the upstream and us"
    assert (first.state, client.state) == ("aborted", "open")


# -- the first event is the limit ---------------------------------------------------------------------------------


def test_comments_do_not_end_the_right_to_try_elsewhere(every: Scene) -> None:
    client, first = ask(every, stream=True)
    first.sends(EVENTS_HEAD + CHUNKED + chunk(b": keep-alive\n\n") + chunk(b"\n"))
    assert read_answer(client.received())[0].body == b": keep-alive\n\n\n"
    first.resets()
    second = every.upstream()
    second.sends(stream(b": wait\n\n", event("b"), DONE))
    body = client.received()
    assert b"HTTP/1.1" not in body, "one answer, one head"
    whole = only(EVENTS_HEAD + CHUNKED + body)
    assert whole.body == b": wait\n\n" + event("b") + DONE
    assert (every.record.outcome, every.record.attempts) == ("answered", 2)


def test_a_first_event_ends_it(every: Scene) -> None:
    client, first = ask(every, stream=True)
    first.sends(EVENTS_HEAD + CHUNKED + chunk(event("a")))
    first.resets()
    assert only(client.received()).body.startswith(event("a") + b'data: {"error":')
    assert every.connects == 0


def test_an_empty_line_of_a_plain_answer_ends_it_too(every: Scene) -> None:
    """The head is out by then, and what it says another upstream need not keep."""
    client, first = ask(every)
    first.sends(JSON_HEAD + CHUNKED + chunk(b"\n"))
    first.resets()
    assert client.state == "aborted"
    assert every.connects == 0


SECOND: dict[str, bytes] = {
    "busy": unary(BUSY, STATUSES[503]),
    "our account": unary(BUSY, ACCOUNT[402]),
    "the caller's fault": unary(BUSY, b"400 Bad Request"),
    "a plain answer": unary(b"{}"),
    "garbage": b"nonsense\r\n\r\n",
}


@pytest.mark.parametrize("case", SECOND)
def test_a_stream_that_waits_ends_with_an_error_event(case: str, every: Scene) -> None:
    """A head and comments are out: whatever the other upstream says, the client gets a stream that ends well-formed."""
    client, first = ask(every, stream=True)
    first.sends(EVENTS_HEAD + CHUNKED + chunk(b": keep-alive\n\n"))
    first.resets()
    every.upstream().sends(SECOND[case])
    answer = only(client.received())
    assert answer.body.startswith(b': keep-alive\n\ndata: {"error":')
    assert answer.body.endswith(b"}\n\n")
    assert client.state == "open"
    assert every.record.outcome == "cut"


def test_a_stream_that_waits_while_nothing_else_can_be_reached(every: Scene) -> None:
    client, first = ask(every, stream=True)
    first.sends(EVENTS_HEAD + CHUNKED + chunk(b": keep-alive\n\n"))
    every.network.refusing.add(SPARE)
    first.resets()
    answer = only(client.received())
    assert answer.body.startswith(b': keep-alive\n\ndata: {"error":')


def test_a_stream_that_waits_too_long_twice(scene: Scene) -> None:
    client, first = ask(scene, stream=True)
    first.sends(EVENTS_HEAD + CHUNKED + chunk(b": keep-alive\n\n"))
    scene.advance(601.0)
    second = scene.upstream()
    scene.advance(601.0)
    answer = only(client.received())
    assert answer.body.startswith(b': keep-alive\n\ndata: {"error":')
    assert b'"upstream_timeout"' in answer.body
    assert first.state == second.state == "aborted"


def test_an_empty_stream_goes_elsewhere(every: Scene) -> None:
    client, first = ask(every, stream=True)
    first.sends(EVENTS_HEAD + CHUNKED + LAST)
    second = every.upstream()
    second.sends(stream(event("b"), DONE))
    assert only(client.received()).body == event("b") + DONE


def many() -> Snapshot:
    """One model at five providers."""
    base = snapshot()
    providers = {f"p{n}": provider(f"p{n}", f"198.51.100.{n}", "env:CLOUD") for n in range(1, 6)}
    deployments = tuple(Deployment(f"d{n}", f"p{n}", "flash") for n in range(1, 6))
    models = {"flash": Model("flash", tuple(range(5)))}
    return msgspec.structs.replace(base, providers=providers, deployments=deployments, models=models)


def test_three_attempts_at_most(scenes: MakeScene) -> None:
    scene = scenes(many())
    client = scene.client()
    client.sends(post(chat()))
    for _ in range(3):
        scene.upstream().sends(unary(BUSY, STATUSES[503]))
    assert only(client.received()).status == 503
    assert scene.connects == 0
    assert scene.record.attempts == 3
