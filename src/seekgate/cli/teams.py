"""``seekgate teams``: groups of an organisation that share applications, limits and roles."""

from __future__ import annotations

from typing import Annotated

import typer

from seekgate.cli.owner_commands import Name, add_common, listed
from seekgate.cli.rows import AsJson, Config, opened, told

Organisation = Annotated[
    str | None, typer.Option("--organisation", help="Its organisation.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Teams: what applications and keys belong to.")
    group.command("create")(create)
    group.command("list")(list_teams)
    group.command("change")(change)
    add_common(group, "team")
    app.add_typer(group, name="teams")


def create(
    name: Annotated[str, typer.Argument(help="A name that no other team has.", show_default=False)],
    organisation: Organisation = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a team, in the default organisation if none is named."""
    from seekgate.store.owners import create_owner

    with opened(config) as rows:
        owner = create_owner(rows.database, "team", name, parent=organisation)
    told(owner, as_json, lambda: f"team {owner.name} is made in {owner.parent} ({owner.id})")


def list_teams(organisation: Organisation = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the teams, all or those of an organisation."""
    from seekgate.store.owners import list_owners

    with opened(config) as rows:
        owners = list_owners(rows.database, "team", parent=organisation)
    listed("team", owners, as_json)


def change(
    name: Name,
    rename: Annotated[str | None, typer.Option(help="A new name.", show_default=False)] = None,
    organisation: Organisation = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Rename a team, or move it to another organisation. Its keys, limits and bindings follow."""
    from seekgate.store.owners import change_owner

    with opened(config) as rows:
        owner = change_owner(rows.database, "team", name, rename=rename, parent=organisation)
    told(owner, as_json, lambda: f"team {owner.name} belongs to {owner.parent}")
