"""What subjects may use: windows of requests and tokens, requests at a time, and budgets of money."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import ColumnElement, Connection, FromClause, delete, func, insert, select, update

from seekgate.config.rows import Budget, Window
from seekgate.store.database import Change, Database
from seekgate.store.errors import NotFound, Refused
from seekgate.store.subjects import Subject, find
from seekgate.store.tables import applications, keys, limits, organisations, teams

SCOPES = ("key", "application", "team", "organisation", "model", "provider")
BUDGET_SCOPES = ("key", "application", "team", "organisation")
UNITS = ("requests", "input_tokens", "output_tokens", "tokens")
Unit = Literal["requests", "input_tokens", "output_tokens", "tokens"]
MAX_LIMIT = 10**15
"""The most that one window or budget can hold (budgets: micro-units, a thousand million of the currency)."""
MAX_SECONDS = 366 * 86_400

_windows = msgspec.json.Decoder(tuple[Window, ...])
_budgets = msgspec.json.Decoder(tuple[Budget, ...])


class Limit(msgspec.Struct, frozen=True):
    """The limits and budgets of a subject (``team:sales``)."""

    subject: str
    windows: tuple[Window, ...] = ()
    concurrency: int | None = None
    budgets: tuple[Budget, ...] = ()


def set_limits(
    database: Database,
    subject: str,
    windows: Mapping[Unit, Mapping[int, int]],
    concurrency: int | UnsetType | None = UNSET,
    *,
    file_keys: Collection[str] = (),
) -> Limit:
    """Set a subject's windows, for each unit as seconds → limit; those of units that are not named stay.

    An empty mapping ends a unit's limits, None that of ``concurrency``. ``file_keys`` are names of keys that the
    configuration file has. Raise `StoreError`.
    """
    for unit, wanted in windows.items():
        for seconds, limit in wanted.items():
            _window(unit, seconds, limit)
    if isinstance(concurrency, int) and not 1 <= concurrency <= 1_000_000:
        raise Refused("requests at a time are from 1 to 1,000,000")

    def changed(before: Limit) -> Limit:
        kept = [window for window in before.windows if window.unit not in windows]
        new = [
            Window(unit, seconds, limit)
            for unit, wanted in windows.items()
            for seconds, limit in sorted(wanted.items())
        ]
        order = sorted((*kept, *new), key=lambda window: (UNITS.index(window.unit), window.seconds))
        at_once = before.concurrency if concurrency is UNSET else concurrency
        return msgspec.structs.replace(before, windows=tuple(order), concurrency=at_once)

    return _change(database, subject, SCOPES, file_keys, "limit", changed)


def set_budget(database: Database, subject: str, budget: Budget, *, file_keys: Collection[str] = ()) -> Limit:
    """Set a subject's budget for a day or a month, in place of the one for the same period. Raise `StoreError`."""
    _budget(budget)

    def changed(before: Limit) -> Limit:
        kept = [each for each in before.budgets if each.period != budget.period]
        order = sorted((*kept, budget), key=lambda each: each.period)
        return msgspec.structs.replace(before, budgets=tuple(order))

    return _change(database, subject, BUDGET_SCOPES, file_keys, "budget", changed)


def remove_limits(database: Database, subject: str, *, file_keys: Collection[str] = ()) -> Limit:
    """End a subject's windows and its bound on requests at a time; budgets stay. Raise `NotFound`."""

    def changed(before: Limit) -> Limit:
        if not before.windows and before.concurrency is None:
            raise NotFound(f"{before.subject} has no limits")
        return msgspec.structs.replace(before, windows=(), concurrency=None)

    return _change(database, subject, SCOPES, file_keys, "unlimit", changed)


def remove_budget(
    database: Database, subject: str, period: str | None = None, *, file_keys: Collection[str] = ()
) -> Limit:
    """End a subject's budget for a period, or all of its budgets. Raise `NotFound`."""

    def changed(before: Limit) -> Limit:
        kept = tuple(each for each in before.budgets if period is not None and each.period != period)
        if len(kept) == len(before.budgets):
            raise NotFound(f"{before.subject} has no budget{f' for a {period}' if period else ''}")
        return msgspec.structs.replace(before, budgets=kept)

    return _change(database, subject, BUDGET_SCOPES, file_keys, "unbudget", changed)


