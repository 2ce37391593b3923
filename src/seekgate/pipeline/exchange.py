"""The record of one request while it passes through the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from seekgate.config.snapshot import Deployment, Model
from seekgate.pipeline.peer import Peer
from seekgate.pipeline.principal import ANONYMOUS, Principal
from seekgate.wire.errors import ErrorKind
from seekgate.wire.message import Request
from seekgate.wire.usage import Usage

NOTHING: frozenset[str] = frozenset()
Operation = Literal["chat", "completions", "embeddings", "models"]


class Endpoint(msgspec.Struct, frozen=True, gc=False):
    """An API path that is served: what is asked there, under which route.

    ``suffix`` is the path below the provider's base (``/chat/completions``); ``beta`` says that the client used
    DeepSeek's ``/beta`` base; ``models`` limits what may be asked for (None: everything); ``route`` is the prefix
    that the request came in by, as metrics and logs show it.
    """

    operation: Operation
    suffix: str
    route: str = ""
    beta: bool = False
    models: frozenset[str] | None = None
    model: str = ""


class Attempt(msgspec.Struct, gc=False):
    """One try at an upstream: a request may have several. ``started`` is monotonic seconds.

    ``outcome`` is empty while it runs, then one of ``answered``, ``connect``, ``timeout``, ``status``, ``cut``,
    ``invalid`` or ``cancelled``.
    """

    deployment: str
    started: float
    outcome: str = ""
    status: int = 0


class Stop(msgspec.Struct, frozen=True, gc=False):
    """Why a stage ends an answer that has begun: an error of the catalogue and what to say (neither text of the
    answer nor of the prompt)."""

    error: ErrorKind
    message: str


@dataclass(slots=True, eq=False)
class Exchange:
    """One request, from its last byte read to its settlement.

    It must hold no protocol, task, awaitable, exception or bound method: a cycle through it would keep it until a
    garbage collection, which is rare. Instants named ``…_at`` are monotonic seconds, except ``admitted_at``, which is
    Unix seconds and decides the price. (A plain class with slots, because its fields are set one by one all along the
    way, and setting one of a msgspec struct costs four times as much.)
    """

    request: Request
    endpoint: Endpoint
    id: str
    client: str
    started_at: float
    admitted_at: float
    entered: int = -1
    bytes_in: int = 0
    committed: bool = False
    # A stage that wants to see the answer sets ``inspected``; one that wants to end it sets ``stop``.
    inspected: bool = False
    stop: Stop | None = None
    # Header lines for the client's head that stages add, each with its CR LF in front.
    answer_headers: bytes = b""

    # TLS: who a client certificate says the caller is; None without one
    peer: Peer | None = None

    # decode
    tree: Any = None
    model: str = ""
    stream: bool = False
    asked_usage: bool = True

    # identity
    principal: Principal = ANONYMOUS

    # privacy: labels that detectors gave the request, how often each detector hit, and what a stage keeps meanwhile
    data_classes: frozenset[str] = NOTHING
    private_only: bool = False
    detected: dict[str, int] | None = None
    privacy: Any = None

    # guard
    guard: Any = None

    # own stages: what they keep of a request, by the name of the stage
    own: dict[str, Any] | None = None

    # quota: what is reserved until the end; whether the upstream may finish its answer though the client has left
    reservation: Any = None
    drain: bool = False  # should its client leave, the upstream is let finish

    # audit: what stages decided, in words of the form ``stage:what``, the body as it came if a stage has replaced it
    # (that stage sets it), and the audit's own notes
    decisions: tuple[str, ...] = ()
    received: bytes | None = None
    audit: Any = None

    # route
    model_entry: Model | None = None
    candidates: tuple[Deployment, ...] = ()
    deployment: Deployment | None = None
    attempts: list[Attempt] = field(default_factory=list)

    # access: the names that a list of models shows (None: all)
    visible: frozenset[str] | None = None

    # answer
    status: int = 0
    first_event_at: float = 0.0
    last_event_at: float = 0.0
    events: int = 0
    bytes_out: int = 0
    usage: Usage | None = None
    served_model: str | None = None
    fingerprint: str | None = None
    finish_reason: str | None = None
    upstream_id: str = ""

    # settlement; ``left`` is the status that a client saw (499: none) who left while the upstream was let finish
    left: int = 0
    error_type: str = ""
    error_source: str = ""
    outcome: Literal["", "answered", "refused", "failed", "cut", "client_left"] = ""
    ended_at: float = 0.0

    # metering
    cost_micro: int = 0
    currency: str = ""
    price_version: str = ""
    peak: bool = False
