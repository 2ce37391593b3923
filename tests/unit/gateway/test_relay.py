"""What is read from answers of every size."""

from __future__ import annotations

import json

import pytest

from tests.support.scene import Scene
from tests.support.scene_answers import only
from tests.support.scene_config import chat, post
from tests.support.scene_streams import CHUNKED, JSON_HEAD, LAST, chunk, unary, usage


def answer(size: int) -> bytes:
    body = {"model": "real", "choices": [{"finish_reason": "stop", "text": "x" * size}], "usage": usage()}
    return json.dumps({**body, "system_fingerprint": "fp"}).encode()


@pytest.mark.parametrize("size", [0, 200_000, 300_000, 1_000_000])
@pytest.mark.parametrize("chunked", [True, False])
def test_usage_of_a_plain_answer(size: int, chunked: bool) -> None:
    with Scene() as scene:
        client = scene.client()
        client.sends(post(chat("priced")))
        body = answer(size)
        if chunked:
            pieces = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
            sent = JSON_HEAD + CHUNKED + b"".join(map(chunk, pieces)) + LAST
            upstream = scene.upstream()
            for at in range(0, len(sent), 50_000):
                upstream.sends(sent[at : at + 50_000])
        else:
            scene.upstream().sends(unary(body))
        assert only(client.received()).body == body
        record = scene.record
        assert (record.prompt_tokens, record.cached_tokens, record.completion_tokens) == (1000, 400, 50)
        assert record.bytes_out == len(body)
        assert record.cost_micro > 0


def test_an_answer_that_is_no_json() -> None:
    with Scene() as scene:
        client = scene.client()
        client.sends(post(chat("priced")))
        scene.upstream().sends(unary(b"<html>\xff"))
        assert only(client.received()).body == b"<html>\xff"
        assert (scene.record.prompt_tokens, scene.record.cost_micro) == (0, 0)


def test_empty_lines_before_a_plain_answer_go_out_at_once_and_count_as_nothing() -> None:
    with Scene() as scene:
        client = scene.client()
        client.sends(post(chat("priced")))
        upstream = scene.upstream()
        upstream.sends(JSON_HEAD + CHUNKED + chunk(b"\n"))
        assert client.received().endswith(chunk(b"\n"))
        scene.advance(300.0)
        upstream.sends(chunk(b"\n"))
        scene.advance(299.0)
        upstream.sends(chunk(b"{}") + LAST)
        assert client.received() == chunk(b"\n") + chunk(b"{}") + LAST
        assert scene.record.ttft_us == 599_000_000
