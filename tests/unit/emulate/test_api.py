"""Routes, keys, models, the cache and the cap: what does not belong to one dialect."""

from __future__ import annotations

import json

import pytest

from seekgate.emulate.api import split_path
from seekgate.emulate.faults import Faults
from seekgate.emulate.scenario import parse_scenario
from seekgate.emulate.settings import FLASH, PRO, ModelSpec
from tests.unit.emulate.support import HELLO, chat, chunks, error, events, make_api, reply, send

LONG = [{"role": "system", "content": "You are careful. " * 40}, *HELLO]


@pytest.mark.parametrize(
    ("target", "path", "beta"),
    [
        ("/chat/completions", "/chat/completions", False),
        ("/v1/chat/completions?x=1", "/chat/completions", False),
        ("/beta/chat/completions", "/chat/completions", True),
        ("/beta/v1/chat/completions", "/chat/completions", True),
        ("/anthropic/v1/messages?beta=true", "/anthropic/v1/messages", False),
        ("/v1", "/v1", False),
    ],
)
def test_a_path_is_the_same_with_and_without_v1(target: str, path: str, beta: bool) -> None:
    assert split_path(target) == (path, beta)


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/chat/completions", "/beta/chat/completions"])
def test_chat_is_under_every_base(path: str) -> None:
    assert reply(make_api(), chat(), path)["object"] == "chat.completion"


def test_other_paths_and_methods_are_refused() -> None:
    error(send(make_api(), path="/nothing", method="GET"), 404)
    error(send(make_api(), path="/chat/completions", method="GET"), 405)
    error(send(make_api(), path="/models", method="OPTIONS"), 405)
    head = send(make_api(), path="/models", method="HEAD").answer
    assert (head.status, head.body) == (405, b"")


@pytest.mark.parametrize("path", ["/models", "/v1/models"])
def test_models_are_listed(path: str) -> None:
    body = reply(make_api(), None, path, method="GET")
    assert [model["id"] for model in body["data"]] == [
        "deepseek-flash",
        "deepseek-v4-pro",
        "emulated-embedding",
    ]
    assert {model["object"] for model in body["data"]} == {"model"}


def test_the_balance_is_told() -> None:
    body = reply(make_api(), None, "/user/balance", method="GET")
    assert body["is_available"] is True
    assert body["balance_infos"][0]["total_balance"] == "110.00"


@pytest.mark.parametrize("path", ["/models", "/user/balance"])
@pytest.mark.parametrize("key", [None, "sk-emulate-invalid"])
def test_lists_need_a_key_too(path: str, key: str | None) -> None:
    error(send(make_api(), path=path, method="GET", key=key), 401)


def test_an_alias_is_answered_by_its_model() -> None:
    assert reply(make_api(), chat(model="deepseek-v4-flash"))["model"] == "deepseek-flash"
    assert reply(make_api(), chat(model="deepseek-v4-pro"))["model"] == "deepseek-v4-pro"


@pytest.mark.parametrize("model", ["gpt-4o", "deepseek-chat", "deepseek-reasoner", ""])
def test_unknown_and_retired_models_are_refused(model: str) -> None:
    refused = error(send(make_api(), chat(model=model)), 400)
    assert (refused["type"], refused["param"]) == ("invalid_request_error", "model")


def test_a_prompt_longer_than_the_context_is_refused() -> None:
    assert FLASH.context == PRO.context == 1_000_000
    api = make_api(models=(ModelSpec(name="small", context=100),))
    error(send(api, {"model": "small", "messages": LONG}), 400)
    assert reply(api, {"model": "small", "messages": HELLO})


@pytest.mark.parametrize(
    ("body", "key", "emulate", "status"),
    [
        (b"{", "sk-a", "", 400),
        (chat(), None, "", 401),
        (chat(), "sk-emulate-invalid", "", 401),
        (chat(), "sk-emulate-broke", "", 402),
        ({"model": "deepseek-flash"}, "sk-a", "", 422),
        (chat(temperature="hot"), "sk-a", "", 422),
        (chat(), "sk-a", "status=429", 429),
        (chat(), "sk-a", "status=500", 500),
        (chat(), "sk-a", "status=503", 503),
    ],
)
def test_every_error_code_has_the_four_fields(
    body: object, key: str | None, emulate: str, status: int
) -> None:
    handled = send(make_api(), body, key=key, emulate=emulate)
    assert list(error(handled, status)) == ["message", "type", "param", "code"]
    assert handled.answer.content_type == "application/json"


def test_an_error_can_come_as_octet_stream() -> None:
    answer = send(make_api(), chat(), emulate="status=503, octet-error").answer
    assert (answer.status, answer.content_type) == (503, "application/octet-stream")
    assert json.loads(answer.body)["error"]["message"]


def test_an_error_can_carry_retry_after() -> None:
    answer = send(make_api(), chat(), emulate="status=429, retry-after=2").answer
    assert dict(answer.headers)["retry-after"] == "2"


def test_a_wrong_fault_is_told() -> None:
    assert "'ltency' is no fault" in error(send(make_api(), chat(), emulate="ltency=1s"), 400)["message"]


