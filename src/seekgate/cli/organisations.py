"""``seekgate organisations``: who everything belongs to."""

from __future__ import annotations

from typing import Annotated

import typer

from seekgate.cli.owner_commands import Name, add_common, listed
from seekgate.cli.rows import AsJson, Config, opened, told


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Organisations: what teams, users and keys belong to.")
    group.command("create")(create)
    group.command("list")(list_organisations)
    group.command("rename")(rename)
    add_common(group, "organisation")
    app.add_typer(group, name="organisations")


def create(
    name: Annotated[str, typer.Argument(help="A name that no other organisation has.", show_default=False)],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make an organisation."""
    from seekgate.store.owners import create_owner

    with opened(config) as rows:
        owner = create_owner(rows.database, "organisation", name)
    told(owner, as_json, lambda: f"organisation {owner.name} is made ({owner.id})")


def list_organisations(config: Config = None, as_json: AsJson = False) -> None:
    """List the organisations."""
    from seekgate.store.owners import list_owners

    with opened(config) as rows:
        owners = list_owners(rows.database, "organisation")
    listed("organisation", owners, as_json)


def rename(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.", show_default=False)],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Rename an organisation. Its keys, limits and bindings follow."""
    from seekgate.store.owners import change_owner

    with opened(config) as rows:
        owner = change_owner(rows.database, "organisation", name, rename=new)
    told(owner, as_json, lambda: f"organisation {owner.name} has its new name")
