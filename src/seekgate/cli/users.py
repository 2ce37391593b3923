"""``seekgate users``: people who have keys of their own. Users of an identity provider need no entry here."""

from __future__ import annotations

from typing import Annotated

import typer

from seekgate.cli.owner_commands import add_common, listed
from seekgate.cli.rows import AsJson, Config, opened, told

Organisation = Annotated[
    str | None, typer.Option("--organisation", help="Their organisation.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Users: people who have keys of their own.")
    group.command("create")(create)
    group.command("list")(list_users)
    add_common(group, "user")
    app.add_typer(group, name="users")


def create(
    name: Annotated[
        str, typer.Argument(help="The name that tokens of this user have too.", show_default=False)
    ],
    organisation: Organisation = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a user, in the default organisation if none is named."""
    from seekgate.store.owners import create_owner

    with opened(config) as rows:
        owner = create_owner(rows.database, "user", name, parent=organisation)
    told(owner, as_json, lambda: f"user {owner.name} is made in {owner.parent} ({owner.id})")


def list_users(organisation: Organisation = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the users, all or those of an organisation."""
    from seekgate.store.owners import list_owners

    with opened(config) as rows:
        owners = list_owners(rows.database, "user", parent=organisation)
    listed("user", owners, as_json)
