"""What is repeated of names that clients made up."""

from __future__ import annotations

import pytest

from seekgate.wire.shown import name, path
from tests.support.leaks import mark


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gpt-4o-mini",
        "deepseek-v4-pro",
        "deepseekv3",
        "Qwen/Qwen2.5-7B-Instruct",
        "qwen3-235b-a22b-instruct-2507-fp8",
        "claude-3-5-sonnet-20241022",
        "moonshotai/kimi-k2",
        "ft:gpt-3.5-turbo:acme:support",
        "@cf/meta/llama-3.1-8b",
        "get_weather_2",
    ],
)
def test_names_are_shown(text: str) -> None:
    assert name(text) == text


@pytest.mark.parametrize(
    "text",
    [
        mark("any"),
        "sk-" + mark("a key"),
        "sk-52c9f1c0a7e34dd8",
        "52c9f1c0-a7e3-4dd8-9b1c-000000000000",
        "13812345678",
        "AKIAIOSFODNN7EXAMPLE",
        "what is the weather",
        "天气",
        "someone@example.org?",
        "a\nb",
        "model-" * 20,
    ],
)
def test_everything_else_is_not(text: str) -> None:
    assert name(text) == "…"


def test_a_path_is_shown_in_part() -> None:
    assert path("/v1/chat/complétions") == "/v1/chat/…"
    assert path("/v1/engines/gpt-4/completions") == "/v1/engines/gpt-4/completions"
    assert path(f"/v1/{mark('any')}/x") == "/v1/…/x"
    assert path("/") == "/"


def test_a_long_one_takes_no_time() -> None:
    """A pattern that tries every way to divide a text would take years here; a test that never ends would show it."""
    assert name("a1-" * 31 + "é") == "…"
    assert path("/" + "a-" * 50_000) == "/…"
