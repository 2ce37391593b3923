"""``seekgate keys``: API keys. A secret is printed once, alone on standard output, and cannot be seen again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seekgate.cli.row_values import parse_instant, parse_span
from seekgate.cli.rows import (
    AsJson,
    Config,
    instant,
    items,
    opened,
    parsed,
    print_fields,
    print_json,
    print_table,
    told,
)

if TYPE_CHECKING:
    from seekgate.store.key_view import Key

Name = Annotated[str, typer.Argument(help="The key's name or id.", show_default=False)]
Organisation = Annotated[
    str | None,
    typer.Option("--organisation", help="The organisation that it belongs to.", show_default=False),
]
Team = Annotated[str | None, typer.Option("--team", help="The team that it belongs to.", show_default=False)]
App = Annotated[
    str | None, typer.Option("--app", help="The application that it belongs to.", show_default=False)
]
User = Annotated[str | None, typer.Option("--user", help="Whose key it is.", show_default=False)]
Actions = Annotated[
    list[str] | None,
    typer.Option(
        help="What it may be used for at most, such as chat,embed; `any` for no bound.", show_default=False
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(help="Which models it reaches at most, such as deepseek-*; `any`: all.", show_default=False),
]
Cidr = Annotated[
    list[str] | None,
    typer.Option(help="Networks it may be used from, such as 10.0.0.0/8; `any`: all.", show_default=False),
]
Expires = Annotated[
    str | None,
    typer.Option(help="When it ends: 90d, 2027-01-31, 2027-01-31T08:00+08:00, never.", show_default=False),
]
Starts = Annotated[
    str | None, typer.Option(help="From when on it is valid; now without it.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="API keys that callers present.")
    for name, command in (
        ("create", create),
        ("list", list_all),
        ("show", show),
        ("change", change),
        ("rotate", rotate),
        ("disable", disable),
        ("enable", enable),
        ("revoke", revoke),
        ("remove", remove),
    ):
        group.command(name)(command)
    app.add_typer(group, name="keys")


def create(
    name: Annotated[str, typer.Argument(help="A name that no other key in use has.", show_default=False)],
    app: App = None,
    team: Team = None,
    organisation: Organisation = None,
    user: User = None,
    role: Annotated[
        list[str] | None, typer.Option(help="A role of the key itself; may be repeated.", show_default=False)
    ] = None,
    actions: Actions = None,
    models: Models = None,
    cidr: Cidr = None,
    expires: Expires = None,
    starts: Starts = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print its secret, this once: KEY=$(seekgate keys create NAME).

    It belongs to one application, team or organisation; to the default organisation if none is named.
    """
    from seekgate.store.keys import Order, create_key

    with opened(config) as rows:
        order = Order(
            name,
            organisation=organisation,
            team=team,
            application=app,
            user=user,
            roles=items(role) or (),
            actions=_bound(actions),
            models=_bound(models),
            cidr=_bound(cidr) or (),
            starts_at=_instant(starts, rows.now, "--starts"),
            expires_at=_instant(expires, rows.now, "--expires"),
        )
        key, secret = create_key(rows.database, rows.hash_secret, order)
    _secret(key, secret, as_json, f"key {key.name} is made ({key.id}, {_of(key)}){_ends(key)}")


