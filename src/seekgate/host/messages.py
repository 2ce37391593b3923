"""Typed messages between the supervisor and its children, one JSON object a line over a socket pair.

The child's end arrives as an inherited file descriptor. End of file on it means that the supervisor is gone: the
child finishes what it has and exits.
"""

from __future__ import annotations

import msgspec

from seekgate.config.snapshot import Tls


class ListenFd(msgspec.Struct, frozen=True):
    """An inherited listening socket, how it speaks TLS, and whom it believes (`seekgate.config.snapshot.Listener`).

    ``host`` and ``port`` are its address as the configuration has it, by which it is found in later snapshots.
    """

    fd: int
    tls: Tls | None = None
    host: str = ""
    port: int = 0
    xfcc_from: tuple[str, ...] = ()


class Start(msgspec.Struct, frozen=True, tag="start"):
    """First message to a worker: who it is, of how many, where it listens, which snapshot (a path) it begins with."""

    slot: int
    generation: int
    listeners: tuple[ListenFd, ...]
    admin_fd: int | None
    snapshot: str
    home: str
    workers: int = 1


class Load(msgspec.Struct, frozen=True, tag="load"):
    """Swap to the snapshot at ``path``; answered with `Loaded` or `Rejected`."""

    path: str


class EngineState(msgspec.Struct, frozen=True, tag="engine"):
    """Where an engine is reached, and whether it answers. ``host`` may be the path of a Unix socket (port 0).

    ``key`` is the bearer token that this engine demands of its callers ("" for none).
    """

    name: str
    host: str
    port: int
    ready: bool
    key: str = ""


class Drain(msgspec.Struct, frozen=True, tag="drain"):
    """Stop accepting, answer what was read with ``Connection: close``, exit within ``deadline`` seconds."""

    deadline: float


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """A worker accepts connections, or an engine answers (then ``host``, ``port`` and ``key`` say where)."""

    host: str = ""
    port: int = 0
    key: str = ""


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The snapshot with this number is in force."""

    number: int


class Rejected(msgspec.Struct, frozen=True, tag="rejected"):
    """The snapshot was not taken; the one in force stays. ``reason`` is for the operator."""

    number: int
    reason: str


ToChild = Start | Load | EngineState | Drain
ToSupervisor = Ready | Loaded | Rejected

_encoder = msgspec.json.Encoder()
_to_child: msgspec.json.Decoder[ToChild] = msgspec.json.Decoder(ToChild)
_to_supervisor: msgspec.json.Decoder[ToSupervisor] = msgspec.json.Decoder(ToSupervisor)


def encode(message: ToChild | ToSupervisor) -> bytes:
    """One line, newline included."""
    return _encoder.encode(message) + b"\n"


def decode_to_child(line: bytes) -> ToChild:
    """Raise `msgspec.ValidationError` for anything that is not a message to a child."""
    return _to_child.decode(line)


def decode_to_supervisor(line: bytes) -> ToSupervisor:
    """Raise `msgspec.ValidationError` for anything that is not a message to the supervisor."""
    return _to_supervisor.decode(line)
