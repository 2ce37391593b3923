"""Processes as a test sees them from outside: who belongs to a node, whether it lives, how much memory it has."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterable
from typing import TypeAlias

import psutil

Process: TypeAlias = psutil.Process


def children(pid: int, module: str = "") -> list[Process]:
    """The living children of ``pid`` that run this Python module (all children without one), oldest first."""
    try:
        found = psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return []
    return sorted((each for each in found if module in _command(each)), key=_born)


def workers(pid: int) -> list[Process]:
    """The gateway workers of a supervisor."""
    return children(pid, "seekgate.app")


def engines(pid: int) -> list[Process]:
    """The engines of a supervisor."""
    return children(pid, "seekgate.engine")


def alive(process: Process) -> bool:
    """Whether it still runs; a zombie does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    return False


def resident(process: Process) -> int:
    """Bytes of memory that are its own: without what it shares with others, such as a library's code."""
    return int(process.memory_full_info().uss)


def end(processes: Iterable[Process]) -> None:
    """Kill those that are still there and wait for them."""
    left = [each for each in processes if alive(each)]
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.send_signal(signal.SIGKILL)
    psutil.wait_procs(left, timeout=20)


def _command(process: Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())
    return ""


def _born(process: Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        return float(process.create_time())
    return 0.0
