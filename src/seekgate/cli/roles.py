"""``seekgate roles``: what may be done under a name. A rule that denies wins over any that allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seekgate.cli.rows import AsJson, Config, fail, items, opened, print_json, print_table, read, told

if TYPE_CHECKING:
    from seekgate.config.rows import Grant
    from seekgate.store.roles import Role

Name = Annotated[str, typer.Argument(help="The role's name.", show_default=False)]
Actions = Annotated[
    list[str],
    typer.Argument(metavar="ACTIONS", help="Actions, such as chat,embed or audit.*", show_default=False),
]
Rules = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Rules as YAML or JSON: a list, as under `grants` in a configuration file; - for standard input.",
        show_default=False,
    ),
]
Models = Annotated[
    list[str] | None, typer.Option(help="Only these models, such as deepseek-*.", show_default=False)
]
Providers = Annotated[
    list[str] | None, typer.Option(help="Only deployments at these providers.", show_default=False)
]
Regions = Annotated[
    list[str] | None, typer.Option(help="Only deployments in these regions.", show_default=False)
]
Tiers = Annotated[
    list[str] | None,
    typer.Option(help="Only deployments of these tiers: public, private.", show_default=False),
]
Classes = Annotated[
    list[str] | None,
    typer.Option("--data-classes", help="Labels that detectors give requests.", show_default=False),
]
Cidr = Annotated[list[str] | None, typer.Option(help="Only from these networks.", show_default=False)]
Hours = Annotated[
    list[str] | None,
    typer.Option(help="Only at these times: 'mon-fri 08:00-18:00 Asia/Shanghai'.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Roles: what their bearers may do.")
    for name, command in (
        ("create", create),
        ("list", list_all),
        ("show", show),
        ("allow", allow),
        ("deny", deny),
        ("drop", drop),
        ("replace", replace),
        ("remove", remove),
    ):
        group.command(name)(command)
    app.add_typer(group, name="roles")


def create(
    name: Annotated[str, typer.Argument(help="A name that no other role has.", show_default=False)],
    allow: Annotated[
        list[str] | None, typer.Option(help="Actions that it allows, such as chat,embed.", show_default=False)
    ] = None,
    models: Models = None,
    rules: Rules = None,
    description: Annotated[str, typer.Option(help="What it is for.", show_default=False)] = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a role, of one rule (--allow, --models) or of those in a file (--rules).

    `allow` and `deny` add further rules.
    """
    from seekgate.store.roles import create_role

    if (rules is None) == (allow is None):
        fail("say what the role allows: either --allow ACTIONS or --rules FILE")
    grants = _file(rules) if rules is not None else [_rule({"allow": items(allow), "models": items(models)})]
    with opened(config) as rows:
        role = create_role(rows.database, name, grants, description)
    told(role, as_json, lambda: f"role {role.name} is made, of {_count(role)}")


def list_all(config: Config = None, as_json: AsJson = False) -> None:
    """List the roles, built-in ones too."""
    from seekgate.store.roles import list_roles

    with opened(config) as rows:
        roles = list_roles(rows.database)
    if as_json:
        print_json(roles)
        return
    lines = [
        [
            role.name,
            "built-in" if role.builtin else "own",
            str(len(role.grants)),
            str(role.subjects),
            role.description,
        ]
        for role in roles
    ]
    print_table(("NAME", "KIND", "RULES", "BOUND TO", "ABOUT"), lines, "there is no role")


def show(name: Name, config: Config = None, as_json: AsJson = False) -> None:
    """Show a role's rules, numbered."""
    from seekgate.store.roles import show_role

    with opened(config) as rows:
        role = show_role(rows.database, name)
    if as_json:
        print_json(role)
        return
    typer.echo(
        f"{role.name}{' (built-in)' if role.builtin else ''}{': ' * bool(role.description)}{role.description}"
    )
    for number, grant in enumerate(role.grants, 1):
        typer.echo(f"{number:3}  {describe(grant)}")


