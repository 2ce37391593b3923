"""``seekgate certs``: certificates for trying out TLS and client certificates on one machine."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

DAYS = 30
HOSTS = ("localhost", "127.0.0.1", "::1")
SPIFFE = "spiffe://seekgate.test/dev-client"
PRIVATE, PUBLIC = 0o600, 0o644


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    certs = typer.Typer(no_args_is_help=True, help="Certificates for trials.", pretty_exceptions_enable=False)
    certs.callback()(_group)
    certs.command("dev")(dev)
    app.add_typer(certs, name="certs")


def _group() -> None:
    """Certificates for trials."""


def dev(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the files go; the folder is made if need be.")
    ] = Path("certs"),
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> None:
    """Make a throw-away authority with a server and a client certificate, valid for 30 days.

    For trials only: the authority's key is not kept, so nothing more can be issued or revoked by it.
    """
    try:
        made = make(out, force)
    except FileExistsError as error:
        typer.echo(f"error: {error.filename} is there already; --force replaces it", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"error: cannot write {error.filename}: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    for path in made:
        typer.echo(path)
    typer.echo("\n" + next_steps(out))


def make(folder: Path, force: bool = False) -> list[Path]:
    """Write the files; return their paths. Raise `OSError`, and write nothing when one of them is there already."""
    from seekgate.cli.authority import Authority

    authority = Authority("SeekGate dev authority", DAYS)
    server = authority.issue("localhost", hosts=HOSTS, server=True, days=DAYS)
    client = authority.issue("dev-client", uris=[SPIFFE], client=True, days=DAYS)
    files = {
        "ca.pem": (authority.certificate, PUBLIC),
        "server.pem": (server.certificate, PUBLIC),
        "server.key": (server.key, PRIVATE),
        "client.pem": (client.certificate, PUBLIC),
        "client.key": (client.key, PRIVATE),
        "crl.pem": (authority.revocations(days=DAYS), PUBLIC),
    }
    folder.mkdir(parents=True, exist_ok=True)
    if not force:
        for name in files:
            if (folder / name).exists():
                raise FileExistsError(17, "there already", str(folder / name))
    return [_write(folder / name, content, mode) for name, (content, mode) in files.items()]


def _write(path: Path, content: bytes, mode: int) -> Path:
    """Whole or not at all, and never readable by others for a moment."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    beside.replace(path)
    return path


def next_steps(folder: Path) -> str:
    """What to put into the configuration, and a call that then works."""

    def at(name: str) -> str:
        return str((folder / name).absolute())

    return f"""\
Into the configuration:

listen:
  address: 127.0.0.1:8443
  tls:
    certificate: {at("server.pem")}
    key: {at("server.key")}
    client_certificates: required
    client_ca: {at("ca.pem")}
    crl: {at("crl.pem")}

Then this asks the gateway (with the key of one of its applications in SEEKGATE_API_KEY):

curl --cacert {shlex.quote(at("ca.pem"))} \\
  --cert {shlex.quote(at("client.pem"))} --key {shlex.quote(at("client.key"))} \\
  -H "Authorization: Bearer $SEEKGATE_API_KEY" https://localhost:8443/v1/models

These certificates are for trials on this machine. They end in {DAYS} days."""
