"""The stage of quota in tests: tables with rules, requests that ask, ledgers that answer what a test says."""

from __future__ import annotations

import asyncio
from typing import Any

from seekgate.config.compiled.quota import Quota as Settings
from seekgate.config.rows import LimitRow
from seekgate.config.snapshot import Deployment
from seekgate.pipeline.exchange import Attempt, Exchange
from seekgate.pipeline.principal import Principal
from seekgate.stages.metering.prices import PriceTable, builtin
from seekgate.stages.quota.broker import Broker
from seekgate.stages.quota.stage import Ledger, Quota
from seekgate.stages.quota.state import Tables
from seekgate.wire.usage import Usage
from tests.fakes.clock import FakeClock
from tests.support.limits import ANN
from tests.support.scene_exchange import exchange

PRICE = "deepseek/deepseek-flash"
PLAIN = Deployment("d1", "cloud", "m")
SPARE = Deployment("d2", "spare", "m")
PRICED = Deployment("d3", "cloud", "m", price=PRICE)
DEAR = Deployment("d4", "cloud", "m", price="deepseek/deepseek-v4-pro")
PRICES = PriceTable.load(builtin())
NOW = FakeClock().wall()


class Answers:
    """A ledger that answers with what a test says; ``turns`` counts how often it was waited for."""

    patience = 1.0

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.turns = self.pokes = 0

    async def turn(self, until: float) -> bool:
        """The next answer; a callable is called first."""
        self.turns += 1
        answer = self.answers.pop(0)
        if callable(answer):
            answer()
            return True
        return bool(answer)

    def poke(self) -> None:
        """Counted."""
        self.pokes += 1


def promise() -> asyncio.Future[None]:
    """What a waiting request awaits."""
    return asyncio.get_running_loop().create_future()


class Made:
    """A stage over tables with these rules."""

    def __init__(self, *rows: LimitRow, ledger: Ledger | None = None, **settings: Any) -> None:
        self.tables = Tables(lambda counter: None)
        self.tables.use_file(rows)
        self.tables.share(ledger is not None, NOW)
        self.refused: list[tuple[str, str]] = []
        self.results: list[tuple[str, str]] = []
        self.broker = Broker(self.tables, promise, lambda: None, lambda *what: self.results.append(what[:2]))
        self.clock = FakeClock()
        self.stage = Quota(
            self.tables,
            Settings(**settings),
            PRICES,
            self.clock,
            ledger,
            self.broker,
            lambda *what: self.refused.append(what),
        )

    def ask(self, *candidates: Deployment, principal: Principal = ANN, **fields: Any) -> tuple[Exchange, Any]:
        """A request of 1000 bytes, and what the stage says to it."""
        fields = {"tree": {"max_tokens": 50}, "bytes_in": 1000, "model": "m", **fields}
        x = exchange(b"", principal=principal, candidates=candidates or (PLAIN,), **fields)
        return x, self.stage.on_request(x)

    def left(self) -> dict[str, int]:
        """What is left, by scope and unit."""
        return {f"{c.scope} {c.unit}": c.left for c in self.tables.counters.values()}

    def end(self, x: Exchange, usage: Usage | None = None, outcome: Any = "answered", **fields: Any) -> None:
        """Settle a request that one attempt was made for."""
        x.deployment = fields.pop("deployment", x.candidates[0])
        x.attempts = [Attempt("d", 0.0, fields.pop("attempt", "answered"))]
        x.outcome, x.usage, x.status = outcome, usage, 200
        for name, value in fields.items():
            setattr(x, name, value)
        self.stage.on_end(x)
