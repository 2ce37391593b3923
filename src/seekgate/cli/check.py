"""``seekgate check``: every mistake of a configuration file at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from seekgate.config.problems import Problem
    from seekgate.settings import Loaded


def register(app: typer.Typer) -> None:
    """Add ``check``."""
    app.command("check")(check)


def check(
    file: Annotated[
        Path | None, typer.Argument(help="The configuration file; the built-in configuration without it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
    skip_environment: Annotated[
        bool,
        typer.Option(
            "--skip-environment",
            help="Leave out what depends on this machine: files and environment variables of secrets.",
        ),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for errors.")] = False,
) -> None:
    """Check a configuration file and print every problem, sorted by line. Exit with 1 when there is an error."""
    from seekgate.config.problems import ConfigError
    from seekgate.settings import load

    loaded: Loaded | None = None
    problems: tuple[Problem, ...]
    try:
        loaded = load(file, outside=not skip_environment)
        problems = loaded.warnings
    except ConfigError as error:
        problems = error.problems
    good = loaded is not None and not (strict and problems)
    if as_json:
        typer.echo(_json(file, problems, loaded, good))
    else:
        for problem in problems:
            typer.echo(str(problem), err=True)
        name = str(file) if file else "built-in configuration"
        if loaded is not None and good:
            typer.echo(f"{name}: fine: {summary(loaded)}")
        else:
            count = len(problems)
            typer.echo(f"{name}: {count} problem{'s' if count != 1 else ''}", err=True)
    if not good:
        raise typer.Exit(1)


def summary(loaded: Loaded) -> str:
    """What the configuration consists of, in a line."""
    settings = loaded.settings
    deployments = sum(len(model.deployments) for model in settings.models.values())
    counts = (
        (len(settings.listen), "listener"),
        (len(settings.keys), "key"),
        (len(settings.providers), "provider"),
        (len(settings.engines), "engine"),
        (len(settings.models), "model"),
        (deployments, "deployment"),
        (len(settings.routes), "route"),
    )
    text = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    return f"{text}; left out here: {', '.join(sorted(loaded.absent))}" if loaded.absent else text


def _json(file: Path | None, problems: tuple[Problem, ...], loaded: Loaded | None, good: bool) -> str:
    import dataclasses
    import json

    return json.dumps(
        {
            "file": str(file) if file else None,
            "ok": good,
            "summary": summary(loaded) if loaded else None,
            "problems": [{**dataclasses.asdict(problem), "message": str(problem)} for problem in problems],
        },
        ensure_ascii=False,
        indent=2,
    )
