"""Attack every parser for a while: ``python -m tests.fuzz.run``, for ``SEEKGATE_FUZZ_SECONDS`` (600) in all.

Each ``test_*.py`` here runs under hypothesis with new cases until its share of the time is over, and each
``atheris_*.py`` under libFuzzer, two at a time. The exit status is 1 when one of them finds a fault or crashes, hangs
(an input over ten seconds, or a run past its share), or grows: over 1 GiB, or by half and 100 MiB in the second half
of its time. The input that did it stays in the folder that is printed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PARALLEL = 2
GRACE = 60.0
MIB = 1 << 20
RSS_LIMIT = 1024 * MIB
GROWTH = 100 * MIB


@dataclass
class Job:
    """One fuzzer process: its command, its time in seconds, and what was seen of its memory in bytes."""

    name: str
    seconds: float
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    half: int = 0
    peak: int = 0
    fault: str = ""
    command: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Start the process; its output goes to ``log`` in the job's folder."""
        env = {**os.environ, "SEEKGATE_FUZZ_SECONDS": f"{self.seconds:.0f}", "PYTHONPATH": str(ROOT)}
        self.started = time.monotonic()
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT
            )

    def watch(self) -> bool:
        """Look at a started job; False when it is over (``fault`` then says what went wrong, if anything)."""
        assert self.process is not None
        status = self.process.poll()
        if status is not None:
            self.fault = self.fault or (f"exit status {status}" if status else self._growth())
            return False
        age = time.monotonic() - self.started
        rss = _rss(self.process.pid)
        self.peak = max(self.peak, rss)
        if age < self.seconds / 2:
            self.half = max(self.half, rss)
        if rss > RSS_LIMIT:
            self.fault = f"uses {rss // MIB} MiB"
        elif age > self.seconds + GRACE:
            self.fault = "hangs: it runs past its time"
        if self.fault:
            self.process.kill()
            self.process.wait()
        return not self.fault

    def _growth(self) -> str:
        if self.half and self.peak - self.half > max(GROWTH, self.half // 2):
            return f"grew from {self.half // MIB} to {self.peak // MIB} MiB in the second half of its time"
        return ""


def _rss(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def plan(seconds: float, folder: Path) -> list[Job]:
    """One job for each fuzzer that stands in this folder; together they take ``seconds`` two at a time."""
    scripts = sorted(HERE.glob("test_*.py")) + sorted(HERE.glob("atheris_*.py"))
    share = max(1.0, seconds * PARALLEL / len(scripts))
    jobs = []
    for script in scripts:
        job = Job(script.stem, share, folder / script.stem)
        corpus = job.folder / "corpus"
        corpus.mkdir(parents=True)
        if script.stem.startswith("test_"):
            job.command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(script)]
        else:
            job.command = [
                *(sys.executable, str(script), str(corpus), f"-max_total_time={share:.0f}", "-timeout=10"),
                *("-max_len=1024", f"-rss_limit_mb={RSS_LIMIT // MIB}", f"-artifact_prefix={job.folder}/"),
            ]
        jobs.append(job)
    return jobs


def run(jobs: list[Job]) -> list[Job]:
    """Run the jobs, two at a time; return those that failed."""
    waiting, running = list(jobs), list[Job]()
    try:
        while waiting or running:
            while waiting and len(running) < PARALLEL:
                running.append(waiting.pop(0))
                running[-1].start()
            time.sleep(0.5)
            for job in [job for job in running if not job.watch()]:
                running.remove(job)
                took = time.monotonic() - job.started
                verdict = f"FAILED: {job.fault}" if job.fault else "nothing found"
                print(f"fuzz: {job.name}: {verdict} ({took:.0f} s, {job.peak // MIB} MiB)", flush=True)
                if job.fault:
                    print((job.folder / "log").read_text(errors="replace")[-6000:], flush=True)
    finally:
        for job in running:
            if job.process is not None:
                job.process.kill()
                job.process.wait()
    return [job for job in jobs if job.fault]


def main() -> int:
    """Run all; 0 when nothing was found."""
    seconds = float(os.environ.get("SEEKGATE_FUZZ_SECONDS", "600"))
    folder = Path(tempfile.mkdtemp(prefix="seekgate-fuzz-"))
    failed = run(plan(seconds, folder))
    if failed:
        print(f"fuzz: what did it is in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