def test_answers_carry_a_trace_id_of_their_own() -> None:
    api = make_api()
    traces = [dict(send(api, chat(), number=number).answer.headers)["x-ds-trace-id"] for number in (1, 2)]
    traces.append(dict(send(api, b"{", number=3).answer.headers)["x-ds-trace-id"])
    assert len(set(traces)) == 3
    assert all(len(trace) == 32 and int(trace, 16) >= 0 for trace in traces)


def test_the_fingerprint_belongs_to_the_model_and_can_change() -> None:
    api = make_api()
    first, second = (reply(api, chat())["system_fingerprint"] for _ in range(2))
    assert first == second != reply(api, chat(model="deepseek-v4-pro"))["system_fingerprint"]
    assert reply(api, chat(), emulate="fingerprint=fp_new")["system_fingerprint"] == "fp_new"


def test_text_depends_on_the_seed_and_the_prompt() -> None:
    def text(seed: int, **fields: object) -> object:
        return reply(make_api(seed=seed), chat(**fields))["choices"][0]["message"]

    assert text(1) == text(1)
    assert text(1) != text(2)
    assert text(1) != text(1, messages=LONG)
    assert text(1, temperature=1.0) == text(1, temperature=0.0)


def test_the_cache_counts_the_real_prefix_in_units_of_64() -> None:
    api = make_api()
    first = reply(api, chat(messages=LONG))["usage"]
    assert first["prompt_cache_hit_tokens"] == 0
    longer = [*LONG, {"role": "assistant", "content": "hello"}, *HELLO]
    second = reply(api, chat(messages=longer))["usage"]
    assert second["prompt_cache_hit_tokens"] == first["prompt_tokens"] // 64 * 64 > 0
    for usage in (first, second):
        assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"]
        assert usage["prompt_tokens_details"]["cached_tokens"] == usage["prompt_cache_hit_tokens"]
    other = [{"role": "system", "content": "Quite another beginning"}, *LONG]
    assert reply(api, chat(messages=other))["usage"]["prompt_cache_hit_tokens"] == 0


def test_user_id_model_and_account_have_caches_of_their_own() -> None:
    api = make_api(accounts={"sk-b": "b"})
    reply(api, chat(messages=LONG, user_id="one"))

    def hits(key: str = "sk-a", **fields: object) -> object:
        return reply(api, chat(messages=LONG, **fields), key=key)["usage"]["prompt_cache_hit_tokens"]

    assert hits(user_id="one") != 0
    assert hits(user_id="two") == 0
    assert hits() == 0
    assert hits(user_id="one", model="deepseek-v4-pro") == 0
    assert hits(user_id="one", key="sk-b") == 0


@pytest.mark.parametrize("user_id", ["a b", "x" * 513, "用户", ""])
def test_a_user_id_of_other_characters_is_refused(user_id: str) -> None:
    assert error(send(make_api(), chat(user_id=user_id)), 400)["param"] == "user_id"


def test_beyond_the_cap_of_account_and_model_the_answer_is_429() -> None:
    models = (ModelSpec(name="deepseek-flash", concurrency=2), PRO)
    api = make_api(models=models, accounts={"sk-b": "b"})
    held = [send(api, chat(), key=key) for key in ("sk-1", "sk-2")]
    assert [handled.lease for handled in held] == [("default", "deepseek-flash")] * 2
    assert error(send(api, chat(), key="sk-3"), 429)["type"] == "rate_limit_error"
    reply(api, chat(), key="sk-b")
    reply(api, chat(model="deepseek-v4-pro"), key="sk-1")
    api.accounts.release("default", "deepseek-flash")
    reply(api, chat(), key="sk-3")


def test_refused_requests_hold_no_slot() -> None:
    api = make_api()
    for body in (b"{", chat(model="x"), chat(user_id="a b")):
        assert send(api, body).lease is None
    assert api.accounts.running("default", "deepseek-flash") == 0


def test_rules_and_the_header_add_up() -> None:
    rules = parse_scenario(
        {
            "rules": [
                {
                    "match": {"model": "deepseek-flash", "path": "/chat/completions", "nth": 2},
                    "faults": "cut=1,slow=1s",
                }
            ]
        }
    ).rules
    api = make_api(rules=rules, always=Faults(latency=0.5))
    assert send(api, chat(), "/v1/chat/completions").faults == Faults(latency=0.5)
    alias = chat(model="deepseek-v4-flash")
    assert send(api, alias, "/v1/chat/completions", emulate="cut=9").faults == Faults(
        latency=0.5, cut=9, slow=1.0
    )
    assert send(api, chat()).faults == Faults(latency=0.5)


def test_a_prefix_is_continued_under_beta_only() -> None:
    messages = [*HELLO, {"role": "assistant", "content": "```python\n", "prefix": True}]
    body = reply(make_api(), chat(messages=messages), "/beta/chat/completions")
    assert body["choices"][0]["message"]["content"]
    error(send(make_api(), chat(messages=messages), "/v1/chat/completions"), 400)


def test_content_arrays_and_images_are_taken() -> None:
    content = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]
    body = chat(messages=[{"role": "user", "content": content}])
    usage = reply(make_api(), body)["usage"]
    assert usage["prompt_tokens"] > 256
    assert (
        "".join(
            part["choices"][0]["delta"]["content"] or ""
            for part in chunks(events(make_api(), {**body, "stream": True}, emulate="echo"))
        )
        == "what is this?"
    )
    error(send(make_api(), {**body, "model": "deepseek-v4-pro"}), 400)
