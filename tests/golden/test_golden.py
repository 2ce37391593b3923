"""Configuration files and exactly what is said about them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from seekgate.config.problems import ConfigError, Problem
from seekgate.settings import load

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.yaml"))


def findings(name: str) -> tuple[Problem, ...]:
    """The findings, with the file named as it would be when checked from its folder."""
    try:
        return load(Path(f"{name}.yaml"), environ={"GOLDEN_KEY": "golden"}).warnings
    except ConfigError as error:
        return error.problems


@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    found = "".join(f"{problem}\n" for problem in findings(name)).replace(str(HERE), "HERE")
    expected = HERE / f"{name}.txt"
    if os.environ.get("SEEKGATE_UPDATE_GOLDEN"):
        expected.write_text(found)
    assert found == expected.read_text()


def test_ten_mistakes_have_ten_messages_with_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    lines = (HERE / "ten-mistakes.yaml").read_text().splitlines()
    found = findings("ten-mistakes")
    assert len(found) == 10
    assert not any(problem.warning for problem in found)
    wrong = (
        "admin: 127.0.0.1", "workers: many", "body_bytes: 32 megabytes", "header_timeout: 10", "conections: 100",
        "secret: 7d", "type: deepsek", "provider: clout", "weight: -5", "aliases: [pro]",
    )  # fmt: skip
    for problem, text in zip(found, wrong, strict=True):
        assert text in lines[problem.line - 1]


def test_no_message_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    for name in NAMES:
        for problem in findings(name):
            assert not re.search(r"52c9f1c0|5209710734148|7d793037|golden$", str(problem))
