"""The command's frame: every command is there, the version is the package's, and help costs nothing heavy."""

from __future__ import annotations

import subprocess
import sys

from typer.testing import CliRunner

from seekgate import __version__
from seekgate.cli.main import app

HEAVY = ("pydantic", "yaml", "uvloop", "httptools", "xllamacpp", "seekgate.gateway", "seekgate.settings")


def test_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output.strip()) == (0, f"seekgate {__version__}")


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in ("serve", "check", "config", "models", "emulate"):
        assert f" {command} " in result.output


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(app, ["sreve"])
    assert result.exit_code == 2


def test_commands_import_what_is_heavy_only_when_they_run() -> None:
    script = f"import sys, seekgate.cli.main; print([m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
