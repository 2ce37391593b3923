"""What workers know of limits and of the Valkey that they share them by, beyond the rows of `seekgate.config.rows`."""

from __future__ import annotations

from typing import Literal

import msgspec

from seekgate.config.rows import LimitRow


class Valkey(msgspec.Struct, frozen=True, omit_defaults=True):
    """A server that speaks the Valkey (Redis) protocol. ``path`` is a Unix socket's, used instead of host and port.

    ``password`` is a secret reference. ``budget`` is how many seconds a request may wait for it in all. ``prefix``
    begins every key. ``embedded`` says that the supervisor runs it, with its socket in ``SEEKGATE_HOME/run``.
    """

    host: str = ""
    port: int = 6379
    path: str = ""
    tls: bool = False
    ca: str | None = None
    database: int = 0
    username: str = ""
    password: str | None = None
    budget: float = 0.010
    prefix: str = "seekgate"
    embedded: bool = False


class Queue(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where requests wait for a slot of a provider's account: ``waiting`` places for each account (0: nobody waits),
    each for ``max_wait`` seconds at most. Callers of tier core have ``core_weight`` turns for one of the others."""

    waiting: int = 1000
    max_wait: float = 30.0
    core_weight: int = 4


class Quota(msgspec.Struct, frozen=True, omit_defaults=True):
    """Limits of the configuration file, and how limits of any origin are applied.

    ``output_cap`` is the most output tokens that are reserved for one answer. ``headers``: answers say what is left.
    ``on_outage``: without Valkey, go on with this worker's share or deny. ``on_cancel``: what happens to the upstream
    when its client leaves.
    """

    limits: tuple[LimitRow, ...] = ()
    output_cap: int = 4096
    headers: bool = True
    on_outage: Literal["local", "deny"] = "local"
    on_cancel: Literal["cancel", "drain"] = "cancel"
    queue: Queue = Queue()
