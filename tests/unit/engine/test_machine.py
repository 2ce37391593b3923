"""The machine's facts, read from a made-up root."""

from __future__ import annotations

from pathlib import Path

from seekgate.engine.machine import look


def _root(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_memory_is_what_the_kernel_says_is_available(tmp_path: Path) -> None:
    root = _root(tmp_path, {"proc/meminfo": "MemTotal: 9 kB\nMemAvailable:    2048 kB\n"})
    assert look(root).memory == 2048 * 1024


def test_a_smaller_cgroup_bounds_the_memory_without_its_file_cache(tmp_path: Path) -> None:
    files = {
        "proc/meminfo": "MemAvailable: 999999 kB\n",
        "sys/fs/cgroup/memory.max": "10000\n",
        "sys/fs/cgroup/memory.current": "6000\n",
        "sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 1500\n",
    }
    assert look(_root(tmp_path, files)).memory == 10_000 - 6000 + 1500


def test_an_unbounded_cgroup_bounds_nothing(tmp_path: Path) -> None:
    files = {
        "proc/meminfo": "MemAvailable: 1 kB\n",
        "sys/fs/cgroup/memory.max": "max\n",
        "sys/fs/cgroup/memory.current": "6\n",
        "sys/fs/cgroup/cpu.max": "max 100000\n",
    }
    machine = look(_root(tmp_path, files))
    assert machine.memory == 1024
    assert machine.cores >= 1


def test_a_cpu_quota_bounds_the_cores_upwards_rounded(tmp_path: Path) -> None:
    assert look(_root(tmp_path, {"sys/fs/cgroup/cpu.max": "50000 100000\n"})).cores == 1


def test_nothing_known_is_said_as_such(tmp_path: Path) -> None:
    assert look(tmp_path).memory is None


def test_this_machine() -> None:
    machine = look()
    assert machine.cores >= 1
    assert machine.memory is None or machine.memory > 0
