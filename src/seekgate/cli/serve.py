"""``seekgate serve``: run a node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(serve)


def serve(
    config: Annotated[
        Path | None, typer.Option(help="Configuration file; without one the built-in configuration is used.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Gateway workers; 0 means what the configuration says.")
    ] = 0,
    json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON when ready, for scripts.")
    ] = False,
    engine: Annotated[bool, typer.Option(help="Start the embedded engines of the configuration.")] = True,
) -> None:
    """Run the gateway and its engines until SIGTERM or Ctrl-C; then answer what is in flight and stop.

    SIGHUP reloads the configuration, SIGUSR2 replaces the workers one by one, a second Ctrl-C stops at once.
    """
    import msgspec

    from seekgate.config.home import home
    from seekgate.host.processes import python

    options = {
        "home": str(home()),
        "config": str(config.expanduser().absolute()) if config is not None else None,
        "workers": workers,
        "json": json,
        "engines": engine,
    }
    command = python("seekgate.supervisor", msgspec.json.encode(options).decode())
    # The same process goes on as the supervisor, without what this command line has imported.
    os.execv(command[0], command)
