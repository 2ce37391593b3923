"""The plan in xllamacpp's own terms. What the server does is tested live."""

from __future__ import annotations

import sys

import pytest

from seekgate.engine.decide import Plan
from seekgate.engine.server import Missing, parameters, require

PLAN = Plan(
    name="m",
    model="/models/m.gguf",
    context=8192,
    slots=2,
    threads=3,
    http_threads=64,
    batch=2048,
    micro_batch=512,
    prompt_cache=100,
    embeddings=False,
    pooling=-1,
    socket="",
)


def test_the_plan_arrives() -> None:
    params = parameters(require(), PLAN, "secret")
    assert params.model.path == "/models/m.gguf"
    assert params.model_alias == {"m"}
    assert (params.n_ctx, params.n_parallel) == (8192, 2)
    assert (params.cpuparams.n_threads, params.cpuparams_batch.n_threads) == (3, 3)
    assert (params.n_batch, params.n_ubatch, params.cache_ram_mib) == (2048, 512, 100)
    assert params.n_threads_http == 64


def test_nobody_comes_in_without_the_key_and_nothing_shows_prompts() -> None:
    params = parameters(require(), PLAN, "secret")
    assert list(params.api_keys) == ["secret"]
    assert list(params.hostnames) == ["127.0.0.1"]
    assert params.port == 0
    assert [params.ui, params.endpoint_slots, params.endpoint_props] == [False, False, False]


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(Missing, match=r"pip install 'seekgate\[engine\]'"):
        require()
