"""The slow peers, installed on demand under ``bench/.work``: LiteLLM in a virtual environment, Portkey by npm."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from bench.load import BenchError, note


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BenchError(f"{what}: {command[0]} is not installed") from error
    if done.returncode != 0:
        raise BenchError(f"{what} could not be installed:\n{(done.stdout + done.stderr)[-2000:]}")


def _litellm(folder: Path) -> None:
    if not (folder / "bin" / "litellm").exists():
        venv.create(folder, with_pip=True)
        _run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "litellm[proxy]"], "LiteLLM")


def _portkey(folder: Path) -> None:
    if not (folder / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _run(["npm", "install", "--silent", "--prefix", str(folder), "@portkey-ai/gateway"], "Portkey")


def install(names: list[str], work: Path) -> None:
    """Install what is named and not there yet; raises `BenchError` with the installer's words when it fails."""
    work.mkdir(exist_ok=True)
    for name in names:
        note(f"{name}: looking for it, installing it if it is missing")
        sys.stderr.flush()
        {"litellm": _litellm, "portkey": _portkey}[name](work / name)
