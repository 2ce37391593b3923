"""What a worker serves from: one snapshot, made into tables and bytes. Built beside the one in force, then swapped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from seekgate.config.snapshot import Provider, Snapshot
from seekgate.gateway.connect import client_context
from seekgate.gateway.pool import Pool
from seekgate.gateway.resolver import Resolver
from seekgate.gateway.sweep import Sweep
from seekgate.gateway.target import Target
from seekgate.gateway.turn import Turn
from seekgate.host.clock import Clock
from seekgate.host.messages import EngineState
from seekgate.pipeline.exchange import Endpoint
from seekgate.pipeline.pipeline import Pipeline

_OPERATIONS = (
    ("chat", "/chat/completions"),
    ("completions", "/completions"),
    ("embeddings", "/embeddings"),
    ("models", "/models"),
)


class World:
    """One snapshot in force: its pipeline, the paths that it serves, and a target for each deployment."""

    __slots__ = ("paths", "pipeline", "pools", "snapshot", "targets")

    def __init__(
        self,
        snapshot: Snapshot,
        pipeline: Pipeline,
        paths: dict[bytes, Endpoint],
        targets: dict[str, Target],
        pools: dict[str, Pool],
    ) -> None:
        self.snapshot = snapshot
        self.pipeline = pipeline
        self.paths = paths
        self.targets = targets
        self.pools = pools

    def engine(self, state: EngineState) -> None:
        """An engine is reachable there from now on, or not at all."""
        for provider in self.snapshot.providers.values():
            if provider.engine == state.name:
                self.pools[provider.name].move(state.host if state.ready else "", state.port)
        for target in self.targets.values():
            if target.provider.engine == state.name:
                target.authenticate(state.key)


class Builder:
    """Makes worlds. Pools are kept from one to the next where the provider and what its TLS files contain is the same,
    so that a reload costs no connection; those that no world uses any more are closed by `retire`."""

    __slots__ = ("_clock", "_files", "_leaving", "_on_count", "_resolver", "_sweep", "_turn", "pools")

    def __init__(
        self, resolver: Resolver, clock: Clock, sweep: Sweep, turn: Turn, on_count: Callable[[], None]
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._sweep = sweep
        self._turn = turn
        self._on_count = on_count
        self.pools: list[Pool] = []
        self._leaving: list[Pool] = []
        self._files: dict[Pool, bytes] = {}

    def build(self, snapshot: Snapshot, pipeline: Pipeline, secret: Callable[[str], str]) -> World:
        """Build a world; nothing of the one in force changes. ``secret`` resolves a secret reference.

        Raise `OSError` or `ValueError` when a file or a secret cannot be read.
        """
        self._files = {pool: self._files[pool] for pool in self.pools}
        pools = {name: self._pool(provider) for name, provider in snapshot.providers.items()}
        tokens = {
            name: secret(provider.authorization) if provider.authorization else None
            for name, provider in snapshot.providers.items()
        }
        targets = {
            d.id: Target(d, snapshot.providers[d.provider], pools[d.provider], tokens[d.provider])
            for d in snapshot.deployments
        }
        return World(snapshot, pipeline, endpoints(snapshot), targets, pools)

    def _pool(self, provider: Provider) -> Pool:
        # Before they are used: should one change in between, the next reload sees a difference.
        files = _tls_files(provider)
        for pool in self.pools:
            if pool.provider == provider and self._files[pool] == files:
                return pool
        context = client_context(provider.tls) if provider.scheme == "https" else None
        pool = Pool(provider, context, self._resolver, self._clock, self._sweep, self._turn, self._on_count)
        self._files[pool] = files
        return pool

    def retire(self, worlds: Iterable[World]) -> None:
        """Keep the pools of ``worlds`` only."""
        kept = {id(pool): pool for world in worlds for pool in world.pools.values()}
        for pool in self.pools:
            if id(pool) not in kept:
                pool.close()
                self._leaving.append(pool)
        self.pools = list(kept.values())

    def connections(self) -> dict[str, tuple[int, int]]:
        """Idle and busy connections by provider, those of retired pools included until they are gone."""
        self._leaving = [pool for pool in self._leaving if pool.connections]
        counts: dict[str, tuple[int, int]] = {}
        for pool in (*self.pools, *self._leaving):
            idle, busy = counts.get(pool.provider.name, (0, 0))
            now = pool.idle
            counts[pool.provider.name] = (idle + now, busy + len(pool.connections) - now)
        return counts

    def tick(self, now: float) -> None:
        """About once a second."""
        for pool in self.pools:
            pool.tick(now)


def _tls_files(provider: Provider) -> bytes:
    """A digest of what a provider's TLS files contain. Raise `OSError`."""
    digest = hashlib.sha256()
    if provider.scheme == "https":
        for path in (provider.tls.ca, provider.tls.certificate, provider.tls.key):
            if path is not None:
                digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.digest()


def endpoints(snapshot: Snapshot) -> dict[bytes, Endpoint]:
    """Every path that is served: below "", each route's prefix, and there below "", /v1 and /beta."""
    paths: dict[bytes, Endpoint] = {}
    for prefix, models in [("", None), *((route.prefix, route.models) for route in snapshot.routes)]:
        allowed = None if models is None else frozenset(models)
        for base in ("", "/v1", "/beta"):
            for operation, suffix in _OPERATIONS:
                path = f"{prefix}{base}{suffix}".encode()
                paths[path] = Endpoint(operation, suffix, prefix, base == "/beta", allowed)  # type: ignore[arg-type]
    return paths
