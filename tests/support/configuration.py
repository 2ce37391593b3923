"""Configuration texts for tests, checked without touching this machine's files and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from seekgate.config.problems import ConfigError, Problem
from seekgate.settings import Loaded, load_text

MINIMAL = """
keys: [{name: app, secret: "env:APP_KEY"}]
providers: {cloud: {type: deepseek, key: "env:CLOUD_KEY"}}
models: {deepseek-v4-pro: {deployments: [{provider: cloud}]}}
"""


def loaded(
    text: str, environ: Mapping[str, str] | None = None, folder: Path = Path("/conf"), outside: bool = False
) -> Loaded:
    """A text that must be without errors."""
    return load_text(text, environ=environ or {}, folder=folder, outside=outside)


def problems(
    text: str, environ: Mapping[str, str] | None = None, folder: Path = Path("/conf"), outside: bool = False
) -> tuple[Problem, ...]:
    """What is wrong with a text, warnings included."""
    try:
        return load_text(text, environ=environ or {}, folder=folder, outside=outside).warnings
    except ConfigError as error:
        return error.problems


def messages(
    text: str, environ: Mapping[str, str] | None = None, folder: Path = Path("/conf"), outside: bool = False
) -> list[str]:
    """`problems` as they are printed, warnings left out, without the file's name."""
    found = problems(text, environ, folder, outside)
    return [str(problem).removeprefix("<text>:") for problem in found if not problem.warning]
