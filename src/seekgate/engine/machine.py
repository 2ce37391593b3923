"""What this machine lends to an engine: cores and memory, as its cgroup and its affinity bound them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import msgspec


class Machine(msgspec.Struct, frozen=True):
    """Cores that this process may use, and bytes of memory it may still take (None: not known here)."""

    cores: int
    memory: int | None


def look(root: Path = Path("/")) -> Machine:
    """Read the facts of this machine; ``root`` stands for the root of /proc and /sys."""
    return Machine(_cores(root), _memory(root))


def _cores(root: Path) -> int:
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no affinity
        cores = os.cpu_count() or 1
    quota = _words(root / "sys/fs/cgroup/cpu.max")
    if len(quota) == 2 and quota[0].isdigit() and int(quota[1]) > 0:
        cores = min(cores, math.ceil(int(quota[0]) / int(quota[1])))
    return max(1, cores)


def _memory(root: Path) -> int | None:
    lines = _lines(root / "proc/meminfo")
    bounds = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    limit = _words(root / "sys/fs/cgroup/memory.max")
    used = _words(root / "sys/fs/cgroup/memory.current")
    if limit and limit[0].isdigit() and used:
        # Inactive file pages count as used there, but the kernel gives them up on demand.
        cache = 0
        for line in _lines(root / "sys/fs/cgroup/memory.stat"):
            if line.startswith("inactive_file "):
                cache = int(line.split()[1])
        bounds.append(max(0, int(limit[0]) - int(used[0]) + cache))
    return min(bounds) if bounds else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # another system, or a container that hides it: then this bound is not known
        return []


def _words(path: Path) -> list[str]:
    lines = _lines(path)
    return lines[0].split() if lines else []
