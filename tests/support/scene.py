"""A scene: the whole data plane between a client and upstreams that a test plays, byte by byte.

Downstream, front, pipeline, stages, relay, pools and upstream connections are the real ones; sockets, time, names and
connecting are fakes. What a test does (`Client.sends`, `Upstream.sends`, `Scene.advance`) happens at once, and all that
follows from it has happened when the call returns.

When a scene closes, it checks what must hold after every scene: each request was settled exactly once, none is alive
or counted as in flight, no task is left, nothing was written to a closed connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

import pytest

from seekgate.config.snapshot import Snapshot
from seekgate.gateway.downstream import Downstream
from seekgate.gateway.front import PublicFront
from seekgate.gateway.sweep import TICK, Sweep
from seekgate.gateway.turn import Turn
from seekgate.gateway.world import Builder, World
from seekgate.pipeline.batch import Batch
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.pipeline import Pipeline
from seekgate.pipeline.stage import Stage
from seekgate.stages.access.stage import Access
from seekgate.stages.access_log.stage import AccessLog, Record
from seekgate.stages.decode.stage import Decode
from seekgate.stages.identity.stage import Identity
from seekgate.stages.identity.state import FileKeys
from seekgate.stages.metering.prices import PriceTable, builtin
from seekgate.stages.metering.stage import Metering
from seekgate.stages.route.stage import Route
from seekgate.stages.route.state import RouteTable
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from seekgate.wire.errors import ErrorKind
from tests.fakes.clock import FakeClock, FakeLoop
from tests.fakes.network import FakeNetwork, FakeResolver
from tests.fakes.transport import FakeTransport
from tests.support.scene_config import SECRETS, snapshot

Delivery = Literal["whole", "byte by byte", "with trailing data"]
DELIVERIES: tuple[Delivery, ...] = ("whole", "byte by byte", "with trailing data")


class Peer:
    """The other end of a connection. ``received`` takes what has arrived since it was last called."""

    def __init__(self, scene: Scene, transport: FakeTransport, name: str) -> None:
        self._scene = scene
        self.transport = transport
        self.name = name

    def sends(self, data: bytes) -> None:
        """Send; in a scene that is played byte by byte, each byte is a read of its own."""
        pieces = [data[i : i + 1] for i in range(len(data))] if self._scene.bytewise else [data]
        self._scene.play(*(lambda piece=piece: self.transport.peer_sends(piece) for piece in pieces))

    def received(self) -> bytes:
        """What has arrived since the last call."""
        data = bytes(self.transport.sent)
        self.transport.sent.clear()
        return data

    def finishes(self) -> None:
        """Close in good order (end of file)."""
        self._scene.play(self.transport.peer_finishes)

    def resets(self) -> None:
        """Break the connection."""
        self._scene.play(self.transport.peer_resets)

    def stops_reading(self) -> None:
        """Take nothing more until `reads_on`."""
        self._scene.play(self.transport.peer_stops_reading)

    def reads_on(self) -> None:
        """Take everything."""
        self._scene.play(self.transport.peer_reads_on)

    @property
    def state(self) -> str:
        """``open``, ``half-closed``, ``closed``, ``aborted`` (by the gateway) or ``reset`` (by this end)."""
        return self.transport.end or ("half-closed" if self.transport.eof_sent else "open")


class CountedExchange(Exchange):
    """An Exchange whose end is seen: it is freed by its reference count or never."""

    def __del__(self) -> None:
        if self.id in LIVE:
            LIVE.remove(self.id)


LIVE: list[str] = []


class Witness(Stage):
    """The first stage of every scene: each exchange ends once."""

    def __init__(self, ended: list[str]) -> None:
        self._ended = ended

    def on_end(self, x: Exchange) -> None:
        """Write it down."""
        self._ended.append(x.id)


class Scene:
    """The stage on which clients and upstreams meet.

    ``early`` stages stand between decode and route, ``extra`` ones behind the built-in ones; ``draws`` are the
    route's random numbers, used in turn.
    """

    def __init__(
        self,
        config: Snapshot | None = None,
        delivery: Delivery = "whole",
        extra: Sequence[Stage] = (),
        draws: Sequence[float] = (0.0,),
        patch: pytest.MonkeyPatch | None = None,
        early: Sequence[Stage] = (),
    ) -> None:
        self.delivery = delivery
        self.bytewise = delivery == "byte by byte"
        self.clock = FakeClock()
        self.loop = FakeLoop(self.clock)
        self.network = FakeNetwork()
        self.resolver = FakeResolver({})
        self.metrics = Metrics(Registry())
        self.sweep = Sweep(self._broken)
        self._records: list[Record] = []
        self._waiting: list[Batch] = []
        self.refusals: list[tuple[str, str]] = []
        self.failures: list[tuple[str, str]] = []
        self.ended: list[str] = []
        self.admitted: list[str] = []
        self.clients: list[Peer] = []
        self.extra = extra
        self.early = early
        self._draws = list(draws)
        self._opened = 0
        self._ticks = 0
        self._patch = patch or pytest.MonkeyPatch()
        self._patch.setattr("seekgate.gateway.pool.connect", self.network.connect)
        self._patch.setattr("seekgate.gateway.front.Exchange", self._exchange)
        # Byte by byte, each byte is worked on at once: a turn of the loop for each would only take time.
        self.turn = Turn((lambda run: run()) if self.bytewise else self.loop.call_soon, self._broken)
        self.turn.collecting = delivery != "byte by byte"  # both ways of a turn are played
        self.builder = Builder(self.resolver, self.clock, self.sweep, self.turn, lambda: None)
        self.front = PublicFront(
            self.build(config or snapshot()),
            self.clock,
            self.sweep,
            self.turn,
            self.metrics,
            "req_",
            self._refused,
        )
        self.builder.retire([self.front.world])

    # -- wiring ---------------------------------------------------------------------------------------------------

    def _broken(self, error: Exception) -> None:
        raise error

    def build(self, config: Snapshot) -> World:
        """A world for a snapshot, as `seekgate.app` composes it."""
        prices = PriceTable.load(builtin())
        batch = Batch(
            [Metering(self.metrics, prices), AccessLog(self._records.append)],
            self._failed,
            self._waiting.append,
        )
        access = next((stage for stage in self.extra if isinstance(stage, Access)), None)
        visible = access.visible if access is not None else lambda _: None
        stages: list[Stage] = [
            Witness(self.ended),
            batch,
            Identity(FileKeys((key, SECRETS[key.secret]) for key in config.keys)),
            Decode(),
            *self.early,
            Route(RouteTable(config), tuple(config.models), self._draw, visible),
            *self.extra,
        ]
        return self.builder.build(config, Pipeline(stages, self._failed), SECRETS.__getitem__)

    def reload(self, config: Snapshot) -> None:
        """Serve new requests from another snapshot, as a worker does."""

        def swap() -> None:
            world = self.build(config)
            self.front.use(world)
            self.builder.retire([world])

        self.play(swap)

    def _exchange(self, *args: object) -> CountedExchange:
        x = CountedExchange(*args)  # type: ignore[arg-type]
        LIVE.append(x.id)
        self.admitted.append(x.id)
        return x

    def _draw(self) -> float:
        return self._draws.pop(0) if len(self._draws) > 1 else self._draws[0]

    def _refused(self, client: str, kind: ErrorKind) -> None:
        self.refusals.append((client, kind.name))

    def _failed(self, stage: str, x: Exchange, error: Exception) -> None:
        self.failures.append((stage, repr(error)))

    # -- playing --------------------------------------------------------------------------------------------------

    def play(self, *acts: Callable[[], object]) -> None:
        """Do each act inside the loop, and let everything that follows from it happen."""

        async def act_by_act() -> None:
            for act in acts:
                before = self.loop.scheduled
                act()
                if self.loop.scheduled != before:
                    await self.loop.idle()

        self.loop.run_until_complete(act_by_act())

    def client(self, address: str = "192.0.2.1", tls: bool = False) -> Peer:
        """A client that has connected."""
        transport = FakeTransport(self.loop, address, tls)
        peer = Peer(self, transport, address)
        self.clients.append(peer)
        self.play(lambda: transport.attach(Downstream(self.front)))
        return peer

    def upstream(self) -> Peer:
        """The next new connection that the gateway has made to an upstream."""
        assert self._opened < len(self.network.opened), (
            "the gateway has made no (further) upstream connection"
        )
        where, transport = self.network.opened[self._opened]
        self._opened += 1
        return Peer(self, transport, where)

    @property
    def connects(self) -> int:
        """New upstream connections that `upstream` has not yet returned."""
        return len(self.network.opened) - self._opened

    def advance(self, seconds: float) -> None:
        """Let time pass, with all that a worker's tick does."""
        for _ in range(round(seconds / TICK)):
            self._ticks += 1
            self.play(lambda: self.clock.advance(TICK), self._tick)

    def _tick(self) -> None:
        now = self.clock.monotonic()
        # A timer of the loop that is due now is only found by a turn of the loop.
        self.loop.call_soon(lambda: None)
        self.sweep.tick(now)
        if self._ticks % round(1 / TICK) == 0:
            self.builder.tick(now)

    @property
    def records(self) -> list[Record]:
        """The access log so far."""
        for batch in self._waiting:
            batch.flush()
        self._waiting.clear()
        return self._records

    @property
    def record(self) -> Record:
        """The only line of the access log."""
        (record,) = self.records
        return record

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    # -- the end --------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Everybody leaves; then check what must always hold."""
        for client in self.clients:
            if client.transport.open or not client.transport.is_closing():
                client.resets()
            client.transport.peer_reads_on()
        self.play(lambda: None)
        try:
            self._check()
        finally:
            for _, transport in self.network.opened:
                transport.abort()
            self.play(lambda: None)
            self.loop.close()
            self._patch.undo()

    def _check(self) -> None:
        assert sorted(self.ended) == sorted(self.admitted), "each exchange is settled exactly once"
        assert self.metrics.in_flight.value == 0
        assert len(self.records) == len(self.admitted), "each exchange has a line in the access log"
        assert not LIVE, f"these exchanges were never freed: {LIVE}"
        assert not asyncio.all_tasks(self.loop), "a task is left"
        assert not self.front.connections, "a client's connection was not forgotten"
        for pool in self.builder.pools:
            busy = [c for c in pool.connections if not c.transport.is_closing()]
            assert len(busy) == pool.idle, "an upstream connection is neither idle nor closed"
        for transport in [c.transport for c in self.clients] + [t for _, t in self.network.opened]:
            assert not transport.late, "written to a closed connection"
