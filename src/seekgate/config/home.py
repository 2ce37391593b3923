"""Where a node keeps what it must not lose (home) and what it may lose (cache)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def home(environ: Mapping[str, str] | None = None) -> Path:
    """``SEEKGATE_HOME``, or ``~/.local/share/seekgate``: keys, snapshots, run files. Whoever writes creates it."""
    return _folder("SEEKGATE_HOME", ".local/share/seekgate", environ)


def cache(environ: Mapping[str, str] | None = None) -> Path:
    """``SEEKGATE_CACHE``, or ``~/.cache/seekgate``: models and other downloads, which may be lost at any time."""
    return _folder("SEEKGATE_CACHE", ".cache/seekgate", environ)


def pattern_folder(home: Path) -> Path:
    """Where compiled patterns are kept: it is written by the compiler of the configuration, and may be lost."""
    return home / "patterns"


def _folder(variable: str, default: str, environ: Mapping[str, str] | None) -> Path:
    named = (os.environ if environ is None else environ).get(variable, "")
    return Path(named).expanduser().absolute() if named else Path.home() / default
