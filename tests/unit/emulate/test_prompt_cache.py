from __future__ import annotations

from seekgate.emulate.prompt_cache import UNIT, PromptCache

UNIT_BYTES = UNIT * 4
FIRST, SECOND, THIRD = (bytes([letter]) * UNIT_BYTES for letter in b"abc")


def test_the_first_time_nothing_is_cached_and_then_all_whole_units() -> None:
    cache = PromptCache(100)
    prompt = FIRST + SECOND + b"rest"
    assert cache.serve("s", prompt) == 0
    assert cache.serve("s", prompt) == 2 * UNIT


def test_only_a_common_beginning_counts() -> None:
    cache = PromptCache(100)
    cache.serve("s", FIRST + SECOND + THIRD)
    assert cache.serve("s", FIRST + SECOND + FIRST) == 2 * UNIT
    assert cache.serve("s", SECOND + THIRD) == 0


def test_a_change_inside_a_unit_loses_the_unit() -> None:
    cache = PromptCache(100)
    cache.serve("s", FIRST + SECOND)
    assert cache.serve("s", FIRST + SECOND[:-1] + b"!") == UNIT


def test_less_than_a_unit_is_never_cached() -> None:
    cache = PromptCache(100)
    for _ in range(2):
        assert cache.serve("s", FIRST[:-1]) == 0


def test_scopes_do_not_see_each_other() -> None:
    cache = PromptCache(100)
    cache.serve("one", FIRST)
    assert cache.serve("two", FIRST) == 0
    assert cache.serve("one", FIRST) == UNIT


def test_the_oldest_units_are_forgotten_beyond_the_capacity() -> None:
    cache = PromptCache(2)
    cache.serve("s", FIRST)
    cache.serve("s", SECOND)
    assert cache.serve("s", FIRST) == UNIT
    cache.serve("s", THIRD)
    assert cache.serve("s", FIRST) == UNIT
    assert cache.serve("s", SECOND) == 0


def test_a_chain_whose_beginning_was_forgotten_does_not_count() -> None:
    cache = PromptCache(2)
    cache.serve("s", FIRST + SECOND + THIRD)
    assert cache.serve("s", FIRST + SECOND + THIRD) == 0
