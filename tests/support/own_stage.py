"""Installed packages with stages, for tests: their metadata is what an installer writes, in a folder for the path."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_stage"


def install_example(folder: Path) -> Path:
    """The example package as its build backend describes it; the folder to put on the path."""
    source = folder / "source"
    shutil.copytree(EXAMPLE, source)
    site = folder / "site"
    shutil.copytree(source / "src" / "seekgate_ticket", site / "seekgate_ticket")
    code = f"from setuptools.build_meta import prepare_metadata_for_build_wheel as p; p({str(site)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True, timeout=60)
    return site


def install(folder: Path, name: str, source: str) -> Path:
    """A package of one module ``source`` whose entry point ``name`` is its ``build``."""
    module = f"own_{name.replace('-', '_')}"
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[seekgate.stages]\n{name} = {module}:build\n")
    return folder


def with_path(*folders: Path) -> str:
    """A PYTHONPATH with these folders in front."""
    return os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])])
