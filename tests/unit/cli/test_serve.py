from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from seekgate.cli import serve


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """What the process would become: an exec in the test's own process cannot be had."""
    commands: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: commands.append(arguments))
    monkeypatch.setenv("SEEKGATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return commands


def run(executed: list[list[str]], *arguments: str) -> dict[str, Any]:
    app = typer.Typer()
    serve.register(app)
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    command = executed.pop()
    assert command[:-1] == [sys.executable, "-P", "-m", "seekgate.supervisor"]
    options: dict[str, Any] = json.loads(command[-1])
    return options


def test_without_options(executed: list[list[str]], tmp_path: Path) -> None:
    assert run(executed) == {
        "home": str(tmp_path),
        "config": None,
        "workers": 0,
        "json": False,
        "engines": True,
    }


def test_every_option(executed: list[list[str]], tmp_path: Path) -> None:
    options = run(executed, "--config", "here.yaml", "--workers", "3", "--json", "--no-engine")
    assert options == {
        "home": str(tmp_path),
        "config": str(tmp_path / "here.yaml"),
        "workers": 3,
        "json": True,
        "engines": False,
    }
