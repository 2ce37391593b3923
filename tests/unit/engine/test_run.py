"""The engine's process: its arguments, its refusals and the messages that it understands."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.engine.decide import EXIT_REFUSED
from seekgate.engine.run import ORPHAN_DEADLINE, Lines, main
from seekgate.host.messages import Drain, Load, encode
from tests.support.gguf_file import gguf


def _main(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run until it refuses; what it says goes to stderr."""
    reading, writing = os.pipe()
    try:
        status = main(["--name", "m", "--control-fd", str(reading), *arguments])
    finally:
        os.close(reading)
        os.close(writing)
    return status, capfd.readouterr().err


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """`main` ignores SIGINT for its process; that must not outlive the test."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_missing_model_is_named(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, said = _main(capfd, "--model", str(tmp_path / "absent.gguf"))
    assert status == EXIT_REFUSED
    assert f"{tmp_path}/absent.gguf: No such file" in said


def test_a_damaged_model_is_named_with_what_to_do(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf()[:60])
    status, said = _main(capfd, "--model", str(tmp_path / "m.gguf"))
    assert status == EXIT_REFUSED
    assert "ends inside its header" in said
    assert "seekgate models pull" in said


def test_too_large_a_context_is_refused_before_loading(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf())
    status, said = _main(
        capfd, "--model", str(tmp_path / "m.gguf"), "--context", "8192", "--slots", "1000000"
    )
    assert status == EXIT_REFUSED
    assert "not enough memory" in said


@pytest.fixture
def control() -> Iterator[tuple[Lines, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Lines(theirs.fileno()), ours


def test_a_drain_may_come_in_pieces(control: tuple[Lines, socket.socket]) -> None:
    lines, supervisor = control
    data = encode(Drain(2.5))
    supervisor.sendall(data[:5])
    assert lines.deadline() is None
    supervisor.sendall(data[5:])
    assert lines.deadline() == 2.5


def test_other_messages_are_passed_over(control: tuple[Lines, socket.socket]) -> None:
    lines, supervisor = control
    supervisor.sendall(b'{"type":"of a later version"}\nnot json\n' + encode(Load("/x")))
    assert lines.deadline() is None
    supervisor.sendall(encode(Drain(-1.0)))
    assert lines.deadline() == 0.0


def test_the_end_of_the_descriptor_means_leave(control: tuple[Lines, socket.socket]) -> None:
    lines, supervisor = control
    supervisor.close()
    assert lines.deadline() == ORPHAN_DEADLINE