def allow(
    name: Name,
    actions: Actions,
    models: Models = None,
    providers: Providers = None,
    regions: Regions = None,
    tiers: Tiers = None,
    data_classes: Classes = None,
    cidr: Cidr = None,
    hours: Hours = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Add a rule that allows actions, of everything or of what the options name."""
    given = (models, providers, regions, tiers, data_classes, cidr)
    _add(name, _rule({"allow": items(actions), **_options(*given), "hours": hours}), config, as_json)


def deny(
    name: Name,
    actions: Actions,
    models: Models = None,
    providers: Providers = None,
    regions: Regions = None,
    tiers: Tiers = None,
    data_classes: Classes = None,
    cidr: Cidr = None,
    hours: Hours = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Add a rule that denies actions, of everything or of what the options name."""
    given = (models, providers, regions, tiers, data_classes, cidr)
    _add(name, _rule({"deny": items(actions), **_options(*given), "hours": hours}), config, as_json)


def drop(
    name: Name,
    number: Annotated[int, typer.Argument(help="The rule's number, as `show` has it.", show_default=False)],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Drop a rule of a role; the rules behind it move up."""
    from seekgate.store.roles import change_role

    with opened(config) as rows:
        role = change_role(rows.database, name, drop=number)
    told(role, as_json, lambda: f"role {role.name} has {_count(role)}")


def replace(
    name: Name,
    rules: Annotated[
        Path, typer.Option(metavar="FILE", help="The rules, as for `create`.", show_default=False)
    ],
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Replace all rules of a role at once."""
    from seekgate.store.roles import change_role

    grants = _file(rules)
    with opened(config) as rows:
        role = change_role(rows.database, name, grants=grants)
    told(role, as_json, lambda: f"role {role.name} has {_count(role)}")


def remove(name: Name, config: Config = None, as_json: AsJson = False) -> None:
    """Remove a role that nobody has."""
    from seekgate.store.roles import remove_role

    with opened(config) as rows:
        role = remove_role(rows.database, name)
    told(role, as_json, lambda: f"role {role.name} is removed")


def describe(grant: Grant) -> str:
    """A rule in a line: ``allow chat, embed of models deepseek-* from 10.0.0.0/8``."""
    from seekgate.config.hours import format_hours

    about = ((grant.models, "models"), (grant.providers, "providers"), (grant.regions, "regions"))
    parts = [grant.effect, ", ".join(grant.actions) or "everything"]
    of = [f"{what} {', '.join(names)}" for names, what in about if names]
    of += [f"tiers {', '.join(grant.tiers)}"] if grant.tiers else []
    of += [f"data classes {', '.join(grant.data_classes)}"] if grant.data_classes else []
    parts += [f"of {' and '.join(of)}"] if of else []
    parts += [f"from {', '.join(grant.cidr)}"] if grant.cidr else []
    parts += [f"at {'; '.join(map(format_hours, grant.hours))}"] if grant.hours else []
    return " ".join(parts)


def _options(*given: Sequence[str] | None) -> dict[str, list[str] | None]:
    names = ("models", "providers", "regions", "tiers", "data_classes", "cidr")
    return {name: items(value) for name, value in zip(names, given, strict=True)}


def _add(name: str, grant: Grant, config: Path | None, as_json: bool) -> None:
    from seekgate.store.roles import change_role

    with opened(config) as rows:
        role = change_role(rows.database, name, add=[grant])
    told(role, as_json, lambda: f"role {role.name} has {_count(role)}: {describe(role.grants[-1])}")


def _rule(fields: Mapping[str, Any]) -> Grant:
    """A rule from what a file or options say, checked as the configuration file's are."""
    from pydantic import ValidationError

    from seekgate.stages.access.compile import grant_row
    from seekgate.stages.access.config import Grant as FileGrant

    try:
        return grant_row(FileGrant.model_validate({key: value for key, value in fields.items() if value}))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        cause = first.get("ctx", {}).get("error")
        what = getattr(cause, "what", first["msg"])
        hints = (
            (f"expected {cause.expected}", cause.hint) if cause is not None and hasattr(cause, "hint") else ()
        )
        where = ".".join(str(part) for part in first["loc"])
        fail("; ".join(part for part in (f"{where}: {what}" if where else what, *hints) if part))


def _file(path: Path) -> list[Grant]:
    import yaml

    try:
        found = yaml.safe_load(read(path))
    except (yaml.YAMLError, UnicodeDecodeError):
        fail(f"{path} is neither YAML nor JSON")
    if isinstance(found, dict) and set(found) == {"grants"}:
        found = found["grants"]
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        fail(f"{path} is not a list of rules such as `- allow: [chat]`")
    return [_rule(each) for each in found]


def _count(role: Role) -> str:
    return f"{len(role.grants)} rule{'' if len(role.grants) == 1 else 's'}"
