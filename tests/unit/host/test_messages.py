from __future__ import annotations

import msgspec
import pytest

from seekgate.config.snapshot import Tls
from seekgate.host import messages as msg

TO_CHILD: list[msg.ToChild] = [
    msg.Start(
        1,
        2,
        (msg.ListenFd(5), msg.ListenFd(6, Tls("c.pem", "k.pem"), xfcc_from=("a",))),
        None,
        "/run/s.json",
        "/home",
    ),
    msg.Load("/run/s.json"),
    msg.EngineState("e", "127.0.0.1", 4000, True, "key"),
    msg.Drain(1.5),
]
TO_SUPERVISOR: list[msg.ToSupervisor] = [
    msg.Ready(),
    msg.Ready("127.0.0.1", 1, "k"),
    msg.Loaded(3),
    msg.Rejected(3, "no\nway"),
]


@pytest.mark.parametrize("message", TO_CHILD)
def test_what_a_child_is_told_is_one_line_and_comes_back(message: msg.ToChild) -> None:
    line = msg.encode(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert msg.decode_to_child(line) == message


@pytest.mark.parametrize("message", TO_SUPERVISOR)
def test_what_the_supervisor_is_told_is_one_line_and_comes_back(message: msg.ToSupervisor) -> None:
    line = msg.encode(message)
    assert line.count(b"\n") == 1
    assert msg.decode_to_supervisor(line) == message


@pytest.mark.parametrize(
    "line", [b"{}", b'{"type":"nonsense"}', b'{"type":"load"}', b'{"type":"ready","port":"x"}']
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msg.decode_to_child(line)
    with pytest.raises(msgspec.ValidationError):
        msg.decode_to_supervisor(line)


def test_a_message_for_the_other_side_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msg.decode_to_child(msg.encode(msg.Loaded(1)))
    with pytest.raises(msgspec.ValidationError):
        msg.decode_to_supervisor(msg.encode(msg.Drain(1.0)))


def test_a_newer_peer_may_say_more() -> None:
    assert msg.decode_to_supervisor(b'{"type":"loaded","number":4,"took":0.1}') == msg.Loaded(4)
