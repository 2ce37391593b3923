from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from seekgate.host import messages as msg
from seekgate.host.processes import MAX_LINE, Channel, ProtocolError, describe_exit, python, spawn, start_time
from tests.support.until import until


def pair() -> tuple[Channel, socket.socket]:
    ours, theirs = socket.socketpair()
    return Channel(ours), theirs


def test_messages_arrive_whole_however_they_are_cut() -> None:
    channel, child = pair()
    stream = msg.encode(msg.Ready()) + msg.encode(msg.Loaded(7))
    got: list[msg.ToSupervisor] = []
    for byte in stream:
        child.send(bytes([byte]))
        received, ended = channel.receive()
        assert not ended
        got += received
    assert got == [msg.Ready(), msg.Loaded(7)]
    child.send(stream)
    assert channel.receive() == ([msg.Ready(), msg.Loaded(7)], False)
    child.close()
    channel.close()


def test_the_end_comes_with_the_last_messages() -> None:
    channel, child = pair()
    child.send(msg.encode(msg.Rejected(1, "no")) + b'{"type":"rea')
    child.close()
    assert channel.receive() == ([msg.Rejected(1, "no")], True)
    channel.close()


def test_what_is_no_message_is_an_error() -> None:
    channel, child = pair()
    child.send(b"hello\n")
    with pytest.raises(ProtocolError):
        channel.receive()
    child.close()
    channel.close()


def test_an_endless_line_is_an_error() -> None:
    channel, child = pair()
    child.setblocking(False)
    with pytest.raises(ProtocolError, match="longer than"):  # noqa: PT012 - it takes several rounds to fill
        for _ in range(0, 2 * MAX_LINE, 65_536):
            child.send(b"x" * 65_536)
            channel.receive()
    child.close()
    channel.close()


def test_a_child_that_does_not_read_never_blocks_us() -> None:
    channel, child = pair()
    sent = 0
    while channel.send(msg.Load("x" * 10_000)):
        sent += 1
    assert not channel.flush()
    stream = b""
    while not channel.flush():
        stream += child.recv(65_536)
    child.setblocking(False)
    while stream.count(b"\n") <= sent:
        stream += child.recv(65_536)
    assert all(msg.decode_to_child(line) == msg.Load("x" * 10_000) for line in stream.splitlines())
    child.close()
    assert channel.send(msg.Load("to nobody"))
    channel.close()
    assert channel.send(msg.Load("after the end"))


CHILD = """
import json, os, socket, sys
fd = int(sys.argv[sys.argv.index("--control-fd") + 1])
control = socket.socket(fileno=fd)
facts = {"group": os.getpgrp() == os.getpid(), "open": sorted(int(f) for f in os.listdir("/proc/self/fd"))}
message = {"type": "rejected", "number": 1, "reason": json.dumps(facts)}
control.send(json.dumps(message).encode() + b"\\n")
control.recv(1)
sys.exit(5)
"""


def test_a_child_inherits_its_descriptors_only_and_learns_of_our_end() -> None:
    secret = os.open("/dev/null", os.O_RDONLY)
    given = os.open("/dev/null", os.O_RDONLY)
    child = spawn([sys.executable, "-c", CHILD], fds=[given])
    try:
        channel = child.channel
        assert channel is not None
        received: list[msg.ToSupervisor] = []

        def listen() -> list[msg.ToSupervisor]:
            received.extend(channel.receive()[0])
            return received

        until(listen, "the child's message")
        told = received[0]
        assert isinstance(told, msg.Rejected)
        facts = msgspec.json.decode(told.reason)
        assert facts["group"]
        assert given in facts["open"]
        assert secret not in facts["open"]
        assert child.started == start_time(child.pid) is not None
        assert child.poll() is None
        channel.close()
        until(lambda: child.poll() is not None, "the child's end")
        assert child.poll() == 5
        assert start_time(child.pid) is None
        child.kill()
    finally:
        child.kill()
        child.close()
        os.close(secret)
        os.close(given)


def test_a_zombie_counts_as_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    try:
        until(lambda: start_time(process.pid) is None, "the process to end")
    finally:
        process.wait()


def test_output_of_a_child_without_control() -> None:
    child = spawn([sys.executable, "-c", "print('hi')"], control=False, stdout=subprocess.PIPE)
    assert child.channel is None
    assert child.output is not None
    assert child.output.read() == b"hi\n"
    until(lambda: child.poll() is not None, "the child's end")
    child.close()


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        spawn([str(tmp_path / "nothing")])
    assert len(os.listdir("/proc/self/fd")) == before


def test_python_keeps_the_working_directory_off_the_path() -> None:
    assert python("a.b", "c") == [sys.executable, "-P", "-m", "a.b", "c"]


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "exit code 0"), (3, "exit code 3"), (-signal.SIGKILL, "signal SIGKILL"), (-99, "signal 99")],
)
def test_how_it_ended(code: int, text: str) -> None:
    assert describe_exit(code) == text


@pytest.mark.parametrize("hard", [0, resource.RLIM_INFINITY])
def test_a_crash_leaves_no_core_dump(hard: int, tmp_path: Path) -> None:
    code = (
        "import os, resource; from seekgate.host.processes import forgo_core_dumps;"
        f"hard = min({hard}, resource.getrlimit(resource.RLIMIT_CORE)[1]);"
        "resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)); forgo_core_dumps(); os.abort()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGABRT, b"")
    assert not list(tmp_path.iterdir())