def list_limits(database: Database) -> list[Limit]:
    """Everything that has limits or budgets, by subject."""
    with database.reading() as connection:
        name = _name()
        statement = (
            select(
                limits.c.scope, name.label("name"), limits.c.windows, limits.c.concurrency, limits.c.budgets
            )
            .select_from(_source())
            .order_by(limits.c.scope, name)
        )
        return [_limit(f"{row.scope}:{row.name}", row) for row in connection.execute(statement)]


def show_limit(database: Database, subject: str, *, file_keys: Collection[str] = ()) -> Limit:
    """What one subject itself has; none are empty. Raise `NotFound` for an unknown subject."""
    with database.reading() as connection:
        return _stored(connection, find(connection, subject, SCOPES, every=True, elsewhere=file_keys))


def _change(
    database: Database,
    subject: str,
    scopes: Sequence[str],
    file_keys: Collection[str],
    action: str,
    changed: Any,
) -> Limit:
    with database.changing() as change:
        whose = find(change.connection, subject, scopes, every=True, elsewhere=file_keys)
        before = _stored(change.connection, whose)
        after: Limit = changed(before)
        if after != before:
            _write(change, whose, after)
            change.record(
                "limit",
                whose.row,
                action,
                [("limit", whose.row)],
                before=msgspec.to_builtins(before),
                after=msgspec.to_builtins(after),
            )
    return after


def _write(change: Change, whose: Subject, limit: Limit) -> None:
    mine = (limits.c.scope == whose.scope, limits.c.subject == whose.subject)
    if not limit.windows and limit.concurrency is None and not limit.budgets:
        change.connection.execute(delete(limits).where(*mine))
        return
    values = {
        "windows": msgspec.json.encode(limit.windows).decode(),
        "concurrency": limit.concurrency,
        "budgets": msgspec.json.encode(limit.budgets).decode(),
    }
    if not change.connection.execute(update(limits).where(*mine).values(**values)).rowcount:
        change.connection.execute(insert(limits).values(created_at=change.now, **whose.values(), **values))


def _stored(connection: Connection, whose: Subject) -> Limit:
    mine = (limits.c.scope == whose.scope, limits.c.subject == whose.subject)
    label = whose.row
    if whose.scope == "key" and whose.own:
        label = (
            f"key:{connection.execute(select(keys.c.name).where(keys.c.id == whose.subject)).scalar_one()}"
        )
    row = connection.execute(select(limits).where(*mine)).first()
    return Limit(label) if row is None else _limit(label, row)


def _limit(subject: str, row: Any) -> Limit:
    return Limit(subject, _windows.decode(row.windows), row.concurrency, _budgets.decode(row.budgets))


def _window(unit: str, seconds: int, limit: int) -> None:
    if unit not in UNITS:
        raise Refused(f"limits are on {', '.join(UNITS)}, not on {unit!r}")
    if not 1 <= seconds <= MAX_SECONDS:
        raise Refused("a window is from 1 second to 366 days")
    if not 0 <= limit <= MAX_LIMIT:
        raise Refused(f"a limit is from 0 to {MAX_LIMIT:,}")


def _budget(budget: Budget) -> None:
    from zoneinfo import ZoneInfo

    if budget.hard is None and budget.soft is None:
        raise Refused("a budget needs a hard mark, a soft mark, or both")
    for mark in (budget.hard, budget.soft):
        if mark is not None and not 0 <= mark <= MAX_LIMIT:
            raise Refused("a budget is from 0 to a thousand million of its currency")
    if budget.hard is not None and budget.soft is not None and budget.soft > budget.hard:
        raise Refused("the soft mark is above the hard one, so it would never be reached")
    if len(budget.currency) != 3 or not budget.currency.isascii() or not budget.currency.isupper():
        raise Refused(f"{budget.currency[:12]!r} is no currency; expected a code such as CNY or USD")
    try:
        ZoneInfo(budget.timezone)
    except (KeyError, ValueError, OSError):
        raise Refused(
            f"{budget.timezone[:40]!r} is no time zone; expected an IANA name such as Asia/Shanghai"
        ) from None


def _source() -> FromClause:
    return (
        limits.outerjoin(organisations, organisations.c.id == limits.c.organisation_id)
        .outerjoin(teams, teams.c.id == limits.c.team_id)
        .outerjoin(applications, applications.c.id == limits.c.application_id)
        .outerjoin(keys, keys.c.id == limits.c.key_id)
    )


def _name() -> ColumnElement[str]:
    named = (organisations, teams, applications, keys)
    return func.coalesce(*(table.c.name for table in named), limits.c.subject)
