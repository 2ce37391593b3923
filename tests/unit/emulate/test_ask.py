from __future__ import annotations

import msgspec
import pytest

from seekgate.emulate.ask import Ask, check_effort, check_max_tokens, check_user_id, decode
from seekgate.emulate.errors import Refusal
from seekgate.emulate.settings import FLASH


class _Body(msgspec.Struct):
    number: int


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"", 400), (b'{"number": "x"}', 422), (b"{}", 422), (b"[]", 422), (b"\xff", 400)],
)
def test_what_is_not_json_is_400_and_what_does_not_fit_is_422(body: bytes, status: int) -> None:
    refused = decode(body, _Body)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.type) == (status, "invalid_request_error")


def test_unknown_fields_are_allowed() -> None:
    assert decode(b'{"number": 1, "more": {}}', _Body) == _Body(1)


@pytest.mark.parametrize("user_id", [None, "a", "A-Z_09", "x" * 512])
def test_a_user_id_of_the_allowed_characters_passes(user_id: str | None) -> None:
    assert check_user_id(user_id) is None


@pytest.mark.parametrize("user_id", ["", "a b", "a@b", "用户", "é", "x" * 513, "a\n"])
def test_another_user_id_is_refused(user_id: str) -> None:
    refused = check_user_id(user_id)
    assert refused is not None
    assert (refused.status, refused.param) == (400, "user_id")


def test_efforts_are_low_high_and_max() -> None:
    assert all(check_effort(effort) is None for effort in (None, "low", "high", "max", "medium", "xhigh"))
    refused = check_effort("extreme")
    assert refused is not None
    assert refused.status == 400


@pytest.mark.parametrize(
    ("count", "fine"), [(None, True), (1, True), (10, True), (0, False), (11, False), (-1, False)]
)
def test_the_output_limit_has_a_range(count: int | None, fine: bool) -> None:
    assert (check_max_tokens(count, 10) is None) is fine


def test_an_ask_counts_its_prompt() -> None:
    assert Ask(model=FLASH, prompt=b"12345").prompt_tokens == 2
