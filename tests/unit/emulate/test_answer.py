from __future__ import annotations

from seekgate.emulate.answer import JSON, Answer, named_sse, sse


def test_an_event_ends_in_an_empty_line() -> None:
    assert sse(b"{}") == b"data: {}\n\n"
    assert named_sse("ping", {"type": "ping"}) == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_an_answer_is_json_unless_it_says_otherwise() -> None:
    answer = Answer(200, b"{}")
    assert (answer.content_type, answer.events, answer.waits) == (JSON, None, False)
