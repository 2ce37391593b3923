import os
from pathlib import Path

import pytest

from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.process import WorkerMetrics
from seekgate.telemetry.registry import Registry


def burn() -> None:
    """Use CPU until the process's own clock has moved by two of its ticks."""
    before = sum(os.times()[:2])
    while sum(os.times()[:2]) < before + 0.02:
        sum(range(10_000))


def test_cpu_time_grows_and_goes_on_from_the_predecessors() -> None:
    first = Metrics(Registry())
    own = WorkerMetrics(first, "0", 100.0)
    burn()
    own.sample()
    before = first.process_cpu.labels("0").value
    assert before > 0

    second = Metrics(Registry())
    second.registry.restore(first.registry.dump())
    successor = WorkerMetrics(second, "0", 200.0)
    assert second.process_cpu.labels("0").value == before
    successor.sample()
    assert second.process_cpu.labels("0").value >= 2 * before
    assert second.process_start.labels("0").value == 200.0


def test_sampling_twice_adds_only_the_difference() -> None:
    metrics = Metrics(Registry())
    own = WorkerMetrics(metrics, "0", 0.0)
    for _ in range(50):
        own.sample()
    assert metrics.process_cpu.labels("0").value == pytest.approx(sum(os.times()[:2]), abs=1.0)


def test_memory_is_what_the_kernel_says_and_0_where_it_does_not_say() -> None:
    metrics = Metrics(Registry())
    WorkerMetrics(metrics, "0", 0.0).sample()
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else ["VmRSS: 0 kB"]
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    assert metrics.process_memory.labels("0").value == pytest.approx(kib * 1024, rel=0.2)
