"""Connections to one destination, kept and shared by the requests of one worker.

Every address of the destination has its own stack of idle connections, and requests go round the addresses, so that
load spreads over all of them and follows when they change. The most recently used connection is taken first: the rest
age, and are closed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from seekgate.config.snapshot import Provider
from seekgate.gateway.connect import connect
from seekgate.gateway.resolver import REFRESH, Resolver, literal
from seekgate.gateway.sweep import Sweep
from seekgate.gateway.turn import Turn
from seekgate.gateway.upstream import Upstream
from seekgate.host.clock import Clock

if TYPE_CHECKING:
    from seekgate.gateway.relay import Relay

IDLE_SECONDS = 50.0
SHUN_SECONDS = 3.0
# When every known address refuses, the name is looked up again, but not more often than this many seconds.
RECHECK = 0.2


class Pool:
    """Idle and busy connections to one destination.

    `acquire` gives an idle connection at once or None; `open` then makes one, and calls ``relay.connected`` or
    ``relay.connect_failed``.
    """

    __slots__ = (
        "_clock",
        "_context",
        "_idle",
        "_on_count",
        "_only",
        "_refresh",
        "_resolved_at",
        "_resolver",
        "_shunned",
        "_static",
        "_sweep",
        "_turn",
        "addresses",
        "closing",
        "connections",
        "host",
        "idle_timeout",
        "port",
        "provider",
        "turn",
    )

    def __init__(
        self,
        provider: Provider,
        context: ssl.SSLContext | None,
        resolver: Resolver,
        clock: Clock,
        sweep: Sweep,
        turn: Turn,
        on_count: Callable[[], None],
    ) -> None:
        self.provider = provider
        self.idle_timeout = provider.timeouts.idle
        self.host = provider.host
        self.port = provider.port
        self.addresses: tuple[str, ...] = ()
        self.connections: set[Upstream] = set()
        self._on_count = on_count
        self.turn = turn
        self.closing = False
        self._static = False
        self._context = context
        self._resolver = resolver
        self._clock = clock
        self._sweep = sweep
        self._idle: dict[str, list[Upstream]] = {}
        self._only: list[Upstream] | None = None  # the idle connections, when there is one address
        self._shunned: dict[str, float] = {}
        self._turn = 0
        self._resolved_at = 0.0
        self._refresh: asyncio.Task[None] | None = None
        self.move(provider.host, provider.port)

    def move(self, host: str, port: int) -> None:
        """The destination is elsewhere now (an engine started again); "" says that it is nowhere yet."""
        if (host, port) != (self.host, self.port):
            self._set_addresses(())  # what is idle is connected to where it was
        self.host, self.port = host, port
        self._static = host.startswith("/") or literal(host)
        self._set_addresses((host,) if self._static else ())

    # -- a relay asks ---------------------------------------------------------------------------------------------

    def acquire(self) -> Upstream | None:
        """An idle connection to the address whose turn it is, or None: then `open` one."""
        stack = self._only
        if stack is None:
            addresses = self.addresses
            if not addresses:
                return None
            self._turn += 1
            stack = self._idle[addresses[self._turn % len(addresses)]]
        while stack:
            connection = stack.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    async def open(self, relay: Relay) -> None:
        """Connect for ``relay``, trying the other addresses when one does not answer. Nothing has been sent yet, so
        that trying again is always safe."""
        made: list[Upstream] = []
        reason = "no address is known"
        try:
            async with asyncio.timeout(self.provider.timeouts.connect):
                if not self._static:
                    await self._resolve_if_old(REFRESH)
                reason = await self._try_addresses(made) or reason
                if not made and not self._static and await self._resolve_if_old(RECHECK):
                    # All that were known refuse: perhaps the service has moved since.
                    reason = await self._try_addresses(made) or reason
        except TimeoutError:
            made.clear()
            reason = f"no connection within {self.provider.timeouts.connect:g} s"
        except OSError as error:
            reason = describe(error)
        if made:
            relay.connected(made[0])
        else:
            relay.connect_failed(reason)

    async def _try_addresses(self, made: list[Upstream]) -> str:
        """Put a connection into ``made``, or say why there is none ("" when nothing was tried)."""
        reason = ""
        for address in self._by_turn():
            try:
                await self._connect(address, made)
                return ""
            except OSError as error:
                made.clear()
                reason = describe(error)
                self._shunned[address] = self._clock.monotonic() + SHUN_SECONDS
        return reason

    def _connect(self, address: str, made: list[Upstream]) -> Awaitable[None]:
        def make() -> Upstream:
            made.append(Upstream(self, address))
            return made[-1]

        return connect(make, address, self.port, self.host, self._context, self.provider.proxy)

    def _by_turn(self) -> list[str]:
        """Addresses in the order to try: whose turn it is first, those that failed lately last; at most three."""
        addresses = self.addresses
        if not addresses:
            return []
        start = self._turn % len(addresses)
        ordered = [*addresses[start:], *addresses[:start]]
        now = self._clock.monotonic()
        ordered.sort(key=lambda address: self._shunned.get(address, 0.0) > now)
        return ordered[:3]

    @property
    def idle(self) -> int:
        """Connections that wait for a request."""
        return sum(len(stack) for stack in self._idle.values())

    # -- connections report ---------------------------------------------------------------------------------------

    def opened(self, connection: Upstream) -> None:
        """A connection exists."""
        self.connections.add(connection)
        self._sweep.add(connection)
        self._on_count()

    def closed(self, connection: Upstream) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        self._sweep.discard(connection)
        stack = self._idle.get(connection.address)
        if stack is not None and connection in stack:
            stack.remove(connection)
        self._on_count()

    def put(self, connection: Upstream, now: float) -> None:
        """A connection is free again."""
        stack = self._idle.get(connection.address)
        if stack is None or self.closing or len(stack) >= self.provider.max_idle_connections:
            connection.drop()
            return
        connection.deadline = now + IDLE_SECONDS
        stack.append(connection)

    # -- addresses ------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Look the name up again when it is in use and the last answer is old. Called about once a second."""
        if self._static or not self.connections or self.closing or now - self._resolved_at < REFRESH:
            return
        if self._refresh is None or self._refresh.done():
            self._refresh = asyncio.get_running_loop().create_task(self._refresh_quietly())

    async def _refresh_quietly(self) -> None:
        try:
            await self._resolve()
        except OSError:
            # The addresses known so far stay in use; a connection that fails says so to its request.
            self._resolved_at = self._clock.monotonic()

    async def _resolve_if_old(self, age: float) -> bool:
        """Look the name up if the last time was ``age`` seconds ago or more; True: there are other addresses now."""
        before = self.addresses
        if before and self._clock.monotonic() - self._resolved_at < age:
            return False
        try:
            await self._resolve()
        except OSError:
            if not before:
                raise
        return self.addresses != before

    async def _resolve(self) -> None:
        if self.provider.proxy is not None:
            self._set_addresses((self.host,))  # the proxy resolves it
        else:
            self._set_addresses(await self._resolver.resolve(self.host, self.port))
        self._resolved_at = self._clock.monotonic()

    def _set_addresses(self, addresses: tuple[str, ...]) -> None:
        if addresses == self.addresses:
            return
        gone = [stack for address, stack in self._idle.items() if address not in addresses]
        self._idle = {address: self._idle.get(address, []) for address in addresses}
        self.addresses = addresses
        self._only = self._idle[addresses[0]] if len(addresses) == 1 else None
        for stack in gone:
            for connection in list(stack):
                connection.drop()

    def close(self) -> None:
        """No snapshot uses this destination any more: idle connections close, busy ones when they are done."""
        self.closing = True
        for stack in self._idle.values():
            for connection in list(stack):
                connection.drop()
            stack.clear()


def describe(error: OSError) -> str:
    """What went wrong, for the client and the log: no addresses, which may be internal."""
    if isinstance(error, ssl.SSLCertVerificationError):
        # A mismatch names the host, which may be internal.
        mismatch = "mismatch" in error.verify_message
        return f"the certificate was not accepted ({'another name' if mismatch else error.verify_message})"
    if isinstance(error, ssl.SSLError):
        # Only what OpenSSL itself reports has a reason.
        return f"TLS failed ({getattr(error, 'reason', None) or 'handshake'})"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    return error.strerror.lower() if error.strerror else str(error) or type(error).__name__