def list_all(
    app: App = None,
    team: Team = None,
    organisation: Organisation = None,
    user: User = None,
    revoked: Annotated[bool, typer.Option("--revoked", help="Revoked ones too.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the keys, all or those of an owner."""
    from seekgate.store.key_view import list_keys

    with opened(config) as rows:
        keys = list_keys(
            rows.database,
            rows.now,
            organisation=organisation,
            team=team,
            application=app,
            user=user,
            revoked=revoked,
        )
    if as_json:
        print_json(keys)
        return
    lines = [
        [
            key.name,
            key.secrets[-1].prefix + "…" if key.secrets else "",
            _of(key),
            key.state,
            instant(key.expires_at, "never")[:16],
            instant(key.last_used_at, "-")[:16],
            key.id,
        ]
        for key in keys
    ]
    titles = ("NAME", "KEY", "BELONGS TO", "STATE", "EXPIRES", "LAST USED", "ID")
    print_table(titles, lines, "there is no key yet; `seekgate keys create NAME` makes one")


def show(name: Name, config: Config = None, as_json: AsJson = False) -> None:
    """Show one key: all but its secret."""
    from seekgate.store.key_view import show_key

    with opened(config) as rows:
        key = show_key(rows.database, name, rows.now)
    if as_json:
        print_json(key)
    else:
        print_fields(_fields(key))


def change(
    name: Name,
    rename: Annotated[str | None, typer.Option(help="A new name.", show_default=False)] = None,
    actions: Actions = None,
    models: Models = None,
    cidr: Cidr = None,
    expires: Expires = None,
    starts: Starts = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Change a key: what is not named stays. Its roles are `seekgate bindings`' to change."""
    from seekgate.store.keys import change_key

    with opened(config) as rows:
        given: dict[str, Any] = {}
        for option, texts in (("actions", actions), ("models", models)):
            if texts:
                given[option] = _bound(texts)
        if cidr:
            given["cidr"] = _bound(cidr) or ()
        if expires is not None:
            given["expires_at"] = _instant(expires, rows.now, "--expires")
        if starts is not None:
            given["starts_at"] = _instant(starts, rows.now, "--starts")
        key = change_key(rows.database, name, rename=rename, **given)
    told(key, as_json, lambda: f"key {key.name} ({_of(key)}) is {key.state}{_ends(key)}")


def rotate(
    name: Name,
    overlap: Annotated[
        str, typer.Option(help="How long the old secret stays valid: 24h, 7d; 0 ends it at once.")
    ] = "24h",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and print it, this once. For limits and reports it stays the same key."""
    from seekgate.store.keys import rotate_key

    seconds: float = parsed(parse_span, overlap, "--overlap")
    with opened(config) as rows:
        key, secret = rotate_key(rows.database, rows.hash_secret, name, seconds)
    old = [each for each in key.secrets if each.expires_at is not None]
    until = f"the old one is valid until {instant(old[-1].expires_at)}" if old else "the old one has ended"
    _secret(key, secret, as_json, f"key {key.name} has a new secret; {until}")


def disable(name: Name, config: Config = None, as_json: AsJson = False) -> None:
    """Stop a key until it is enabled again."""
    _switch(name, True, config, as_json)


def enable(name: Name, config: Config = None, as_json: AsJson = False) -> None:
    """Let a disabled key work again."""
    _switch(name, False, config, as_json)


def revoke(name: Name, config: Config = None, as_json: AsJson = False) -> None:
    """Stop a key for good. It stays in reports, and its name is free again."""
    from seekgate.store.keys import revoke_key

    with opened(config) as rows:
        key = revoke_key(rows.database, name)
    told(key, as_json, lambda: f"key {key.name} ({key.id}) is revoked")


def remove(name: Name, config: Config = None, as_json: AsJson = False) -> None:
    """Stop a key and forget it: reports will know its id only. Usually `revoke` is what you want."""
    from seekgate.store.keys import remove_key

    with opened(config) as rows:
        key = remove_key(rows.database, name)
    told(key, as_json, lambda: f"key {key.name} ({key.id}) is removed")


def _switch(name: str, disabled: bool, config: Path | None, as_json: bool) -> None:
    from seekgate.store.keys import change_key

    with opened(config) as rows:
        key = change_key(rows.database, name, disabled=disabled)
    told(key, as_json, lambda: f"key {key.name} is {key.state}")


def _secret(key: Key, secret: str, as_json: bool, sentence: str) -> None:
    """The secret is alone on standard output, so that a script can take it."""
    if as_json:
        print_json({"key": key, "secret": secret})
    else:
        typer.echo(f"{sentence}. Its secret, which cannot be shown again:", err=True)
        typer.echo(secret)


def _bound(texts: Sequence[str] | None) -> list[str] | None:
    found = items(texts)
    return None if found is None or found == ["any"] else found


def _instant(text: str | None, now: float, option: str) -> float | None:
    if text is None:
        return None
    at: float | None = parsed(lambda given: parse_instant(given, now), text, option)
    return at


def _of(key: Key) -> str:
    parts = (
        f"app {key.application}" if key.application else "",
        f"team {key.team}" if key.team and not key.application else "",
        f"organisation {key.organisation}" if not key.team else "",
        f"user {key.user}" if key.user else "",
    )
    return ", ".join(part for part in parts if part)


def _ends(key: Key) -> str:
    return f", and expires {instant(key.expires_at)}" if key.expires_at is not None else ""


def _fields(key: Key) -> dict[str, str]:
    secrets = ", ".join(
        f"{each.prefix}…" + (f" (until {instant(each.expires_at)})" if each.expires_at is not None else "")
        for each in key.secrets
    )
    return {
        "name": key.name,
        "id": key.id,
        "state": key.state,
        "secrets": secrets,
        "organisation": key.organisation,
        "team": key.team,
        "application": f"{key.application} ({key.tier})" if key.application else "",
        "user": key.user,
        "roles": ", ".join(key.roles),
        "actions": "any" if key.actions is None else ", ".join(key.actions),
        "models": "any" if key.models is None else ", ".join(key.models),
        "networks": ", ".join(key.cidr) or "any",
        "valid from": instant(key.starts_at),
        "expires": instant(key.expires_at, "never"),
        "created": instant(key.created_at),
        "last used": instant(key.last_used_at, "-"),
        "revoked": instant(key.revoked_at),
    }
