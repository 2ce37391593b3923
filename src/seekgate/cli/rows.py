"""What the commands about rows share: which database, how answers are printed, how mistakes are told."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from seekgate.config.snapshot import Snapshot
    from seekgate.store.database import Database

Config = Annotated[
    Path | None,
    typer.Option(
        help="The configuration file that names the database; without it what the node of SEEKGATE_HOME runs on.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@dataclass
class Rows:
    """The opened database, and what the node beside it is known to run on. ``now`` is Unix seconds."""

    database: Database
    home: Path
    snapshot: Snapshot | None
    now: float = field(default_factory=time.time)

    @property
    def hash_secret(self) -> bytes:
        """The secret that keys are hashed under. Raise `SecretError`."""
        from seekgate.store import key_hash

        reference = None if self.snapshot is None else self.snapshot.identity.hash_secret
        return key_hash.load(self.home, reference)

    @property
    def file_keys(self) -> frozenset[str]:
        """The names of the keys that the configuration file has."""
        return frozenset() if self.snapshot is None else frozenset(key.name for key in self.snapshot.keys)


@contextmanager
def opened(config: Path | None) -> Iterator[Rows]:
    """The database for a block; a mistake or an outage ends the command with 1 and a line on standard error."""
    from seekgate.config.home import home as default_home
    from seekgate.config.secrets import SecretError
    from seekgate.store.database import open_database
    from seekgate.store.errors import StoreError
    from seekgate.store.journal.notes import note

    home = default_home()
    snapshot = _compiled(config) if config is not None else _last_good(home)
    url = "sqlite" if snapshot is None or snapshot.database is None else snapshot.database.url

    def noted(event: Mapping[str, Any]) -> None:
        note(home, event)

    try:
        database = open_database(url, home, actor=actor(), note=noted)
        try:
            yield Rows(database, home, snapshot)
        finally:
            database.close()
    except (StoreError, SecretError) as error:
        fail(str(error))


def _compiled(config: Path) -> Snapshot:
    from seekgate.compiler import compile_settings
    from seekgate.config.problems import ConfigError
    from seekgate.settings import load

    try:
        return compile_settings(load(config, outside=False), 1)
    except ConfigError as error:
        fail(str(error))


def _last_good(home: Path) -> Snapshot | None:
    """What the node of this home runs on, or ran on last; None when none has yet, or another version's."""
    from seekgate.config.snapshot_file import SnapshotError, read_snapshot

    with contextlib.suppress(SnapshotError):
        return read_snapshot(home / "run" / "snapshot.json")
    return None


def actor() -> str:
    """Who runs this command, for the journal: the user of the system, and who became it by sudo."""
    import pwd

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    before = os.environ.get("SUDO_USER", "")
    return f"cli:{before if before.isprintable() and before else name}"[:128]


def fail(message: str) -> NoReturn:
    """End the command with 1 and a line on standard error."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)


def print_json(value: object) -> None:
    """Rows as JSON: instants are Unix seconds."""
    import json

    import msgspec

    typer.echo(json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False))


def print_table(titles: Sequence[str], lines: Sequence[Sequence[str]], empty: str) -> None:
    """Columns under titles, aligned also for wide characters; ``empty`` (on standard error) for no lines."""
    if not lines:
        typer.echo(empty, err=True)
        return
    table = [list(titles), *(list(line) for line in lines)]
    widths = [max(_width(line[column]) for line in table) for column in range(len(titles))]
    for line in table:
        cells = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def print_fields(fields: Mapping[str, str]) -> None:
    """One row as lines of name and value; what is empty is left out."""
    shown = {name: value for name, value in fields.items() if value}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        typer.echo(f"{name:{width}}  {value}")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def instant(at: float | None, none: str = "") -> str:
    """Unix seconds as local time with its offset."""
    if at is None:
        return none
    return time.strftime("%Y-%m-%d %H:%M:%S%z", time.localtime(at))


def told(value: object, as_json: bool, sentence: Callable[[], str]) -> None:
    """What a change has led to: JSON, or a sentence."""
    if as_json:
        print_json(value)
    else:
        typer.echo(sentence())


def parsed(parse: Callable[[str], Any], text: str, option: str) -> Any:
    """``parse(text)``; a mistake ends the command with 2 and names the option."""
    from seekgate.config.problems import Invalid

    try:
        return parse(text)
    except Invalid as error:
        parts = (f"{option}: {error.what}", error.expected and f"expected {error.expected}", error.hint)
        typer.echo(f"error: {'; '.join(part for part in parts if part)}", err=True)
        raise typer.Exit(2) from None


def items(texts: Sequence[str] | None) -> list[str] | None:
    """Options that may be repeated and take lists: ``--models a,b --models c``. None when not given."""
    if not texts:
        return None
    found = [item.strip() for text in texts for item in text.split(",")]
    return [item for item in found if item]


def read(path: Path) -> bytes:
    """A file, or standard input for ``-``."""
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}")
