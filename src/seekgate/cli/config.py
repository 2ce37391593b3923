"""``seekgate config``: the schema for editors, the effective configuration, the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

config_app = typer.Typer(help="Show what a configuration can be and what it is.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add ``config schema``, ``config show`` and ``config reference``."""
    app.add_typer(config_app, name="config")


@config_app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    import json

    from seekgate.settings_reference import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@config_app.command("show")
def show(
    file: Annotated[
        Path | None, typer.Argument(help="The configuration file; the built-in configuration without it.")
    ] = None,
    source: Annotated[
        bool, typer.Option("--source", help="Print the file itself, such as the built-in one to start from.")
    ] = False,
) -> None:
    """Print the effective configuration: every setting, defaults filled in, secrets as references only."""
    from seekgate.config.problems import ConfigError
    from seekgate.settings import BUILTIN, load
    from seekgate.settings_reference import effective

    try:
        loaded = load(file, outside=False)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(1) from None
    typer.echo((file or BUILTIN).read_text() if source else effective(loaded), nl=False)


@config_app.command("reference")
def reference() -> None:
    """Print the reference of all settings as Markdown (docs/reference/configuration.md)."""
    from seekgate.settings_reference import markdown

    typer.echo(markdown(), nl=False)
