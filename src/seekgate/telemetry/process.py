"""What a worker tells about itself: CPU, memory, descriptors, and which snapshot it serves from."""

from __future__ import annotations

import os

from seekgate.telemetry.metrics import Metrics

_STATM = "/proc/self/statm"
_FDS = "/proc/self/fd"


class WorkerMetrics:
    """The children of one worker; ``worker`` is its slot as text, ``started_at`` its start in Unix seconds."""

    __slots__ = ("_cpu", "_cpu_seen", "_fds", "_memory", "_page", "loop_lag", "snapshot_number")

    def __init__(self, metrics: Metrics, worker: str, started_at: float) -> None:
        self.snapshot_number = metrics.snapshot_number.labels(worker)
        self.loop_lag = metrics.loop_lag.labels(worker)
        self._cpu = metrics.process_cpu.labels(worker)
        self._memory = metrics.process_memory.labels(worker)
        self._fds = metrics.process_fds.labels(worker)
        self._cpu_seen = 0.0
        self._page = os.sysconf("SC_PAGE_SIZE")
        metrics.process_start.labels(worker).value = started_at

    def sample(self) -> None:
        """Read the process's own figures; call it before a dump. Some microseconds: three system calls.

        CPU time is added as a difference, because the counter goes on from a predecessor's. Where there is no
        ``/proc`` (macOS), memory and descriptors stay 0.
        """
        times = os.times()
        cpu = times.user + times.system
        self._cpu.value += cpu - self._cpu_seen
        self._cpu_seen = cpu
        try:
            with open(_STATM, "rb", buffering=0) as file:
                self._memory.value = int(file.read(256).split()[1]) * self._page
            # Linux 6.2 and later give the number of descriptors as the directory's size; listing thousands of them
            # every second would stall the loop, so that older kernels show 0.
            self._fds.value = os.stat(_FDS).st_size
        except FileNotFoundError:
            return
