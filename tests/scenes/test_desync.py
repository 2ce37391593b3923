"""Answers stay with their requests, whatever an upstream sends beside, before or behind them; and each bound holds."""

from __future__ import annotations

import pytest

from tests.scenes.conftest import MakeScene
from tests.support.scene import Peer, Scene
from tests.support.scene_answers import only, read_answer
from tests.support.scene_config import chat, limits, post
from tests.support.scene_streams import CHUNKED, EVENTS_HEAD, chunk, event, unary

SMUGGLED = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{"smuggled":"answer"}'
)


def ask(scene: Scene, model: str = "priced", stream: bool = False) -> tuple[Peer, Peer]:
    client = scene.client()
    client.sends(post(chat(model, stream=stream)))
    return client, scene.upstream()


@pytest.mark.parametrize("cut", [1, 9, 40, 70, len(SMUGGLED)])
def test_what_stands_behind_an_answer_never_answers_another_request(cut: int, scene: Scene) -> None:
    client, first = ask(scene)
    first.sends(unary(b"{}") + SMUGGLED[:cut])
    assert only(client.received()).body == b"{}"
    other = scene.client()
    other.sends(post(chat("priced")))
    second = scene.upstream()
    if first.state == "open":
        first.sends(SMUGGLED[cut:])
    second.sends(unary(b"[1]"))
    assert only(other.received()).body == b"[1]"
    assert first.state != "open"


def test_garbage_behind_a_whole_answer_costs_only_the_connection(scene: Scene) -> None:
    client, first = ask(scene)
    first.sends(unary(b"{}") + b"\x00garbage")
    assert only(client.received()).body == b"{}"
    assert scene.record.outcome == "answered"
    assert first.state != "open"


def test_a_status_line_in_a_read_of_its_own_is_not_overheard(scene: Scene) -> None:
    client, first = ask(scene)
    tail = b"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    for status in (b"200 OK", b"400 Bad Request", b"200 OK"):
        first.sends(b"HTTP/1.1 " + status)
        first.sends(tail)
        answer = only(client.received())
        assert (answer.status, answer.body) == (int(status[:3]), b"{}")
        client.sends(post(chat("priced")))
    first.sends(unary(b"[]"))
    assert only(client.received()).body == b"[]"


def test_an_answer_that_was_there_before_the_request_is_none(scene: Scene) -> None:
    client, first = ask(scene)
    first.sends(unary(b"{}"))
    client.received()
    late = unary(b"{}", b"408 Request Timeout", b"Connection: close\r\n")

    def both() -> None:
        client.transport.peer_sends(post(chat("priced")))
        first.transport.peer_sends(late)

    scene.play(both)
    scene.upstream().sends(unary(b"[]"))
    assert only(client.received()).body == b"[]"


def test_half_an_event_that_is_out_ends_the_right_to_try_elsewhere(scene: Scene) -> None:
    client, first = ask(scene, "flash", stream=True)
    first.sends(EVENTS_HEAD + CHUNKED + chunk(b"data: " + b"x" * 1_200_000))
    first.resets()
    answer, _ = read_answer(client.received())
    assert scene.connects == 0
    assert b'"code":"upstream_cut"' in answer.body
    assert scene.record.outcome == "cut"


def test_a_kept_connection_that_was_lost_while_working_is_not_asked_again(scene: Scene) -> None:
    client, first = ask(scene)
    first.sends(unary(b"{}"))
    client.received()
    client.sends(post(chat("priced")))
    scene.advance(2.5)
    first.finishes()
    assert only(client.received()).status == 502
    assert scene.connects == 0


def test_headers_of_one_hop_are_not_passed_on(scene: Scene) -> None:
    client, first = ask(scene)
    first.sends(unary(b"{}", b"200 OK", b"X-Hop: 1\r\nX-Stays: 2\r\nConnection: keep-alive, X-Hop\r\n"))
    data = client.received()
    assert b"X-Stays: 2\r\n" in data
    assert b"X-Hop" not in data


def test_bodies_that_arrive_share_a_bound(scenes: MakeScene) -> None:
    scene = scenes(limits(buffer_bytes=100_000))
    head = post(b"x" * 90_000).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    first, second = scene.client(), scene.client()
    first.sends(head + b"x" * 80_000)
    assert first.received() == b""
    second.sends(head + b"x" * 30_000)
    assert only(second.received()).status == 503
    assert first.state == "open"
    first.resets()
    third = scene.client()
    third.sends(head + b"x" * 80_000)
    assert third.received() == b"", "what a client held is free again when it leaves"
    assert scene.refusals == [("192.0.2.1", "buffers_full")]


def test_who_reads_slowly_but_reads_is_not_cut_off(scenes: MakeScene) -> None:
    scene = scenes(limits(idle_timeout=4.0))
    client, first = ask(scene, stream=True)
    client.stops_reading()
    first.sends(EVENTS_HEAD + CHUNKED + b"".join(chunk(event("x" * 40)) for i in range(9000)))
    for _ in range(4):
        scene.advance(3)
        client.transport.peer_takes(10_000)
    assert client.transport.open
    scene.advance(9)
    assert not client.transport.open, "who reads nothing is"
