from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from seekgate.supervisor.models import Locator, is_path
from tests.support.children import Stage, stage


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("SEEKGATE_CACHE", str(tmp_path / "cache"))
    with stage(tmp_path) as made:
        yield made


def test_a_path_is_answered_at_once(world: Stage, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    answers: list[str] = []
    locator = Locator(count(1), world.children)
    locator.locate(str(file), answers.append, lambda reason: answers.append(f"missing: {reason}"))
    file.touch()
    locator.locate(str(file), answers.append, answers.append)
    assert answers == [f"missing: there is no file {file}", str(file)]
    assert is_path(str(file))
    assert not is_path("smollm2-135m")


def test_a_pulled_model_is_found_by_its_name_and_looked_for_once(world: Stage, tmp_path: Path) -> None:
    file = tmp_path / "cache" / "models" / "mine.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"GGUF")
    answers: list[str] = []
    locator = Locator(count(1), world.children)
    locator.locate("mine", answers.append, answers.append)
    locator.locate("mine", answers.append, answers.append)
    assert len(world.children) == 1
    world.run_until(lambda: len(answers) == 2)
    assert answers == [str(file)] * 2


def test_a_name_that_nobody_knows_is_not_fetched(world: Stage) -> None:
    missing: list[str] = []
    Locator(count(1), world.children).locate("no-such-model", missing.append, missing.append)
    world.run_until(lambda: missing)
    assert "no-such-model" in missing[0]


def test_stop_ends_the_search_and_answers_nobody(world: Stage) -> None:
    answers: list[str] = []
    locator = Locator(count(1), world.children)
    locator.locate("no-such-model", answers.append, answers.append)
    locator.stop()
    world.run_until(lambda: len(world.children) == 0)
    assert answers == []
