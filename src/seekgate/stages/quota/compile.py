"""Limits of the configuration file, as workers have them."""

from __future__ import annotations

from typing import Literal

from seekgate.config.compiled import quota as compiled
from seekgate.config.context import Context
from seekgate.config.rows import Budget, LimitRow, Window
from seekgate.stages.quota import config

Unit = Literal["requests", "input_tokens", "output_tokens", "tokens"]
UNITS: tuple[Unit, ...] = ("requests", "input_tokens", "output_tokens", "tokens")


def compile_quota(settings: config.Quota) -> compiled.Quota:
    """The settings as a worker has them."""
    return compiled.Quota(
        limits=tuple(_row(entry) for entry in settings.limits),
        output_cap=settings.output_cap,
        headers=settings.headers,
        on_outage=settings.on_outage,
        on_cancel=settings.on_cancel,
        queue=compiled.Queue(settings.queue.waiting, settings.queue.max_wait, settings.queue.core_weight),
    )


def compile_valkey(settings: config.Valkey | None, context: Context) -> compiled.Valkey | None:
    """Where Valkey is; None leaves it to the supervisor."""
    if settings is None:
        return None
    tls, host, port, database, path = config.split_server(settings.url)
    return compiled.Valkey(
        host=host,
        port=port,
        path=path,
        tls=tls,
        ca=None if settings.ca is None else context.located(settings.ca),
        database=database,
        username=settings.username,
        password=None if settings.password is None else context.located_reference(settings.password),
        budget=settings.budget,
        prefix=settings.prefix,
    )


def _row(entry: config.Limit) -> LimitRow:
    windows = []
    for unit in UNITS:
        chosen: config.Windows | None = getattr(entry, unit)
        if chosen is not None:
            for name, seconds in config.SECONDS.items():
                limit: int | None = getattr(chosen, name)
                if limit is not None:
                    windows.append(Window(unit, seconds, limit))
    budgets = tuple(
        Budget(each.period, each.currency, each.hard, each.soft, each.timezone) for each in entry.budgets
    )
    return LimitRow(
        f"{entry.scope}:{entry.name}", entry.scope, entry.name, tuple(windows), entry.concurrency, budgets
    )
