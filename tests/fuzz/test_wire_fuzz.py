"""Properties of the wire's parsers over generated input: a few hundred cases in CI, hours when asked.

``SEEKGATE_FUZZ_SECONDS`` in the environment makes every test here run for its share of so many seconds.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seekgate.wire import sse
from seekgate.wire.envelope import read
from seekgate.wire.errors import DUPLICATE_KEY, INVALID_JSON, Refusal
from seekgate.wire.jsonspan import remove_member, set_member, top_level_span
from seekgate.wire.sse import StreamReader
from seekgate.wire.usage import from_body, from_tail
from tests.support.json_texts import mutated, texts
from tests.support.sse_streams import cuts, expected_events, run, streams

DEEP = float(os.environ.get("SEEKGATE_FUZZ_SECONDS", "0"))
TESTS = 4
thorough = settings(
    max_examples=500 if DEEP else 100, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


def repeat(test: Callable[[], None]) -> None:
    """Once; with ``SEEKGATE_FUZZ_SECONDS``, again with new cases until this test's share of them is over."""
    end = time.monotonic() + DEEP / TESTS
    test()
    while time.monotonic() < end:
        test()


READERS: list[Callable[[], StreamReader]] = [
    StreamReader,
    partial(StreamReader, hold=True),
    partial(StreamReader, strip_usage=True),
    partial(StreamReader, needs_done=False),
]


def test_streams_in_every_chunking() -> None:
    @thorough
    @given(streams(), st.lists(st.integers(0, 3000), max_size=20), st.sampled_from(READERS))
    def check(stream: bytes, places: list[int], make: Callable[[], StreamReader]) -> None:
        found = run([stream], make)
        for worth_splitting in (1, 1024):
            with patch.object(sse, "_WORTH_SPLITTING", worth_splitting):
                assert run(cuts(stream, places), make) == found
        assert found.events == len(expected_events(stream))

    repeat(check)


def duplicates(text: bytes) -> bool:
    """Whether any object of a JSON text has a key twice, by the standard library's parser."""
    twice = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        twice = twice or len({key for key, _ in pairs}) < len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=look)
    return twice


def test_request_bodies() -> None:
    @thorough
    @given(st.one_of(texts(), mutated(texts())))
    def check(body: bytes) -> None:
        found = read(body)
        if not isinstance(found, Refusal):
            assert found[0] == json.loads(body)
            assert not duplicates(body)
        else:
            assert json.loads(found.body("r"))["error"]["code"] == found.kind.code
            if found.kind is not INVALID_JSON:
                assert duplicates(body) is (found.kind is DUPLICATE_KEY)

    repeat(check)


def test_edits() -> None:
    @thorough
    @given(texts(), st.sampled_from(["model", "usage", "k", "\\", ""]), st.booleans())
    def check(body: bytes, key: str, unique: bool) -> None:
        found = read(body)
        if isinstance(found, Refusal) and found.kind in (INVALID_JSON, DUPLICATE_KEY):
            return
        tree = json.loads(body)
        if not isinstance(tree, dict):
            return
        span = top_level_span(body, key, unique and key in tree)
        assert (span is None) is (key not in tree)
        if span is not None:
            assert json.loads(body[slice(*span)]) == tree[key]
        assert json.loads(set_member(body, key, b'"new"')) == {**tree, key: "new"}
        assert json.loads(remove_member(body, key)) == {name: tree[name] for name in tree if name != key}

    repeat(check)


def test_usage_of_answers_and_tails() -> None:
    @thorough
    @given(st.one_of(texts(), mutated(texts())), st.integers(0, 300))
    def check(body: bytes, start: int) -> None:
        for usage in (from_body(body)[0], from_tail(body[start:])):
            if usage is not None:
                assert usage.hit + usage.miss == usage.prompt
                assert usage.prompt + usage.completion <= usage.total

    repeat(check)


@pytest.mark.parametrize(
    "noise", [b"", b"\x00", b'"' * 999, b"{" * 999, b'{"":' * 999, b"\\" * 999, b"\xff" * 99]
)
def test_noise(noise: bytes) -> None:
    assert isinstance(read(noise), Refusal)
    assert run([noise], StreamReader).output == noise
    assert from_body(noise)[0] is None
    assert from_tail(noise) is None
    assert top_level_span(noise, "k") is None
