"""Commands run in a test's own process, with a home of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from seekgate.cli.main import app


class Commands:
    """Runs ``seekgate …`` on a home that nothing else uses."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.home = home
        patch.setenv("SEEKGATE_HOME", str(home))

    def run(self, line: str, *more: str, input: bytes | None = None) -> Result:
        """Run a line, split at spaces, and ``more`` arguments as they are."""
        return CliRunner().invoke(app, [*line.split(), *more], input=input)

    def out(self, line: str, *more: str, input: bytes | None = None) -> str:
        """What a command that must succeed prints."""
        done = self.run(line, *more, input=input)
        assert done.exit_code == 0, done.output
        return done.stdout

    def json(self, line: str, *more: str) -> Any:
        """What a command that must succeed prints with ``--json``."""
        return json.loads(self.out(line, *more, "--json"))

    def error(self, line: str, *more: str, code: int = 1) -> str:
        """What a command that must fail says; nothing of it is on standard output."""
        done = self.run(line, *more)
        assert done.exit_code == code, done.output
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        return done.stderr.removeprefix("error: ").rstrip("\n")
