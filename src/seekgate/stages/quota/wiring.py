"""A worker's limits as a whole: the tables, which outlive snapshots, and the place where they are shared, if any.

It is what `seekgate.app` composes with; the stage itself knows neither files nor Valkey.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from seekgate.config.compiled.quota import Quota as Settings
from seekgate.config.compiled.quota import Valkey
from seekgate.config.rows import LimitRow, Row
from seekgate.config.snapshot import Snapshot
from seekgate.host.clock import Clock
from seekgate.host.complaints import complain
from seekgate.host.socket_path import socket_path
from seekgate.pipeline.principal import Principal
from seekgate.stages.quota.broker import Broker, Promise, Result
from seekgate.stages.quota.counter import NO_MONEY, Counter, Money
from seekgate.stages.quota.leases import Leases
from seekgate.stages.quota.memory import Memory
from seekgate.stages.quota.stage import Prices, Quota
from seekgate.stages.quota.state import Tables
from seekgate.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from seekgate.store.valkey_leases import ValkeyLeases

SOCKET = "run/valkey.sock"
"""Where the node's own Valkey listens, below ``SEEKGATE_HOME``."""


class Limits:
    """One for each worker. ``name`` is this worker's among all that share limits; ``secret`` resolves references;
    ``promise`` makes what a request awaits that waits for its turn (a future of the loop)."""

    def __init__(
        self,
        metrics: Metrics,
        clock: Clock,
        name: str,
        secret: Callable[[str], str],
        promise: Callable[[], Promise],
    ) -> None:
        self.tables = Tables(_warn)
        self._ledger = _Ledger(self)
        self.broker = Broker(self.tables, promise, self._ledger.poke, self._saw)
        self._leases = Leases(self.tables, self.broker.fed)
        self._metrics = metrics
        self._clock = clock
        self._name = name
        self._secret = secret
        self._shared: ValkeyLeases | None = None
        self._prepared: tuple[Valkey | None, str | None] = (None, None)
        self._settings = Settings()
        self._where: tuple[Valkey | None, str | None] = (None, None)
        self._prepared_currencies: set[str] = set()
        self._currencies: set[str] | None = None
        self._memory: Memory | None = None
        self._orphans: list[tuple[Principal, str, str, float, int, int, Money]] = []
        self._home = Path()
        self._workers = 1

    def begin(self, home: Path, slot: int, workers: int) -> None:
        """Before anything else: where the node keeps its files, which of its workers this is, and of how many."""
        self._home, self._workers = home, workers
        self._memory = Memory(home / "run" / f"quota-{slot}.json", self.tables)
        try:
            self._memory.restore()
        except (OSError, msgspec.DecodeError) as error:
            complain("what was used of limits before the restart cannot be read", error=str(error))

    def apply(self, kind: str, id: str, row: Row | None) -> None:
        """A row of the database has come, changed or gone."""
        if row is None or isinstance(row, LimitRow):
            self.tables.apply(kind, id, row)
            self._look_at_budgets(() if row is None else (row,))

    def stage(self, snapshot: Snapshot, prices: Prices) -> Quota:
        """The stage for a snapshot. Nothing of the snapshot is in force before `adopt`."""
        keys = {each.price for each in snapshot.deployments if each.price is not None}
        self._prepared_currencies = {prices.quote(key, self._clock.wall()).currency for key in keys}
        clock, ledger = self._clock, self._ledger
        return Quota(self.tables, snapshot.quota, prices, clock, ledger, self.broker, self._count)

    def prepare(self, snapshot: Snapshot) -> None:
        """Resolve what may be missing. Raises `ValueError`."""
        where = snapshot.valkey
        if where is None and self._workers > 1:
            where = Valkey(path=str(socket_path(self._home, "valkey")), embedded=True)
        password = None if where is None or where.password is None else self._secret(where.password)
        self._prepared = (where, password)
        self._settings = snapshot.quota

    def adopt(self) -> None:
        """What was prepared is in force."""
        self.tables.use_file(self._settings.limits)
        self.tables.deny = self._settings.on_outage == "deny"
        self._currencies = self._prepared_currencies
        self._look_at_budgets(self._settings.limits)
        if self._prepared != self._where:
            self._where = self._prepared
            if self._shared is not None:
                self._shared.close()
                self._shared = None
            self.tables.share(self._where[0] is not None, self._clock.wall() + self.tables.offset)
        self._connect()

    def _look_at_budgets(self, rows: Iterable[LimitRow]) -> None:
        """A budget in a currency in which nothing is priced would never be touched: that is hardly what is meant."""
        known = self._currencies
        for row in rows if known is not None else ():
            for currency in {budget.currency for budget in row.budgets}.difference(known or ()):
                complain(
                    "a budget is in a currency in which no deployment has a price: nothing counts against it",
                    level="warning",
                    subject=row.id,
                    currency=currency,
                )

    def _connect(self) -> None:
        """Connect once there is something to share."""
        where, password = self._where
        if self._shared is None and where is not None and self.tables.scopes:
            from seekgate.store.valkey_leases import ValkeyLeases

            self.tables.fleet = self._workers
            self._shared = ValkeyLeases(
                where, password, self._name, self._leases, self._clock, self._called, self._changed
            )
            self._shared.start()

    async def ready(self) -> None:
        """Return when the place where limits are shared answers, or does not in time."""
        if self._shared is not None:
            await self._shared.ready()

    @property
    def shared(self) -> ValkeyLeases | None:
        """The place where limits are shared; None where they are not."""
        return self._shared

    def charge(
        self,
        principal: Principal,
        model: str,
        provider: str,
        at: float,
        input: int,
        output: int,
        money: Money = NO_MONEY,
    ) -> None:
        """Charge what a request has used that nobody settled, because its worker died.

        Tokens and ``money`` (micro-units by currency) go to the windows that hold ``at``, the Unix second of its
        admission; windows that are over are not charged. It is done at the next tick, when the limits are known.
        """
        self._orphans.append((principal, model, provider, at, input, output, money))

    def _charge_orphans(self) -> None:
        orphans, self._orphans = self._orphans, []
        for principal, model, provider, at, input, output, money in orphans:
            now = self._clock.wall() + self.tables.offset
            for c in self.tables.met_by(principal, "", model, provider, now):
                if c.unit not in ("requests", "concurrency") and c.start <= at < c.end:
                    c.left -= c.amount(input, output, money)

    def tick(self) -> None:
        """Called at short intervals."""
        self._connect()
        if self._orphans:
            self._charge_orphans()
        self._tick_broker()
        if self._shared is not None:
            self._shared.tick()
            return
        now = self._clock.wall()
        self._leases.sweep(now)
        if self._memory is not None and not self.tables.shared:
            self._keep(now, False)

    def _tick_broker(self) -> None:
        self.broker.tick(self._clock.monotonic())
        for provider, waiting in self.broker.waiting().items():
            self._metrics.quota_waiting.labels(provider).value = waiting

    def close(self) -> None:
        """Give back and write down what there is."""
        if self._shared is not None:
            self._shared.close()
        elif self._memory is not None and not self.tables.shared:
            self._keep(self._clock.wall(), True)

    def _keep(self, now: float, at_once: bool) -> None:
        assert self._memory is not None
        try:
            self._memory.keep(now, at_once)
        except OSError as error:
            complain("what is used of limits cannot be written down", error=str(error.strerror))

    def _count(self, scope: str, unit: str) -> None:
        self._metrics.quota_refusals.labels(scope, unit).value += 1

    def _saw(self, provider: str, result: Result, waited: float) -> None:
        self._metrics.quota_queued.labels(provider, result).value += 1
        if result != "full":
            self._metrics.quota_wait.labels(provider).observe(waited)

    def _called(self, result: str) -> None:
        self._metrics.quota_calls.labels(result).value += 1

    def _changed(self, trouble: str) -> None:
        self._metrics.quota_outage.value = int(bool(trouble))
        if trouble:
            policy = "deny" if self.tables.deny else "local"
            complain("limits cannot be shared: Valkey does not answer", policy=policy, reason=trouble)
        else:
            complain("limits are shared by Valkey", level="info")


class _Ledger:
    """What a stage sees of the place where limits are shared: stages of older snapshots see the newest one."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    @property
    def patience(self) -> float:
        """Seconds that one request may wait in all."""
        shared = self._limits.shared
        return 0.0 if shared is None else shared.patience

    async def turn(self, until: float) -> bool:
        """Everything that is asked for now has been asked; False: not in time, or not at all."""
        shared = self._limits.shared
        return False if shared is None else await shared.turn(until)

    def poke(self) -> None:
        """Something is asked for that nobody waits for."""
        shared = self._limits.shared
        if shared is not None:
            shared.poke()


def _warn(counter: Counter) -> None:
    budget = counter.budget
    assert budget is not None
    complain(
        "a budget has passed its soft mark",
        level="warning",
        subject=f"{counter.scope}:{counter.name}",
        period=budget.period,
        soft=f"{(budget.soft or 0) / 1_000_000:.6f} {budget.currency}",
    )
