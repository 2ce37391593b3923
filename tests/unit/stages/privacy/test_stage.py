"""The stage: what a request becomes, what is remembered of it, and how its answer comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from seekgate.config.compiled.privacy import Action, Rule
from seekgate.pipeline.exchange import Endpoint, Exchange
from seekgate.pipeline.principal import Principal
from seekgate.pipeline.stage import Reply, Verdict
from seekgate.stages.decode.stage import Decode
from seekgate.stages.privacy.budget import MAX_PLACES
from seekgate.stages.privacy.detect import KINDS, Detector
from seekgate.stages.privacy.stage import MAX_FINDINGS, MAX_STRINGS, Privacy
from seekgate.stages.privacy.state import Policy, in_answers
from seekgate.stages.privacy.tokens import Mint
from seekgate.stages.privacy.window import Scanning
from seekgate.wire import errors
from tests.support.privacy import compact, event, texts_of
from tests.support.scene_exchange import exchange

DETECTOR = Detector()
MINT = Mint(b"k" * 32)
ASK = "我的电话是13812345678，邮箱是 li.lei@example.org"


def stage(
    actions: Mapping[str, Action] | None = None,
    rules: Sequence[Rule] = (),
    answers: Mapping[str, str] | None = None,
) -> Privacy:
    types = [(name, kind.data_class, kind.action) for name, kind in KINDS.items()]
    policy = Policy(types, actions or {}, rules)
    scanning = None
    if answers is not None:
        scanning = Scanning(DETECTOR.scan, in_answers(answers, policy.classes), 64)
    return Privacy(DETECTOR.look, DETECTOR.scan_bytes, DETECTOR.scan, policy, MINT, scanning)


def asked(privacy: Privacy, content: Any = ASK, **more: Any) -> tuple[Exchange, Verdict]:
    fields = more.pop("fields", {})
    body = compact({"model": "m", "messages": [{"role": "user", "content": content}], **more})
    x = exchange(body, **fields)
    assert Decode().on_request(x) is None
    return x, privacy.on_request(x)


def content(x: Exchange) -> str:
    said: str = json.loads(x.request.body)["messages"][0]["content"]
    assert x.tree["messages"][0]["content"] == said, "later stages read what is sent"
    return said


def test_a_token_that_somebody_brings_in_another_string_is_escaped() -> None:
    first, _ = asked(stage({"CN_MOBILE": "token"}), "13812345678")
    token = content(first)
    x, _ = asked(stage({"CN_MOBILE": "token"}), "13812345678", user=f"I am {token}")
    assert content(x) == token
    assert x.tree["user"] == json.loads(x.request.body)["user"] != f"I am {token}"


def test_nothing_found_changes_nothing_and_costs_no_answer() -> None:
    x, verdict = asked(stage(), "How many rivers are there?")
    assert x.received is None
    body = x.request.body
    assert verdict is None
    assert x.request.body is body
    assert (x.inspected, x.privacy, x.detected, x.decisions) == (False, None, None, ())


def test_masks_leave_the_answer_alone() -> None:
    x, verdict = asked(stage())
    assert verdict is None
    assert content(x).startswith("我的电话是138****5678，邮箱是 ")
    assert "li.lei@" not in content(x)
    assert x.received is not None
    assert "li.lei@" in x.received.decode(), "the audit has a digest of what was asked"
    assert x.detected == {"CN_MOBILE": 1, "EMAIL": 1}
    assert x.data_classes == {"personal"}
    assert x.decisions == ("privacy:mask:CN_MOBILE", "privacy:mask:EMAIL")
    assert (x.inspected, x.privacy) == (False, None)


def test_only_the_findings_bytes_change() -> None:
    body = b'{ "model" : "m" ,"messages":[{"role":"user","content":"\\u7535\\u8bdd 13812345678 \\/"}],"seed":1e2}'
    x = exchange(body)
    assert Decode().on_request(x) is None
    assert stage().on_request(x) is None
    assert x.request.body == body.replace(b"13812345678", b"138****5678")


def test_tokens_come_back_in_a_plain_answer() -> None:
    privacy = stage({"*": "token"})
    x, verdict = asked(privacy)
    assert verdict is None
    assert x.inspected
    sent = content(x)
    assert sent.startswith("我的电话是PII_CN_MOBILE_")
    answer = compact({"choices": [{"message": {"content": f"OK: {sent.upper()}"}}]})
    back = json.loads(privacy.on_chunk(x, b"\n \n" + answer))["choices"][0]["message"]["content"]
    assert back == f"OK: {ASK}"
    privacy.on_end(x)
    assert x.privacy is None


def test_tokens_come_back_in_a_stream() -> None:
    privacy = stage({"*": "token"})
    x, _ = asked(privacy, stream=True)
    key = (0, "content", -1)
    chunks = [event([{"index": 0, "delta": {"content": c}, "finish_reason": None}]) for c in content(x)]
    out = b"".join(privacy.on_chunk(x, chunk) for chunk in [b": wait\n\n", *chunks]) + privacy.on_last(x)
    assert texts_of(out) == {key: ASK}
    assert out.startswith(b": wait\n\n")


def test_the_same_words_have_the_same_tokens_again_but_not_elsewhere() -> None:
    privacy = stage({"*": "token"})
    first = content(asked(privacy, fields={"principal": Principal(organisation="a")})[0])
    again = content(asked(privacy, fields={"principal": Principal(organisation="a")})[0])
    other = content(asked(privacy, fields={"principal": Principal(organisation="b")})[0])
    assert first == again != other


def test_block_names_types_and_never_values() -> None:
    x, verdict = asked(stage({"CN_MOBILE": "block", "EMAIL": "block"}))
    assert isinstance(verdict, Reply)
    assert verdict.error is errors.CONTENT_BLOCKED
    assert verdict.message.endswith("does not let through: CN_MOBILE, EMAIL.")
    assert "138" not in verdict.message
    assert x.decisions == ("privacy:block:CN_MOBILE", "privacy:block:EMAIL")


def test_private_sends_it_as_it_is_to_private_deployments_only() -> None:
    x, verdict = asked(stage({"CN_MOBILE": "private"}))
    assert verdict is None
    assert x.private_only
    assert "13812345678" in content(x)
    assert "li.lei@" not in content(x)
    assert not asked(stage({"CN_ID": "private"}))[0].private_only


def test_reports_change_nothing() -> None:
    x, _ = asked(stage({"*": "report"}))
    assert content(x) == ASK
    assert x.decisions == ("privacy:report:CN_MOBILE", "privacy:report:EMAIL")


def test_rules_by_caller_route_and_company() -> None:
    rules = [
        Rule({"CN_MOBILE": "report"}, roles=("support",)),
        Rule({"personal": "block"}, tiers=("core",)),
        Rule({"*": "private"}, routes=("/x",)),
        Rule({"EMAIL": "block"}, classes=("secret",)),
    ]
    privacy = stage(rules=rules)
    assert "13812345678" in content(asked(privacy, fields={"principal": Principal(roles=("support",))})[0])
    assert isinstance(asked(privacy, fields={"principal": Principal(tier="core")})[1], Reply)
    assert asked(privacy, fields={"endpoint": Endpoint("chat", "/chat/completions", "/x")})[0].private_only
    assert asked(privacy)[1] is None
    key = "sk-proj-Zx81kQp0Lm47VtRs92WyBn63HcJd"
    assert isinstance(asked(privacy, f"{ASK} api_key={key}")[1], Reply)


def test_every_string_is_read() -> None:
    number = "13812345678"
    call = {"id": number, "type": "function", "function": {"name": "f", "arguments": f'{{"n":{number}}}'}}
    body = {
        "model": "m",
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": number}], "name": number},
            {"role": "assistant", "content": None, "reasoning_content": number, "tool_calls": [call]},
        ],
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"properties": {number: {}}}}}
        ],
        "user": number,
        "stop": [number],
        "metadata": {number: "x"},
    }
    x = exchange(compact(body))
    assert Decode().on_request(x) is None
    assert stage({"CN_MOBILE": "token"}).on_request(x) is None
    assert x.detected == {"CN_MOBILE": 8}
    assert x.request.body.count(number.encode()) == 1, "only the call's id, which is listed as not read"


def test_two_keys_that_would_become_one_are_refused() -> None:
    x, verdict = asked(stage(), "x", metadata={"13812345678": 1, "13899995678": 2})
    assert isinstance(verdict, Reply)
    assert verdict.error is errors.CONTENT_BLOCKED
    assert "138" not in verdict.message
    assert x.detected == {"CN_MOBILE": 2}


def test_answers_are_masked() -> None:
    privacy = stage(answers={"personal": "mask"})
    x, _ = asked(privacy, "hello")
    assert x.inspected
    answer = compact({"choices": [{"message": {"content": "电话是13987654321。"}}]})
    out = privacy.on_chunk(x, answer)
    assert "139****4321" in out.decode()
    privacy.on_end(x)
    assert x.detected == {"answer:CN_MOBILE": 1}
    assert x.decisions == ("privacy:answer:mask:CN_MOBILE",)


@pytest.mark.parametrize("streamed", [True, False])
def test_answers_are_stopped(streamed: bool) -> None:
    privacy = stage(answers={"CN_MOBILE": "block"})
    x, _ = asked(privacy, "hello", stream=streamed)
    text = "电话是13987654321。" + "然后" * 60
    if streamed:
        chunks = [event([{"index": 0, "delta": {"content": c}, "finish_reason": None}]) for c in text]
        out = b"".join(privacy.on_chunk(x, chunk) for chunk in chunks if x.stop is None)
        assert texts_of(out) == {(0, "content", -1): "电话是"}
    else:
        privacy.on_chunk(x, compact({"choices": [{"message": {"content": text}}]}))
    assert x.stop is not None
    assert x.stop.error is errors.CONTENT_BLOCKED
    assert "CN_MOBILE" in x.stop.message
    assert "139" not in x.stop.message


def test_an_answer_is_stopped_at_its_very_end() -> None:
    privacy = stage(answers={"CN_MOBILE": "block"})
    x, _ = asked(privacy, "hello", stream=True)
    privacy.on_chunk(x, event([{"index": 0, "delta": {"content": "13987654321"}, "finish_reason": None}]))
    assert x.stop is None
    assert b"139" not in privacy.on_last(x)
    assert x.stop is not None


@pytest.mark.parametrize(
    "end", [b"data: [DONE]\n\n", event([{"index": 0, "delta": {}, "finish_reason": "stop"}])]
)
def test_a_stopped_answer_has_no_good_end(end: bytes) -> None:
    privacy = stage(answers={"CN_MOBILE": "block"})
    x, _ = asked(privacy, "hello", stream=True)
    privacy.on_chunk(x, event([{"index": 0, "delta": {"content": "yes 13987654321"}, "finish_reason": None}]))
    out = privacy.on_chunk(x, end + b"data: [DONE]\n\n")
    assert texts_of(out) == {(0, "content", -1): "yes "}
    assert b"DONE" not in out
    assert b'"stop"' not in out
    assert x.stop is not None


def test_what_was_restored_is_no_finding() -> None:
    privacy = stage({"*": "token"}, answers={"personal": "mask"})
    x, _ = asked(privacy)
    answer = compact({"choices": [{"message": {"content": f"{content(x)} 13987654321"}}]})
    back = json.loads(privacy.on_chunk(x, answer))["choices"][0]["message"]["content"]
    assert back == f"{ASK} 139****4321"


def test_exchanges_of_others_pass() -> None:
    privacy = stage()
    x = exchange(endpoint=Endpoint("models", "/models"))
    assert privacy.on_request(x) is None
    assert privacy.on_chunk(x, b"data: x\n\n") == b"data: x\n\n"
    assert privacy.on_last(x) == b""
    privacy.on_end(x)
    assert stage(answers={"*": "mask"}).on_request(x) is None
    assert not x.inspected


def test_json_mode_stays_json() -> None:
    privacy = stage({"*": "token"})
    x, _ = asked(
        privacy, "password: 'pa\"ss\\word9!' and 13812345678", response_format={"type": "json_object"}
    )
    said = json.dumps({"echo": content(x)})
    answer = compact({"choices": [{"message": {"content": said}}]})
    back = json.loads(privacy.on_chunk(x, answer))["choices"][0]["message"]["content"]
    assert "13812345678" in json.loads(back)["echo"]


def test_what_would_take_too_long_is_refused() -> None:
    privacy = stage({"*": "token"})
    places = "12345678 " * (MAX_PLACES // 2 + 1)
    many: Any = {str(number): "13812345678" for number in range(MAX_FINDINGS + 1)}
    cases = {
        f"more than {MAX_STRINGS} strings": asked(privacy, ASK, metadata=["x"] * (MAX_STRINGS + 1)),
        f"more than {MAX_PLACES} places": asked(privacy, ASK, metadata={"a": places, "b": places}),
        f"more than {MAX_FINDINGS} findings": asked(privacy, ASK, metadata=many),
        "words that look like tokens": asked(privacy, ASK + " pii" * 10_001),
    }
    for words, (_, verdict) in cases.items():
        assert isinstance(verdict, Reply)
        assert verdict.error is errors.BODY_TOO_LARGE
        assert words in verdict.message
    quotes = asked(privacy, ASK + '"' * (2 * MAX_STRINGS + 10))
    assert quotes[1] is None
    assert asked(privacy, "x", metadata=["x"] * (MAX_STRINGS + 1))[1] is None


def test_one_finding_among_many_strings_is_found() -> None:
    x, verdict = asked(stage(), "x", input=["nothing here"] * 500 + ["call 13812345678"] + ["or here"] * 500)
    assert verdict is None
    assert x.detected == {"CN_MOBILE": 1}
    assert x.tree["input"][500] == "call 138****5678"
