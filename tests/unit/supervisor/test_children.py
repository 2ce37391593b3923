from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.host import messages as msg
from tests.support.children import Stage, stage

TALKER = """
import socket, sys
control = socket.socket(fileno=int(sys.argv[-1]))
control.send(b'{"type":"loaded","number":1}\\n')
told = b""
while not told.endswith(b"\\n"):
    told += control.recv(65536)
control.send(b'{"type":"loaded","number":%d}\\n' % len(told))
sys.exit(3)
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as made:
        yield made


def test_a_child_is_heard_told_and_reaped_in_this_order(world: Stage) -> None:
    events: list[object] = []
    message = msg.Load("x" * 1_000_000)

    def hear(said: msg.ToSupervisor) -> None:
        events.append(said)
        if said == msg.Loaded(1):
            # Larger than the socket's buffer: the rest is written when the child has read.
            world.children.send(1, message)

    command = [sys.executable, "-c", TALKER]
    world.children.start(1, "worker 0", command, on_exit=events.append, on_message=hear)
    assert world.children.pid(1) is not None
    assert [r.role for r in world.home.read_children() or []] == ["worker 0"]
    world.run_until(lambda: 3 in events)
    assert events == [msg.Loaded(1), msg.Loaded(len(msg.encode(message))), 3]
    assert world.home.read_children() == []
    assert world.children.pid(1) is None
    world.children.send(1, message)
    world.children.kill(1)


def test_output_comes_whole_before_the_exit(world: Stage) -> None:
    got: list[object] = []
    command = [sys.executable, "-c", "print('x' * 200_000)"]
    world.children.start(
        1, "compiler", command, on_exit=got.append, on_output=got.append, stdout=subprocess.PIPE
    )
    world.run_until(lambda: got and isinstance(got[-1], int))
    *parts, end, code = got
    assert (end, code) == (b"", 0)
    assert b"".join(part for part in parts if isinstance(part, bytes)) == b"x" * 200_000 + b"\n"


def test_one_that_speaks_nonsense_is_killed(world: Stage) -> None:
    codes: list[int] = []
    code = "import socket, sys, time\nsocket.socket(fileno=int(sys.argv[-1])).send(b'hi\\n')\ntime.sleep(60)"
    world.children.start(
        1, "worker 0", [sys.executable, "-c", code], on_exit=codes.append, on_message=lambda message: None
    )
    world.run_until(lambda: codes)
    assert codes == [-signal.SIGKILL]
    assert world.children.killed == 1
    assert "does not speak our protocol" in world.said()[0]["message"]


def test_kill_all(world: Stage) -> None:
    codes: list[int] = []
    for id in (1, 2):
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        world.children.start(id, "x", command, on_exit=codes.append)
    world.children.kill_all()
    world.run_until(lambda: len(codes) == 2)
    assert codes == [-signal.SIGKILL] * 2
    assert len(world.children) == 0


def test_a_record_that_cannot_be_written_stops_nothing(world: Stage) -> None:
    codes: list[int] = []
    os.rename(world.home.run, world.home.path / "elsewhere")
    world.children.start(1, "x", [sys.executable, "-c", ""], on_exit=codes.append)
    world.run_until(lambda: codes)
    assert codes == [0]
    assert "cannot write down" in world.said()[0]["message"]
