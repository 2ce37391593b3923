"""What a tree of processes has used, from the kernel's account: CPU time in seconds, memory in bytes.

CPU time of a live process is its POSIX CPU clock (nanoseconds, all threads, those that have ended too). A child that
ended and was waited for has moved into its parent's account, which counts in clock ticks; so a total over the tree
loses nothing when a helper process comes and goes.
"""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclasses.dataclass(frozen=True)
class Process:
    """One process as /proc shows it: parent, session, CPU seconds of its waited-for children."""

    pid: int
    parent: int
    session: int
    children_cpu: float


def parse_stat(text: str) -> Process:
    """Read /proc/PID/stat (proc(5)); the command's name may hold spaces and parentheses."""
    pid = int(text[: text.index(" ")])
    fields = text[text.rindex(")") + 2 :].split()
    return Process(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        children_cpu=(int(fields[13]) + int(fields[14])) / _TICK,
    )


def processes() -> dict[int, Process]:
    """Every process that this user may see."""
    found: dict[int, Process] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                process = parse_stat((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended between the listing and the reading
            found[process.pid] = process
    return found


def tree(root: int, known: dict[int, Process]) -> list[Process]:
    """``root``, its descendants, and whatever else lives in the session that it leads."""
    members = {pid for pid, process in known.items() if pid == root or process.session == root}
    grew = True
    while grew:
        more = {pid for pid, process in known.items() if process.parent in members and pid not in members}
        members |= more
        grew = bool(more)
    return [known[pid] for pid in sorted(members)]


def cpu_seconds(root: int) -> float:
    """CPU seconds, user and system, that the tree under ``root`` has used since each of its processes began."""
    total = 0.0
    for process in tree(root, processes()):
        total += process.children_cpu
        try:
            # clock_getcpuclockid(3): the complement of the pid, shifted, and 2 for the scheduler's exact account.
            total += time.clock_gettime((~process.pid << 3) | 2)
        except OSError:
            continue  # it ended after the listing; its parent's account has it now
    return total


def memory_bytes(pid: int) -> int:
    """Resident set of one process, or 0 when it has ended."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def tree_memory(root: int) -> dict[int, int]:
    """Resident set of each process of the tree. Pages that they share are counted once for each."""
    return {process.pid: memory_bytes(process.pid) for process in tree(root, processes())}


def command_line(pid: int) -> str:
    """The command line of a process, or an empty string when it has ended."""
    try:
        return (
            (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        )
    except (FileNotFoundError, ProcessLookupError):
        return ""
