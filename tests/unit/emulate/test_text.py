from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.emulate.text import (
    Babble,
    Said,
    Speech,
    count_tokens,
    logprob_of,
    numbers,
    said,
    seed_of,
    shortened,
    stopped,
)


def _text(speech: Speech) -> str:
    return "".join(speech.tokens())


@pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (256, 64)])
def test_a_prompt_token_is_four_bytes(size: int, tokens: int) -> None:
    assert count_tokens(b"x" * size) == tokens


def test_a_seed_depends_on_the_parts_and_where_they_end() -> None:
    assert seed_of("a", "b") == seed_of("a", "b")
    assert len({seed_of("a", "b"), seed_of("b", "a"), seed_of("ab", ""), seed_of("ab"), seed_of(1, 2)}) == 5


def test_numbers_repeat_for_a_seed() -> None:
    assert list(itertools.islice(numbers(1), 5)) == list(itertools.islice(numbers(1), 5))
    assert list(itertools.islice(numbers(1), 5)) != list(itertools.islice(numbers(2), 5))


def test_generated_text_repeats_and_can_be_continued() -> None:
    short, long = Babble(5, 10), Babble(5, 20)
    assert list(short.tokens()) == list(long.tokens())[:10]
    assert _text(Babble(6, 10)) != _text(short)


def test_a_width_gives_tokens_of_that_many_bytes() -> None:
    tokens = list(Babble(1, 7, 100).tokens())
    assert [len(token.encode()) for token in tokens] == [100] * 7


def test_a_long_speech_is_not_held() -> None:
    tokens = Babble(1, 10**12).tokens()
    assert len(list(itertools.islice(tokens, 1_000))) == 1_000


@given(st.text())
def test_said_keeps_the_text(text: str) -> None:
    assert _text(said(text)) == text


@given(st.text(max_size=40), st.lists(st.text(max_size=4), max_size=3))
def test_stopped_ends_before_the_first_stop(text: str, stops: list[str]) -> None:
    result = _text(stopped(said(text), tuple(stops)))
    ends = [text.index(stop) for stop in stops if stop and stop in text]
    assert result == text[: min(ends, default=len(text))]


def test_shortened_keeps_the_beginning() -> None:
    assert shortened(Babble(1, 10), 3) == Babble(1, 3)
    assert shortened(Said(("a", "b", "c")), 2) == Said(("a", "b"))
    assert shortened(Said(("a",)), 2) == Said(("a",))


def test_a_logprob_names_the_token_its_bytes_and_its_alternatives() -> None:
    entry = logprob_of(1, 0, "答案", 3)
    assert entry["bytes"] == list("答案".encode())
    top = entry["top_logprobs"]
    assert isinstance(top, list)
    assert len(top) == 3
    assert top[0]["token"] == "答案"
    assert [other["logprob"] for other in top] == sorted((other["logprob"] for other in top), reverse=True)
    assert entry == logprob_of(1, 0, "答案", 3)
    assert logprob_of(1, 0, "x", 0)["top_logprobs"] == []
