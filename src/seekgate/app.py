"""The wiring: which stages a request passes, in which order, and what a gateway worker is made of.

``python -m seekgate.app --control-fd N`` is the worker's process; the supervisor starts it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from seekgate import own_stages
from seekgate.config.compiled.audit import Audit
from seekgate.config.compiled.identity import Issuer
from seekgate.config.home import home as default_home
from seekgate.config.home import pattern_folder
from seekgate.config.secrets import SecretError, resolve
from seekgate.config.snapshot import Deployment, Snapshot
from seekgate.gateway.followed import Followed, kept_in
from seekgate.gateway.moderator import HttpModerator
from seekgate.gateway.resolver import SystemResolver
from seekgate.gateway.rows import Rows
from seekgate.gateway.worker import Worker
from seekgate.host.clock import Clock, SystemClock
from seekgate.host.complaints import complain
from seekgate.host.logfile import LogWriter
from seekgate.host.messages import Start
from seekgate.moderating import moderator
from seekgate.pipeline.batch import Batch
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.pipeline import Pipeline
from seekgate.pipeline.principal import Principal
from seekgate.pipeline.stage import Stage
from seekgate.stages.access.stage import Access
from seekgate.stages.access.state import AccessRows, AccessTable
from seekgate.stages.access_log.stage import AccessLog, Record
from seekgate.stages.audit.records import asked
from seekgate.stages.audit.trail import Trail
from seekgate.stages.decode.stage import Decode
from seekgate.stages.guard.matcher import Maker
from seekgate.stages.guard.moderation import Outcome
from seekgate.stages.guard.signs import builtin as builtin_signs
from seekgate.stages.guard.stage import Guard, wanted
from seekgate.stages.identity.jwks import KeySet
from seekgate.stages.identity.wiring import Callers, Parse
from seekgate.stages.metering.prices import PriceTable, builtin
from seekgate.stages.metering.stage import Metering
from seekgate.stages.privacy.wiring import Builder as PrivacyBuilder
from seekgate.stages.quota.wiring import Limits
from seekgate.stages.route.stage import Route
from seekgate.stages.route.state import RouteTable
from seekgate.store.journal import Ticket
from seekgate.store.journal.keeping import Orphan
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from seekgate.wire.errors import ErrorKind

_MINUTE = 480  # ticks
_ORPHANS = 65_536
ENCODE_AT = 32
CLOSE_SECONDS = 5.0


class Application:
    """The composition of a gateway worker."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._waiting: list[Batch] = []
        self._records: list[Record] = []
        self._lines: list[bytes] = []
        self._log: LogWriter | None = None
        self._prepared: LogWriter | None = None
        self._leaving: list[LogWriter] = []
        self._moderator: HttpModerator[Outcome] | None = None
        self._prepared_moderator: HttpModerator[Outcome] | None = None
        self._prices: PriceTable | None = None
        self._prepared_prices: PriceTable | None = None
        self._ticks = 0
        self._encode = msgspec.json.Encoder().encode_lines
        self.rows = Rows()
        self._access = AccessRows()
        for kind in ("role", "binding"):
            self.rows.register(kind, self._access.apply)
        self._callers = Callers(self.secret, lambda: self.rows.loaded, self._follow, clock.wall, metrics)
        self.rows.register("key", self._callers.keys.apply, self._callers.keys.ids)
        self.limits = Limits(metrics, clock, f"w{os.urandom(6).hex()}", self.secret, _promise)
        self.rows.register("limit", self.limits.apply)
        self._home = default_home()
        self._privacy = PrivacyBuilder()
        self._trail: Trail | None = None
        self._orphans: dict[tuple[str, int], None] = {}
        self._deployments: tuple[Deployment, ...] = ()
        self._prepared_deployments: tuple[Deployment, ...] = ()
        self._prepared_audit: Audit | None = None

    async def begin(self, start: Start) -> None:
        """Read the rows that there are, before the first request."""
        self._home = Path(start.home)
        self._callers.begin(self._home, start.slot)
        soon = asyncio.get_running_loop().call_soon_threadsafe
        self._trail = Trail(self._home, start.slot, self._clock, soon, self.settle_orphan)
        self.limits.begin(self._home, start.slot, start.workers)
        await self.rows.load(self._home)

    def pipeline(self, snapshot: Snapshot, report: Callable[[str, Exchange, Exception], None]) -> Pipeline:
        """The stages for this snapshot, in the order in which requests pass them."""
        override = None if snapshot.prices is None else Path(snapshot.prices).read_bytes()
        self._prepared_deployments = snapshot.deployments
        self._prepared_prices = prices = PriceTable.load(builtin(), override, snapshot.prices or "")
        observers: list[Stage] = [Metering(self._metrics, prices)]
        last: list[Stage] = []
        if snapshot.audit is not None and self._trail is not None:
            opening, closing = self._trail.stages(snapshot.audit, self.secret)
            observers.append(closing)
            last.append(opening)
        if snapshot.access_log.target != "off":
            observers.append(AccessLog(self._record))
        batch = Batch(observers, report, self._waiting.append)
        access = Access(AccessTable(snapshot, self._access, _warn))
        stages: list[Stage] = [
            batch,
            self._callers.stage(snapshot),
            Decode(),
            *self._privacy.stages(snapshot.privacy, self._home, self.secret),
            *self._guard(snapshot),
            *own_stages.build(snapshot.stages, self._clock.monotonic, _slow),
            Route(RouteTable(snapshot), tuple(snapshot.models), random.random, access.visible),
            access,
            self.limits.stage(snapshot, prices),
        ]
        return Pipeline([*stages, *last], report)

    def settle_orphan(self, orphan: Orphan) -> None:
        """A worker has died with this request in flight: charge its prompt, which was sent. (How much of an answer
        had come nobody knows; what was reserved for it ended with the worker.) It may be told twice."""
        if not orphan.reserved or (orphan.writer, orphan.number) in self._orphans:
            return
        self._orphans[orphan.writer, orphan.number] = None
        if len(self._orphans) > _ORPHANS:
            del self._orphans[next(iter(self._orphans))]
        said = asked(orphan.asked)
        deployment = next((d for d in self._deployments if d.id == said.get("deployment")), None)
        if deployment is None:
            return
        organisation, team, application = (said.get(n) or "" for n in ("organisation", "team", "application"))
        name, kind = said.get("caller_name", ""), said.get("caller_kind", "key")
        principal = Principal(name, orphan.caller, kind, organisation, team, application)
        tokens, money = int(orphan.reserved[0]), {}
        if deployment.price is not None and self._prices is not None:
            quote = self._prices.quote(deployment.price, orphan.time)
            money = {quote.currency: quote.cost(0, tokens, 0)}
        model = said.get("model", "")
        self.limits.charge(principal, model, deployment.provider, orphan.time, tokens, 0, money)

    def _follow(self, issuer: Issuer, parse: Parse) -> Followed[KeySet]:
        return Followed(
            issuer.jwks,
            parse,
            self._clock.wall,
            refresh=issuer.refresh,
            max_stale=issuer.max_stale,
            kept=kept_in(self._home, issuer.jwks),
            ca=issuer.ca,
            proxy=issuer.proxy,
        )

    def _guard(self, snapshot: Snapshot) -> list[Stage]:
        settings = snapshot.guard
        asked = settings.moderation
        self._prepared_moderator = (
            None if asked is None else moderator(asked, self.secret, self._clock, _trouble)
        )
        if not wanted(settings):
            return []
        signs = builtin_signs() if settings.injection is not None else ()
        make = Maker(pattern_folder(self._home))
        return [Guard(settings, signs, make, self._prepared_moderator, self._found)]

    def _found(self, check: str, action: str) -> None:
        self._metrics.guard_findings.labels(check, action).value += 1

    def _record(self, record: Record) -> None:
        """Keep a record for the log; they are encoded some at a time, while they are still in the caches."""
        records = self._records
        records.append(record)
        if len(records) >= ENCODE_AT:
            self._lines.append(self._encode(records))
            records.clear()

    def secret(self, reference: str) -> str:
        """Resolve a secret reference."""
        try:
            return resolve(reference)
        except SecretError as error:
            raise ValueError(str(error)) from error

    def refused(self, client: str, kind: ErrorKind) -> None:
        """Log bytes that never became a request."""
        if self._log is not None:
            now = self._clock.wall()
            self._record(
                Record(
                    now,
                    "",
                    client,
                    "",
                    "",
                    kind.status,
                    "refused",
                    0,
                    error=kind.name,
                    error_source=kind.source,
                )
            )

    def prepare(self, snapshot: Snapshot) -> None:
        """Open the snapshot's access log, for `adopt`. A file is opened again only if it was rotated meanwhile."""
        self.limits.prepare(snapshot)
        target = snapshot.access_log.target
        self._prepared_audit = snapshot.audit
        unused = self._prepared
        if target == "off":
            self._prepared = None
        elif self._log is not None and self._log.leads_to(target):
            self._prepared = self._log
        else:
            self._prepared = LogWriter(target)
        if unused is not None and unused is not self._log:
            unused.finish()  # its snapshot was rejected after all

    def adopt(self) -> None:
        """What was prepared is in force. The log before it is written to its end, but not waited for."""
        self._callers.adopt()
        self._hand_over()
        old, self._log = self._log, self._prepared
        if old is not None and old is not self._log:
            old.finish()
            self._leaving.append(old)
        self._prices = self._prepared_prices
        self._deployments = self._prepared_deployments
        if self._moderator is not None and self._moderator is not self._prepared_moderator:
            self._moderator.close()
        self._moderator = self._prepared_moderator
        if self._trail is not None:
            self._trail.use(self._prepared_audit)
        self.limits.adopt()

    def committing(self) -> Callable[[], Ticket | None] | None:
        """What stands in front of every write, if anything is recorded."""
        return self._commit if self._trail is not None and self._trail.on else None

    def _commit(self) -> Ticket | None:
        """Record what the exchanges of this turn came to."""
        if self._waiting:
            self.flush()
        assert self._trail is not None
        return self._trail.commit()

    def flush(self) -> None:
        """Bring the counts up to date."""
        for batch in self._waiting:
            batch.flush()
        self._waiting.clear()

    def _watch_prices(self, prices: PriceTable) -> None:
        expired = int(prices.calendar_expired(self._clock.wall()))
        if expired and not self._metrics.price_calendar_expired.value:
            complain(
                "the price calendar has expired: holidays are charged as peak until the price file is renewed",
                level="warning",
                prices=prices.version,
            )
        self._metrics.price_calendar_expired.value = expired

    def tick(self) -> None:
        """Settle what has been collected, and hand the records to the log's thread."""
        self.rows.follow()
        self._callers.tick(self.rows.number)
        self.limits.tick()
        self._hand_over()
        self._count_lost()
        if self._trail is not None:
            self._trail.tick()
            self._count_audit(self._trail)
        if self._ticks % _MINUTE == 0:
            self._callers.each_minute()
            if self._prices is not None:
                self._watch_prices(self._prices)
        self._ticks += 1

    def _hand_over(self) -> None:
        self.flush()
        if self._log is not None and (self._lines or self._records):
            self._lines.append(self._encode(self._records))
            self._log.write(b"".join(self._lines))
        self._records.clear()
        self._lines.clear()

    def _count_lost(self) -> None:
        leaving, self._leaving = self._leaving, [log for log in self._leaving if not log.finished]
        for log in leaving if self._log is None else (*leaving, self._log):
            self._metrics.access_log_lost.value += log.take_lost()

    def _count_audit(self, trail: Trail) -> None:
        errors, lost, abandoned = trail.take_counts()
        self._metrics.audit_failing.value = int(trail.failing)
        self._metrics.audit_errors.value += errors
        self._metrics.audit_lost.value += lost
        self._metrics.audit_abandoned.value += abandoned

    def close(self) -> None:
        """Write what is left, and wait for that, within bounds: a log that nobody reads must not keep the process."""
        self.tick()
        self.rows.close()
        self._callers.close()
        if self._trail is not None:
            self._trail.close()
            self._count_audit(self._trail)
        self.limits.close()
        if self._log is not None:
            self._log.finish()
            self._leaving.append(self._log)
            self._log = None
        end = self._clock.monotonic() + CLOSE_SECONDS
        for log in self._leaving:
            log.join(max(0.0, end - self._clock.monotonic()))
        self._count_lost()


def _promise() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def _slow(text: str, stage: str) -> None:
    complain(text, level="warning", stage=stage)


def _trouble(text: str, reason: str) -> None:
    complain(text, level="warning", **({"reason": reason} if reason else {}))


def _warn(text: str) -> None:
    complain(text, level="warning")


def main() -> int:
    """A gateway worker's process."""
    import uvloop

    parser = argparse.ArgumentParser(prog="seekgate gateway worker")
    parser.add_argument("--control-fd", type=int, required=True)
    control_fd: int = parser.parse_args().control_fd
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    metrics = Metrics(Registry())
    clock = SystemClock()

    async def run() -> int:
        return await Worker(Application(metrics, clock), metrics, clock, SystemResolver()).run(control_fd)

    return uvloop.run(run())


if __name__ == "__main__":
    sys.exit(main())
