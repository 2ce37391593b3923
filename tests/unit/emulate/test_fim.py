from __future__ import annotations

import pytest

from tests.unit.emulate.support import chunks, error, events, make_api, reply, send

PATH = "/beta/completions"
BODY = {"model": "deepseek-flash", "prompt": "def fib(n):", "suffix": "    return a"}


@pytest.mark.parametrize("path", [PATH, "/beta/v1/completions"])
def test_the_middle_is_filled_in(path: str) -> None:
    body = reply(make_api(), BODY, path)
    assert body["object"] == "text_completion"
    choice = body["choices"][0]
    assert choice["text"]
    assert choice["finish_reason"] == "stop"
    usage = body["usage"]
    assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"]


@pytest.mark.parametrize("path", ["/completions", "/v1/completions"])
def test_it_is_not_there_without_beta(path: str) -> None:
    assert "/beta" in error(send(make_api(), BODY, path), 400)["message"]


@pytest.mark.parametrize(("limit", "status"), [(4_096, 200), (4_097, 400)])
def test_output_is_at_most_4k(limit: int, status: int) -> None:
    assert send(make_api(), {**BODY, "max_tokens": limit}, PATH).answer.status == status


def test_4k_is_the_limit_when_none_is_given() -> None:
    body = reply(make_api(), BODY, PATH, emulate="tokens=5000,token-bytes=4")
    assert (body["usage"]["completion_tokens"], body["choices"][0]["finish_reason"]) == (4_096, "length")


def test_it_does_not_think_and_refuses_to() -> None:
    assert (
        error(send(make_api(), {**BODY, "thinking": {"type": "enabled"}}, PATH), 400)["param"] == "thinking"
    )
    body = reply(make_api(), {**BODY, "thinking": {"type": "disabled"}}, PATH)
    assert "completion_tokens_details" not in body["usage"]


def test_echo_puts_the_prompt_before_the_text() -> None:
    plain, echoed = reply(make_api(), BODY, PATH), reply(make_api(), {**BODY, "echo": True}, PATH)
    assert echoed["choices"][0]["text"] == BODY["prompt"] + plain["choices"][0]["text"]


@pytest.mark.parametrize("echo", [False, True])
def test_the_stream_says_the_same_as_the_body(echo: bool) -> None:
    wanted = {**BODY, "echo": echo, "logprobs": 2}
    body = reply(make_api(), wanted, PATH)
    parts = chunks(events(make_api(), {**wanted, "stream": True}, PATH))
    assert "".join(part["choices"][0]["text"] for part in parts) == body["choices"][0]["text"]
    assert parts[-1]["usage"] == body["usage"]
    logprobs = [part["choices"][0]["logprobs"] for part in parts if part["choices"][0]["logprobs"]]
    for field in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
        assert [entry for part in logprobs for entry in part[field]] == body["choices"][0]["logprobs"][field]


def test_include_usage_adds_a_chunk() -> None:
    body = {**BODY, "stream": True, "stream_options": {"include_usage": True}}
    parts = chunks(events(make_api(), body, PATH))
    assert all(part["usage"] is None for part in parts[:-1])
    assert parts[-1]["choices"] == []


def test_parameters_are_checked() -> None:
    assert error(send(make_api(), {**BODY, "logprobs": 21}, PATH), 400)["param"] == "logprobs"
    assert error(send(make_api(), {**BODY, "user_id": "a b"}, PATH), 400)["param"] == "user_id"
    error(send(make_api(), {**BODY, "prompt": 5}, PATH), 422)
    assert error(send(make_api(), {**BODY, "model": "gpt"}, PATH), 400)["param"] == "model"
