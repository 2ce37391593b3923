"""``python -m seekgate.supervisor``: that it is light."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("asyncio", "pydantic", "yaml", "typer", "rich", "uvloop", "ssl", "http.client", "seekgate.engine")


def test_the_supervisor_imports_nothing_heavy() -> None:
    code = f"import sys, seekgate.supervisor.run; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", "the supervisor lives as long as the node: keep it light"


def test_options_that_are_none_are_an_error() -> None:
    command = [sys.executable, "-m", "seekgate.supervisor", '{"workers": 1}']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "home" in done.stderr
