"""Rules of the repository itself: what a reviewer would otherwise have to remember.

Each failing rule says what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("bootstrap", "run", "dev")


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _requirements() -> dict[str, list[Requirement]]:
    """What each lock file has to satisfy, from pyproject.toml and requirements/bootstrap.in."""
    project = _project()
    core, extras = project["project"]["dependencies"], project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    bootstrap = [
        line
        for line in (ROOT / "requirements/bootstrap.in").read_text().splitlines()
        if line and line[0] != "#"
    ]
    wanted = {
        "bootstrap": bootstrap,
        "run": [*core, *extras["engine"], *groups["build"]],
        "dev": [*core, *(line for lines in (*extras.values(), *groups.values()) for line in lines)],
    }
    return {name: [Requirement(line) for line in lines] for name, lines in wanted.items()}


def _locked(name: str) -> dict[str, set[str]]:
    """Package name to the versions that a lock file pins (several when they differ by marker)."""
    pins: dict[str, set[str]] = {}
    for line in (ROOT / f"requirements/{name}.txt").read_text().splitlines():
        if line and line[0] not in "# ":
            package, version = line.removesuffix("\\").split(";")[0].strip().split("==")
            pins.setdefault(canonicalize_name(package), set()).add(version)
    return pins


def _tracked() -> list[Path]:
    """Files that are in git or could be: what a commit of everything would hold."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [path for name in names if (path := ROOT / name).is_file()]


@pytest.mark.parametrize("name", LOCKS)
def test_lock_satisfies_the_project(name: str) -> None:
    pins = _locked(name)
    for requirement in _requirements()[name]:
        versions = pins.get(canonicalize_name(requirement.name), set())
        fitting = [
            version for version in versions if requirement.specifier.contains(version, prereleases=True)
        ]
        assert fitting, f"requirements/{name}.txt has {sorted(versions)} for '{requirement}': run make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_lock_has_hashes_and_names_no_host(name: str) -> None:
    text = (ROOT / f"requirements/{name}.txt").read_text()
    assert "://" not in text, f"requirements/{name}.txt names a host: run make lock"
    assert "--index" not in text
    for entry in re.split(r"\n(?=\S)", text):
        if not entry.startswith("#"):
            assert "--hash=sha256:" in entry, f"requirements/{name}.txt: no hash for {entry.splitlines()[0]}"


def test_what_is_tested_is_what_runs() -> None:
    run, dev = _locked("run"), _locked("dev")
    assert {name: dev.get(name) for name in run} == run, (
        "run.txt and dev.txt pin different versions: run make lock"
    )
