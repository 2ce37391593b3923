"""Privacy over the whole data plane: what the upstream gets, and what the client gets back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seekgate.config.compiled.privacy import Answers, Privacy
from seekgate.pipeline.stage import Stage
from seekgate.stages.privacy.wiring import Builder
from tests.scenes.conftest import MakeScene
from tests.support.privacy import compact, event, texts_of
from tests.support.scene import Delivery, Peer, Scene
from tests.support.scene_answers import only, read_answer
from tests.support.scene_config import chat, post, snapshot
from tests.support.scene_streams import CHUNKED, DONE, EVENTS_HEAD, LAST, chunk, stream, unary, usage

BUILDER = Builder()
TYPES = ("CN_ID", "CN_MOBILE", "EMAIL")
WORDS = "我的电话是13812345678。"
KEY = (0, "content", -1)


def privacy(**settings: Any) -> list[Stage]:
    fields: dict[str, Any] = {"actions": {"*": "token"}, "key": "env:K", **settings}
    return [*BUILDER.stages(Privacy(TYPES, **fields), Path("/nowhere"), lambda _: "k" * 32)]


def ask(scene: Scene, streamed: bool = False, content: str = WORDS) -> tuple[Peer, Peer, str]:
    """The client, the upstream, and the content as the upstream got it."""
    client = scene.client()
    client.sends(post(chat(stream=streamed, messages=[{"role": "user", "content": content}])))
    upstream = scene.upstream()
    head, _, body = upstream.received().partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}" in head.decode().lower()
    sent: str = json.loads(body)["messages"][0]["content"]
    return client, upstream, sent


def said(text: str, finish: str | None = None) -> bytes:
    return event([{"index": 0, "delta": {"content": text}, "finish_reason": finish}])


def test_a_plain_answer_comes_back_with_its_values(scenes: MakeScene, delivery: Delivery) -> None:
    scene = scenes(delivery=delivery, early=privacy())
    client, upstream, sent = ask(scene)
    assert "13812345678" not in sent
    assert sent.startswith("我的电话是PII_CN_MOBILE_")
    answer = {"choices": [{"index": 0, "message": {"content": f"好: {sent}"}, "finish_reason": "stop"}]}
    upstream.sends(unary(compact(answer)))
    got = only(client.received())
    assert json.loads(got.body)["choices"][0]["message"]["content"] == f"好: {WORDS}"
    assert got.header("content-length") == str(len(got.body))
    assert scene.record.outcome == "answered"


def test_a_stream_comes_back_with_its_values(scenes: MakeScene, delivery: Delivery) -> None:
    scene = scenes(delivery=delivery, early=privacy())
    client, upstream, sent = ask(scene, streamed=True)
    answer = f"好 {sent} stop"
    events = [b": keep-alive\n\n", *(said(answer[at : at + 3]) for at in range(0, len(answer), 3))]
    events += [said("", "stop"), event([], usage=usage()), DONE]
    upstream.sends(stream(*events))
    got = only(client.received())
    assert texts_of(got.body) == {KEY: f"好 {WORDS} stop"}
    assert got.body.startswith(b": keep-alive\n\n")
    assert got.body.endswith(DONE)
    assert (scene.record.outcome, scene.record.prompt_tokens) == ("answered", 1000)


def test_events_go_out_as_they_come(scenes: MakeScene) -> None:
    scene = scenes(early=privacy())
    client, upstream, sent = ask(scene, streamed=True)
    token = sent[5:-1]
    upstream.sends(EVENTS_HEAD + CHUNKED)
    for text, expected in (("Hi", "Hi"), (token[:9], ""), (token[9:], "13812345678"), ("p", ""), ("!", "p!")):
        upstream.sends(chunk(said(text)))
        assert said(expected) in client.received()
    upstream.sends(chunk(said("p")) + chunk(DONE) + LAST)
    out = client.received()
    assert out.index(said("p")) < out.index(DONE)


def test_a_stream_that_is_cut_gives_what_was_held(scenes: MakeScene) -> None:
    scene = scenes(early=privacy())
    client, upstream, _ = ask(scene, streamed=True)
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(said("help")))
    upstream.finishes()
    got = only(client.received())
    assert texts_of(got.body) == {KEY: "help"}
    assert b'"code":"upstream_cut"' in got.body
    assert DONE not in got.body


def test_a_request_that_holds_nothing_is_relayed_as_bytes(scenes: MakeScene) -> None:
    scene = scenes(early=privacy())
    client, upstream, sent = ask(scene, streamed=True, content="你好")
    assert sent == "你好"
    odd = b'data: { "choices" : [ ] }\n\n'
    upstream.sends(stream(odd, DONE))
    assert only(client.received()).body == odd + DONE


def test_content_that_is_blocked_goes_nowhere(scenes: MakeScene) -> None:
    scene = scenes(early=privacy(actions={"CN_MOBILE": "block"}))
    client = scene.client()
    client.sends(post(chat(messages=[{"role": "user", "content": WORDS}])))
    answer, _ = read_answer(client.received())
    assert answer.status == 400
    assert answer.error["code"] == "content_policy_violation"
    assert "13812345678" not in answer.body.decode()
    assert scene.connects == 0
    assert scene.record.error == "content_blocked"


@pytest.mark.parametrize("there", [True, False])
def test_content_for_private_deployments_goes_there_or_nowhere(scenes: MakeScene, there: bool) -> None:
    base = snapshot()
    first, second, *rest = base.deployments
    spare = msgspec.structs.replace(second, tier="private") if there else second
    config = snapshot(deployments=(first, spare, *rest))
    scene = scenes(config, early=privacy(actions={"*": "private"}))
    client = scene.client()
    client.sends(post(chat(messages=[{"role": "user", "content": WORDS}])))
    if there:
        upstream = scene.upstream()
        assert upstream.name.startswith("198.51.100.2")
        assert "13812345678" in upstream.received().decode()
        upstream.sends(unary(compact({"choices": []})))
        assert only(client.received()).status == 200
    else:
        answer, _ = read_answer(client.received())
        assert answer.status == 403
        assert answer.error["code"] == "private_only"
        assert scene.connects == 0


@pytest.mark.parametrize("streamed", [True, False])
def test_an_answer_that_is_not_allowed_ends(scenes: MakeScene, streamed: bool) -> None:
    scene = scenes(early=privacy(answers=Answers({"CN_MOBILE": "block"})))
    client, upstream, _ = ask(scene, streamed, "你好")
    text = "电话是13987654321。" + "然后" * 60
    if streamed:
        upstream.sends(stream(*(said(text[at : at + 4]) for at in range(0, len(text), 4)), DONE))
        got = only(client.received())
        assert texts_of(got.body) == {KEY: "电话是"}
        assert b'"code":"content_policy_violation"' in got.body
        assert DONE not in got.body
    else:
        upstream.sends(unary(compact({"choices": [{"message": {"content": text}}]})))
        answer, _ = read_answer(client.received())
        assert answer.status == 400
        assert answer.error["code"] == "content_policy_violation"
    assert b"139" not in client.received()


def test_the_access_log_has_no_token_and_no_value(scenes: MakeScene) -> None:
    scene = scenes(early=privacy())
    client, upstream, sent = ask(scene)
    upstream.sends(unary(compact({"choices": [{"message": {"content": sent}}]})))
    client.received()
    line = msgspec.json.encode(scene.record).decode()
    assert "138" not in line
    assert "PII_" not in line
