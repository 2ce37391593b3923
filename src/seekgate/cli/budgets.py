"""``seekgate budgets``: money for each day or month, with marks that warn and marks that refuse."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seekgate.cli.limit_text import sentence
from seekgate.cli.row_values import format_money, parse_money
from seekgate.cli.rows import AsJson, Config, fail, opened, parsed, print_json, print_table, told

if TYPE_CHECKING:
    from seekgate.config.snapshot import Snapshot


class Period(StrEnum):
    """What a budget is for."""

    day = "day"
    month = "month"


Subject = Annotated[
    str,
    typer.Argument(
        help="Whose: key:NAME, app:NAME, team:NAME or organisation:NAME; team:* is the default of every team.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Budgets of money.")
    group.command("set")(set_)
    group.command("list")(list_all)
    group.command("remove")(remove)
    app.add_typer(group, name="budgets")


def set_(
    subject: Subject,
    period: Annotated[Period, typer.Option(help="A day or a month of the time zone.")] = Period.month,
    hard: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Past it requests are refused.", show_default=False)
    ] = None,
    soft: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Past it answers warn.", show_default=False)
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(help="The currency of the amounts; without it that of the prices.", show_default=False),
    ] = None,
    timezone: Annotated[str, typer.Option(help="Where days and months begin, an IANA name.")] = "UTC",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Set a budget, in place of the one for the same period.

    seekgate budgets set team:sales --hard 1000 --soft 800 --timezone Asia/Shanghai
    """
    from seekgate.config.rows import Budget
    from seekgate.store.limits import set_budget

    marks = {
        name: None if text is None else parsed(parse_money, text, f"--{name}")
        for name, text in (("hard", hard), ("soft", soft))
    }
    with opened(config) as rows:
        chosen = currency or _priced_in(rows.snapshot)
        budget = Budget(period.value, chosen, marks["hard"], marks["soft"], timezone)
        limit = set_budget(rows.database, subject, budget, file_keys=rows.file_keys)
    told(limit, as_json, lambda: sentence(limit))


def list_all(config: Config = None, as_json: AsJson = False) -> None:
    """List everything that has budgets."""
    from seekgate.store.limits import list_limits

    with opened(config) as rows:
        limits = [each for each in list_limits(rows.database) if each.budgets]
    if as_json:
        print_json(limits)
        return
    lines = [
        [limit.subject, each.period, _mark(each.soft), _mark(each.hard), each.currency, each.timezone]
        for limit in limits
        for each in limit.budgets
    ]
    titles = ("SUBJECT", "PERIOD", "SOFT", "HARD", "CURRENCY", "TIME ZONE")
    print_table(titles, lines, "there are no budgets")


def remove(
    subject: Subject,
    period: Annotated[
        Period | None, typer.Option(help="Only this one; all without it.", show_default=False)
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """End budgets of a subject; limits stay."""
    from seekgate.store.limits import remove_budget

    chosen = None if period is None else period.value
    with opened(config) as rows:
        limit = remove_budget(rows.database, subject, chosen, file_keys=rows.file_keys)
    told(limit, as_json, lambda: sentence(limit))


def _priced_in(snapshot: Snapshot | None) -> str:
    """The currency that deployments are priced in (where none has a price: that of the price table)."""
    from seekgate.stages.metering.prices import PriceFileError, PriceTable, builtin

    override = None if snapshot is None else snapshot.prices
    try:
        table = PriceTable.load(
            builtin(), None if override is None else Path(override).read_bytes(), override or ""
        )
    except (OSError, PriceFileError) as error:
        fail(f"the prices cannot be read ({error}); say --currency")
    used = {each.price for each in snapshot.deployments if each.price} if snapshot is not None else set()
    found = {table.quote(key, 0.0).currency for key in table.names() if key in used or not used}
    if len(found) != 1:
        fail(f"there are prices in {', '.join(sorted(found)) or 'no currency'}; say --currency")
    return found.pop()


def _mark(at: int | None) -> str:
    return "" if at is None else format_money(at)
