"""Coverage-guided fuzzing of usage in answers: ``python tests/fuzz/atheris_usage.py -max_total_time=60``."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["seekgate.wire"]):
    from seekgate.wire.usage import MAX_TOKENS, from_body, from_tail

from tests.support.fuzzing import fuzz

SEEDS = [
    b'{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}',
    b'{"prompt_tokens":9,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":5}',
    b'{"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":4}}',
    b'{"prompt_tokens":9,"completion_tokens_details":{"reasoning_tokens":4}}',
    b'"usage" : {"prompt_tokens":1,"a":["}"]}} "usage":null',
]


def check(data: bytes) -> None:
    """Read one input as an answer, as a usage object and as the tail of an answer."""
    wrapped = b'{"model":"m","usage":' + data + b"}"
    for usage in (from_body(data)[0], from_body(wrapped)[0], from_tail(data), from_tail(wrapped)):
        if usage is not None:
            assert usage.hit + usage.miss == usage.prompt
            assert min(usage.prompt, usage.completion, usage.hit, usage.miss, usage.reasoning) >= 0
            assert usage.prompt + usage.completion <= usage.total <= MAX_TOKENS


if __name__ == "__main__":
    fuzz(check, SEEDS)
