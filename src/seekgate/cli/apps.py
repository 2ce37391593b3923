"""``seekgate apps``: the applications of teams, each with its tier."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import typer

from seekgate.cli.owner_commands import Name, add_common, listed
from seekgate.cli.rows import AsJson, Config, opened, told


class Tier(StrEnum):
    """How much depends on an application: ``core`` ones are spared longest when something runs short."""

    core = "core"
    non_core = "non-core"


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Applications: what keys usually belong to.")
    group.command("create")(create)
    group.command("list")(list_apps)
    group.command("change")(change)
    add_common(group, "application")
    app.add_typer(group, name="apps")


def create(
    name: Annotated[str, typer.Argument(help="A name that no other application has.", show_default=False)],
    team: Annotated[str, typer.Option(help="Its team.", show_default=False)],
    tier: Annotated[Tier, typer.Option(help="How much depends on it.")] = Tier.non_core,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make an application of a team."""
    from seekgate.store.owners import create_owner

    with opened(config) as rows:
        owner = create_owner(rows.database, "application", name, parent=team, tier=tier.value)
    told(
        owner,
        as_json,
        lambda: f"application {owner.name} ({owner.tier}) is made in {owner.parent} ({owner.id})",
    )


def list_apps(
    team: Annotated[str | None, typer.Option(help="Only this team's.", show_default=False)] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the applications, all or those of a team."""
    from seekgate.store.owners import list_owners

    with opened(config) as rows:
        owners = list_owners(rows.database, "application", parent=team)
    listed("application", owners, as_json)


def change(
    name: Name,
    rename: Annotated[str | None, typer.Option(help="A new name.", show_default=False)] = None,
    team: Annotated[str | None, typer.Option(help="Another team.", show_default=False)] = None,
    tier: Annotated[Tier | None, typer.Option(help="How much depends on it.", show_default=False)] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Rename an application, move it to another team, or give it another tier. Its keys follow."""
    from seekgate.store.owners import change_owner

    chosen: Literal["core", "non-core"] | None = None if tier is None else tier.value
    with opened(config) as rows:
        owner = change_owner(rows.database, "application", name, rename=rename, parent=team, tier=chosen)
    told(owner, as_json, lambda: f"application {owner.name} ({owner.tier}) belongs to {owner.parent}")
