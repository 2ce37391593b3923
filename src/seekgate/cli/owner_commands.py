"""The commands that organisations, teams, applications and users have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seekgate.cli.rows import AsJson, Config, instant, opened, print_fields, print_json, print_table, told

if TYPE_CHECKING:
    from seekgate.store.owners import Owner

Kind = Literal["organisation", "team", "application", "user"]
_ABOVE = {"organisation": "", "team": "ORGANISATION", "application": "TEAM", "user": "ORGANISATION"}


Name = Annotated[str, typer.Argument(help="Its name or id.", show_default=False)]


def add_common(app: typer.Typer, kind: Kind) -> None:
    """Add ``show``, ``disable``, ``enable`` and ``remove``."""

    def show(name: Name, config: Config = None, as_json: AsJson = False) -> None:
        from seekgate.store.owners import show_owner

        with opened(config) as rows:
            owner = show_owner(rows.database, kind, name)
        if as_json:
            print_json(owner)
        else:
            print_fields(_fields(owner))

    def disable(name: Name, config: Config = None, as_json: AsJson = False) -> None:
        _switch(kind, name, True, config, as_json)

    def enable(name: Name, config: Config = None, as_json: AsJson = False) -> None:
        _switch(kind, name, False, config, as_json)

    def remove(name: Name, config: Config = None, as_json: AsJson = False) -> None:
        from seekgate.store.owners import remove_owner

        with opened(config) as rows:
            owner = remove_owner(rows.database, kind, name)
        told(owner, as_json, lambda: f"{kind} {owner.name} is removed, with its bindings and limits")

    app.command("show", help=f"Show one {kind}.")(show)
    app.command("disable", help=f"Stop all keys of the {kind}, until it is enabled again.")(disable)
    app.command("enable", help=f"Let the keys of the {kind} work again.")(enable)
    app.command("remove", help=f"Remove the {kind}, which must be empty.")(remove)


def _switch(kind: Kind, name: str, disabled: bool, config: Config, as_json: bool) -> None:
    from seekgate.store.owners import change_owner

    with opened(config) as rows:
        owner = change_owner(rows.database, kind, name, disabled=disabled)
    state = "disabled: its keys stop" if disabled else "enabled"
    told(owner, as_json, lambda: f"{kind} {owner.name} is {state}")


def listed(kind: Kind, owners: list[Owner], as_json: bool) -> None:
    """Print a list of them."""
    if as_json:
        print_json(owners)
        return
    titles = ["NAME", _ABOVE[kind], "TIER" if kind == "application" else "", "KEYS", "STATE", "ID"]
    lines = [
        [
            owner.name,
            owner.parent,
            owner.tier,
            str(owner.keys),
            "disabled" if owner.disabled else "active",
            owner.id,
        ]
        for owner in owners
    ]
    kept = [column for column, title in enumerate(titles) if title]
    print_table(
        [titles[column] for column in kept],
        [[line[column] for column in kept] for line in lines],
        f"there is no {kind} yet; `seekgate {_GROUP[kind]} create NAME` makes one",
    )


_GROUP = {"organisation": "organisations", "team": "teams", "application": "apps", "user": "users"}


def _fields(owner: Owner) -> dict[str, str]:
    return {
        "name": owner.name,
        "id": owner.id,
        _ABOVE[owner.kind].lower() or "-": owner.parent,
        "tier": owner.tier,
        "state": "disabled" if owner.disabled else "active",
        "keys": str(owner.keys),
        "created": instant(owner.created_at),
    }
