"""``seekgate limits``: how many requests and tokens, and how many requests at a time."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from seekgate.cli.limit_text import UNITS, sentence, text_of_windows
from seekgate.cli.row_values import CLEAR, WINDOWS, parse_count, parse_windows
from seekgate.cli.rows import AsJson, Config, fail, opened, parsed, print_json, print_table, told

Subject = Annotated[
    str,
    typer.Argument(
        help="Whose: key:NAME, app:NAME, team:NAME, organisation:NAME, model:NAME or provider:NAME; team:* is the "
        "default of every team.",
        show_default=False,
    ),
]


Requests = Annotated[
    str | None,
    typer.Option(
        metavar="WINDOWS", help="Requests: second=100,hour=5000; none ends them.", show_default=False
    ),
]
Tokens = Annotated[
    str | None,
    typer.Option(
        metavar="WINDOWS",
        help="Tokens in and out together: second=100,hour=5000; none ends them.",
        show_default=False,
    ),
]
InputTokens = Annotated[
    str | None,
    typer.Option(
        metavar="WINDOWS",
        help="Tokens of prompts: second=100,hour=5000; none ends them.",
        show_default=False,
    ),
]
OutputTokens = Annotated[
    str | None,
    typer.Option(
        metavar="WINDOWS",
        help="Tokens of answers: second=100,hour=5000; none ends them.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Limits of requests and tokens.")
    group.command("set")(set_)
    group.command("list")(list_all)
    group.command("show")(show)
    group.command("remove")(remove)
    app.add_typer(group, name="limits")


def set_(
    subject: Subject,
    requests: Requests = None,
    tokens: Tokens = None,
    input_tokens: InputTokens = None,
    output_tokens: OutputTokens = None,
    concurrency: Annotated[
        str | None,
        typer.Option(metavar="COUNT", help="Requests at a time; none ends it.", show_default=False),
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Set limits; all windows hold at once. What is not named stays.

    seekgate limits set team:sales --requests second=100,hour=5000 --tokens minute=100000 --concurrency 20
    """
    from msgspec import UNSET

    from seekgate.store.limits import set_limits

    given = {
        "requests": requests,
        "tokens": tokens,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
    }
    windows: Any = {
        unit: parsed(parse_windows, text, f"--{unit.replace('_', '-')}")
        for unit, text in given.items()
        if text is not None
    }
    at_once: Any = UNSET
    if concurrency is not None:
        at_once = None if concurrency == CLEAR else parsed(parse_count, concurrency, "--concurrency")
    if not windows and concurrency is None:
        fail(
            f"nothing to set; give --requests, --tokens, --input-tokens or --output-tokens {WINDOWS}, or --concurrency"
        )
    with opened(config) as rows:
        limit = set_limits(rows.database, subject, windows, at_once, file_keys=rows.file_keys)
    told(limit, as_json, lambda: sentence(limit))


def list_all(config: Config = None, as_json: AsJson = False) -> None:
    """List everything that has limits."""
    from seekgate.store.limits import list_limits

    with opened(config) as rows:
        limits = [each for each in list_limits(rows.database) if each.windows or each.concurrency is not None]
    if as_json:
        print_json(limits)
        return
    lines = [
        [
            each.subject,
            *(text_of_windows(each, unit) for unit in UNITS),
            "" if each.concurrency is None else str(each.concurrency),
        ]
        for each in limits
    ]
    titles = ("SUBJECT", "REQUESTS", "TOKENS", "INPUT TOKENS", "OUTPUT TOKENS", "AT A TIME")
    print_table(titles, lines, "there are no limits")


def show(subject: Subject, config: Config = None, as_json: AsJson = False) -> None:
    """Show the limits and budgets that a subject itself has."""
    from seekgate.store.limits import show_limit

    with opened(config) as rows:
        limit = show_limit(rows.database, subject, file_keys=rows.file_keys)
    if as_json:
        print_json(limit)
    else:
        typer.echo(sentence(limit))


def remove(subject: Subject, config: Config = None, as_json: AsJson = False) -> None:
    """End a subject's limits; budgets stay."""
    from seekgate.store.limits import remove_limits

    with opened(config) as rows:
        limit = remove_limits(rows.database, subject, file_keys=rows.file_keys)
    told(limit, as_json, lambda: sentence(limit))
