"""``seekgate bindings``: who has which roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from seekgate.cli.rows import AsJson, Config, opened, print_json, print_table, told

if TYPE_CHECKING:
    from seekgate.store.bindings import Binding

Subject = Annotated[
    str,
    typer.Argument(
        help="Whose: organisation:NAME, team:NAME, app:NAME, user:NAME or key:NAME.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Bindings: who has which roles.")
    group.command("add")(add)
    group.command("list")(list_all)
    group.command("remove")(remove)
    app.add_typer(group, name="bindings")


def add(
    subject: Subject,
    roles: Annotated[list[str], typer.Argument(help="Roles to give.", show_default=False)],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Give somebody roles. Those that they have stay."""
    from seekgate.store.bindings import bind

    with opened(config) as rows:
        binding = bind(rows.database, subject, roles)
    told(binding, as_json, lambda: _sentence(binding))


def list_all(
    role: Annotated[str | None, typer.Option(help="Only who has this role.", show_default=False)] = None,
    subject: Annotated[str | None, typer.Option(help="Only whose, as for `add`.", show_default=False)] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List who has which roles."""
    from seekgate.store.bindings import list_bindings

    with opened(config) as rows:
        bindings = list_bindings(rows.database, role=role, subject=subject)
    if as_json:
        print_json(bindings)
        return
    lines = [[binding.subject, ", ".join(binding.roles)] for binding in bindings]
    print_table(("SUBJECT", "ROLES"), lines, "nobody has a role")


def remove(
    subject: Subject,
    roles: Annotated[
        list[str] | None, typer.Argument(help="Roles to take; all without any.", show_default=False)
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Take roles from somebody."""
    from seekgate.store.bindings import unbind

    with opened(config) as rows:
        binding = unbind(rows.database, subject, roles or ())
    told(binding, as_json, lambda: _sentence(binding))


def _sentence(binding: Binding) -> str:
    return f"{binding.subject} has {', '.join(binding.roles) or 'no roles'}"
