from __future__ import annotations

import pytest

from seekgate.emulate.settings import FLASH, PRO, Settings


def test_the_models_are_deepseeks_with_their_caps() -> None:
    assert (FLASH.name, FLASH.aliases, FLASH.vision) == ("deepseek-flash", ("deepseek-v4-flash",), True)
    assert (FLASH.context, FLASH.max_output, FLASH.concurrency) == (1_000_000, 384_000, 2_500)
    assert (PRO.name, PRO.context, PRO.concurrency, PRO.vision) == ("deepseek-v4-pro", 1_000_000, 500, False)


def test_a_cap_can_be_set_for_a_model() -> None:
    changed = Settings(seed=7).with_concurrency({"deepseek-v4-pro": 2})
    assert changed.seed == 7
    assert {model.name: model.concurrency for model in changed.models}["deepseek-v4-pro"] == 2
    assert changed.models[0] == FLASH


def test_a_cap_of_a_model_that_is_not_served_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no such model: gpt"):
        Settings().with_concurrency({"gpt": 1})


def test_queueing_ends_after_ten_minutes_by_default() -> None:
    assert Settings().queue_limit == 600.0
