"""docs/reference/emulator.md says the truth: its tests exist, it lists every fault and option, its Python runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer.main

from seekgate.cli.main import app
from seekgate.emulate.faults import FAULTS, parse_faults

HERE = Path(__file__).parent
PAGE = (HERE.parents[2] / "docs/reference/emulator.md").read_text()


def _section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


FACTS = [row for row in _rows(_section("Every fact and its test")) if row[1] != "tests"]


@pytest.mark.parametrize("row", FACTS, ids=lambda row: row[0][:40])
def test_every_fact_names_tests_that_exist(row: list[str]) -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", row[1])
    assert named or row[1] == "not shown by the API", f"no test for: {row[0]}"
    assert len(named) == row[1].count("::"), f"a test's name cannot be read: {row[1]}"
    for file, name in named:
        tree = ast.parse((HERE / file).read_text())
        found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in found, (
            f"{file} has no {name}; write it, or correct the table in docs/reference/emulator.md"
        )


def test_the_table_of_facts_is_long_enough_to_be_read_right() -> None:
    assert len(FACTS) > 35


def test_every_fault_is_listed_with_an_example_that_parses() -> None:
    table = _section("Faults").partition("\n### ")[0]
    examples = [row[0].strip("`") for row in _rows(table)[1:]]
    assert {example.partition("=")[0] for example in examples} == set(FAULTS)
    for example in examples:
        assert isinstance(parse_faults(example), dict), example


def test_every_option_is_listed() -> None:
    command = typer.main.get_command(app)
    deepseek = command.commands["emulate"].commands["deepseek"]  # type: ignore[attr-defined]
    options = {name for parameter in deepseek.params for name in parameter.opts if name.startswith("--")} - {
        "--help"
    }
    listed = set(re.findall(r"`(--[a-z-]+)", "".join(row[0] for row in _rows(_section("Start it")))))
    assert listed == options


def test_the_python_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/reference/emulator.md", "exec"), {})
