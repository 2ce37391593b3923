from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.host.processes import start_time
from seekgate.supervisor.home import Home, Record
from seekgate.supervisor.log import Logger
from seekgate.supervisor.predecessor import LAST_WAIT, PATIENCE, Predecessor
from tests.support.until import until


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.prepare()
    return made


@pytest.fixture
def orphan() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def predecessor(home: Home) -> Predecessor:
    made = Predecessor(home, Logger(io.StringIO(), json=True))
    made.meet()
    return made


def test_after_an_end_in_order_a_taken_address_is_somebody_elses(home: Home) -> None:
    assert not predecessor(home).may_go(0.0)


def test_orphans_get_time_then_they_are_ended(home: Home, orphan: subprocess.Popen[bytes]) -> None:
    home.record_children([Record(orphan.pid, start_time(orphan.pid), "worker 0")])
    left = predecessor(home)
    assert left.may_go(100.0)
    assert left.may_go(100.0 + PATIENCE - 0.1)
    assert orphan.poll() is None
    assert left.may_go(100.0 + PATIENCE)
    until(lambda: orphan.poll() is not None, "the orphan to end")
    assert not left.may_go(100.0 + PATIENCE + LAST_WAIT)


def test_a_reused_pid_is_left_alone(home: Home, orphan: subprocess.Popen[bytes]) -> None:
    home.record_children([Record(orphan.pid, "long ago", "compiler"), Record(orphan.pid, None, "compiler")])
    left = predecessor(home)
    left.may_go(0.0)
    left.may_go(PATIENCE)
    assert orphan.poll() is None


def test_helpers_of_the_killed_one_are_ended_at_once(home: Home, orphan: subprocess.Popen[bytes]) -> None:
    home.record_children([Record(orphan.pid, start_time(orphan.pid), "model smollm2-135m")])
    predecessor(home)
    until(lambda: orphan.poll() is not None, "the helper to end")
