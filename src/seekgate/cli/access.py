"""``seekgate access``: why somebody may do something, or may not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from seekgate.config.rows import KeyRow
    from seekgate.config.snapshot import Deployment, Key, Snapshot
    from seekgate.pipeline.principal import Principal
    from seekgate.stages.access.state import AccessRows

NOT_ALLOWED = 1
MISTAKE = 2


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    access = typer.Typer(no_args_is_help=True, help="Who may do what.", pretty_exceptions_enable=False)
    access.command("explain")(explain_command)
    access.callback()(_group)
    app.add_typer(access, name="access")


def _group() -> None:
    """Who may do what."""


def explain_command(
    key: Annotated[str | None, typer.Option(help="A key, by its name.", show_default=False)] = None,
    principal: Annotated[
        str | None,
        typer.Option(
            metavar="JSON", help='A caller: {"team": "sales", "roles": ["user"]} …', show_default=False
        ),
    ] = None,
    action: Annotated[str, typer.Option(help="What is asked: chat, embed, admin.keys …")] = "chat",
    model: Annotated[
        str | None, typer.Option(help="The model that is asked for.", show_default=False)
    ] = None,
    client: Annotated[str, typer.Option("--from", metavar="IP", help="The caller's address.")] = "127.0.0.1",
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When, as ISO 8601; now without it.", show_default=False),
    ] = None,
    data_class: Annotated[
        list[str] | None, typer.Option(help="A label that detectors gave the request; may be repeated.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="The configuration file; the built-in one without it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether a caller may do something, and which rule decides: the gateway's own decision.

    Exits with 0 when it is allowed, with 1 when it is not, with 2 when the question cannot be asked.
    """
    import json

    from seekgate.stages.access.explain import as_data, explain, text
    from seekgate.stages.access.state import AccessTable

    snapshot = _snapshot(config)
    access_rows, keys = _rows()
    caller = _caller(snapshot, keys, key, principal)
    table = AccessTable(snapshot, access_rows, lambda note: typer.echo(f"note: {note}", err=True))
    name = _model(snapshot, action, model)
    labels, serving = frozenset(data_class or ()), _serving(snapshot, action, name)
    explained = explain(table, caller, action, name, labels, _address(client), _instant(at), serving)
    typer.echo(json.dumps(as_data(explained), ensure_ascii=False, indent=2) if as_json else text(explained))
    if not explained.allowed:
        raise typer.Exit(NOT_ALLOWED)


def _mistake(text: str) -> typer.Exit:
    typer.echo(f"error: {text}", err=True)
    return typer.Exit(MISTAKE)


def _snapshot(config: Path | None) -> Snapshot:
    from seekgate.compiler import compile_settings
    from seekgate.config.problems import ConfigError
    from seekgate.settings import load

    try:
        return compile_settings(load(config, outside=False), 0)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(MISTAKE) from None


def _rows() -> tuple[AccessRows, dict[str, KeyRow]]:
    """The rows as the workers know them; the keys by name and by id."""
    import msgspec

    from seekgate.config.home import home
    from seekgate.config.rowlog import RowLogError, RowLogReader, log_path
    from seekgate.config.rows import KeyRow, Row
    from seekgate.stages.access.state import AccessRows

    rows, keys = AccessRows(), dict[str, KeyRow]()
    reader = RowLogReader(log_path(home()))
    latest: dict[tuple[str, str], msgspec.Raw] = {}
    try:
        while (part := reader.read()).changes or part.more:
            if part.reset:
                latest.clear()
            latest.update(((one.kind, one.id), one.row) for one in part.changes)
        for (kind, id), raw in latest.items():
            row = msgspec.json.decode(raw, type=Row | None)
            if isinstance(row, KeyRow):
                keys[row.name] = keys[row.id] = row
            elif row is not None:
                rows.apply(kind, id, row)
    except (OSError, RowLogError, msgspec.MsgspecError) as error:
        raise _mistake(f"the row log cannot be read: {error}") from None
    finally:
        reader.close()
    return rows, keys


def _caller(
    snapshot: Snapshot, keys: dict[str, KeyRow], name: str | None, principal: str | None
) -> Principal:
    import msgspec

    from seekgate.config.problems import did_you_mean
    from seekgate.pipeline.principal import Principal

    if (name is None) == (principal is None):
        raise _mistake("say who asks: either --key or --principal")
    if principal is not None:
        try:
            return msgspec.json.decode(principal, type=Principal)
        except msgspec.MsgspecError as error:
            raise _mistake(f"--principal is not a caller: {error}") from None
    assert name is not None
    of_file = {key.name: key for key in snapshot.keys}
    if name in of_file:
        return _of_file(of_file[name])
    if name in keys:
        return _of_row(keys[name])
    hint = did_you_mean(name, [*of_file, *keys])
    raise _mistake(f"no key is called {name!r}{'; ' + hint if hint else ''}")


def _of_file(key: Key) -> Principal:
    """Whom a key of the file stands for."""
    from seekgate.pipeline.principal import Principal

    given = {
        field: value
        for field in Principal.__struct_fields__
        if (value := getattr(key, field, None)) is not None
    }
    return Principal(**{**given, "id": key.name, "kind": "file"})


def _of_row(row: KeyRow) -> Principal:
    """Whom a key of the database stands for."""
    from seekgate.pipeline.principal import Principal

    return Principal(
        name=row.name,
        id=row.id,
        kind="key",
        organisation=row.organisation,
        team=row.team,
        application=row.application,
        tier=row.tier,
        user=row.user,
        roles=row.roles,
        actions=None if row.actions is None else frozenset(row.actions),
        models=None if row.models is None else frozenset(row.models),
    )


def _model(snapshot: Snapshot, action: str, model: str | None) -> str | None:
    from seekgate.config.builtin_roles import ACTIONS, INFERENCE
    from seekgate.config.problems import did_you_mean, one_of

    if action not in ACTIONS:
        hint = did_you_mean(action, ACTIONS) or one_of(ACTIONS, 20)
        raise _mistake(f"no action is called {action!r}; {hint}")
    if action not in INFERENCE:
        return None
    if model is None:
        if action == "models.list":
            return None
        raise _mistake(f"'{action}' is asked of a model: say --model")
    found = snapshot.models.get(model)
    if found is None:
        hint = did_you_mean(model, snapshot.models) or f"expected {one_of(snapshot.models)}"
        raise _mistake(f"no model is called {model!r}; {hint}")
    return found.name


def _serving(snapshot: Snapshot, action: str, model: str | None) -> tuple[Deployment, ...] | None:
    """The deployments that routing gives for the endpoint of this action; None where no endpoint asks yet."""
    from seekgate.pipeline.exchange import Endpoint
    from seekgate.stages.access.state import ACTION_OF
    from seekgate.stages.route.state import RouteTable

    operations = {asked: operation for operation, asked in ACTION_OF.items() if operation != "models"}
    if model is None or action not in operations:
        return None
    found = RouteTable(snapshot).find(model, Endpoint(operations[action], ""))  # type: ignore[arg-type]
    if found is None or not found.deployments:
        raise _mistake(f"the model '{model}' has no deployment for '{action}'")
    return found.deployments


def _address(text: str) -> str:
    from ipaddress import ip_address

    try:
        return str(ip_address(text))
    except ValueError:
        raise _mistake(f"--from is not an IP address: {text!r}") from None


def _instant(text: str | None) -> float:
    """Unix seconds; a time without a zone is the local one."""
    if text is None:
        return datetime.now(UTC).timestamp()
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise _mistake(f"--at is not a time such as 2026-11-24T09:30+08:00: {text!r}") from None
