"""The `seekgate` command. Each command lives in its own module, which imports what is heavy only when it runs."""

from __future__ import annotations

import typer

from seekgate import __version__
from seekgate.cli import (
    access,
    apps,
    audit,
    bindings,
    budgets,
    certs,
    check,
    config,
    emulate,
    keys,
    limits,
    models,
    organisations,
    privacy,
    roles,
    serve,
    teams,
    users,
)

app = typer.Typer(
    name="seekgate",
    help="One governed door to DeepSeek: the cloud API, private inference servers, or both.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"seekgate {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Options that every command shares."""


ROWS = (organisations, teams, apps, users, keys, roles, bindings, limits, budgets)

for module in (serve, check, config, models, emulate, access, audit, certs, privacy, *ROWS):
    module.register(app)


def main() -> None:
    """Entry point of the console script."""
    app()
