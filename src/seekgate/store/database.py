"""The database of the rows that people manage: SQLite in SEEKGATE_HOME, or PostgreSQL.

Every change is one transaction, and all changes stand in one queue: SQLite has a single writer anyway, and on
PostgreSQL a change begins by taking an advisory lock, which the server gives back after the commit is visible.
So change numbers become visible in their order, and a follower that has seen number N never misses a smaller one.
What it costs is that two people cannot change rows in the same millisecond.

The data plane never opens this: workers follow the row log (`seekgate.config.rows`).
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from seekgate.config.secrets import SecretError, resolve
from seekgate.store import schema
from seekgate.store.errors import Conflict, StoreError, Unavailable
from seekgate.store.tables import changes

FILE = "seekgate.db"
PATIENCE = 10.0
"""Seconds that a change waits for the changes before it."""

_LOCK = 0x5EE4_6A7E
"""The advisory lock of PostgreSQL that changes queue for."""

Note = Callable[[Mapping[str, Any]], None]
"""Writes a change into the journal, before it is committed. Raises when it cannot: then nothing is changed."""


def no_note(event: Mapping[str, Any]) -> None:
    """For a caller who has no journal, such as a test."""


@dataclass
class Change:
    """A transaction that changes rows: `Database.changing` begins and commits it."""

    connection: Connection
    now: float
    actor: str
    note: Note
    number: int = 0

    def record(
        self,
        kind: str,
        id: str,
        action: str,
        touched: Sequence[tuple[str, str]] = (),
        **detail: Any,
    ) -> int:
        """Write down what was changed and return its change number. Call it once in a transaction.

        ``touched`` are the rows of the row log, as (kind, id), that this affects beyond the keys of an organisation,
        team, application or user. ``detail`` goes to the journal and must hold no secret.
        """
        statement = insert(changes).values(
            kind=kind,
            id=id,
            action=action,
            actor=self.actor,
            at=self.now,
            touched=json.dumps([list(each) for each in dict.fromkeys(touched)], ensure_ascii=False),
        )
        primary = self.connection.execute(statement).inserted_primary_key
        assert primary is not None
        self.number = int(primary[0])
        event = {"event": "row", "number": self.number, "kind": kind, "id": id, "action": action}
        try:
            self.note({**event, "actor": self.actor, "at": self.now, **detail})
        except OSError as error:
            raise StoreError(
                f"the change cannot be journalled, so it is not made: {error.strerror}"
            ) from None
        return self.number

    def failed(self) -> None:
        """Note that what was noted has not been committed."""
        with suppress(OSError):  # what the caller gets to know is why the commit failed
            self.note({"event": "row.failed", "number": self.number, "actor": self.actor})


class Database:
    """An open database whose tables are those of this version. `open_database` makes it; `close` it.

    ``actor`` is who changes rows, for the journal.
    """

    def __init__(self, engine: Engine, *, actor: str = "", note: Note = no_note) -> None:
        self.engine = engine
        self.actor = actor
        self.note = note

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database, whatever is changed meanwhile. Raise `Unavailable`."""
        with plainly(), self.engine.connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def changing(self) -> Iterator[Change]:
        """A transaction that changes rows, alone. It is committed unless the block raises. Raise `Unavailable`."""
        change: Change | None = None
        try:
            with self.writing() as connection:
                change = Change(connection, time.time(), self.actor, self.note)
                yield change
        except BaseException:
            if change is not None and change.number:
                change.failed()
            raise

    @contextmanager
    def writing(self, *, queue: bool = True) -> Iterator[Connection]:
        """A transaction that writes what is no change of a row (migrations, when a key was last used)."""
        with plainly(), self.engine.connect() as connection:
            connection.execution_options(seekgate_writes=True)
            with connection.begin():
                if queue and not self.is_sqlite:
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
                yield connection


@contextmanager
def plainly() -> Iterator[None]:
    """Say what a driver raises in words without SQL, parameters or passwords."""
    try:
        yield
    except IntegrityError:
        raise Conflict("the change contradicts other rows, so it is not made") from None
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())[:300] if error.orig is not None else "it does not answer"
        # Neither driver puts a password into these; a key's digest can be in a violated constraint's detail.
        reason = reason.split(" DETAIL:")[0]
        if "locked" in reason or "lock timeout" in reason:
            raise Unavailable(f"the database is busy: others have changed rows for {PATIENCE:g} s") from None
        raise Unavailable(f"the database cannot be used: {reason}") from None
    except SQLAlchemyError as error:
        raise Unavailable(f"the database cannot be used: {type(error).__name__}") from None


def open_database(url: str, home: Path, *, actor: str = "", note: Note = no_note) -> Database:
    """Open what ``database.url`` names, and bring its tables to this version.

    ``url`` is ``sqlite`` (the file `FILE` in ``home``, made on first use), a URL, or a secret reference to one. Raise
    `StoreError`, among them `Newer` and `Unavailable`.
    """
    target = _target(url, home)
    engine = _sqlite(target) if target.get_backend_name() == "sqlite" else _postgresql(target)
    database = Database(engine, actor=actor, note=note)
    try:
        with plainly(), engine.connect() as connection, connection.begin():
            outdated = schema.outdated(connection)
        if outdated:
            with database.writing() as connection:
                if schema.outdated(connection):  # nobody else was quicker
                    schema.upgrade(connection)
    except BaseException:
        database.close()
        raise
    return database


def _target(url: str, home: Path) -> URL:
    if url == "sqlite":
        return URL.create("sqlite", database=str(home / FILE))
    if url.startswith(("env:", "file:")) or "://" not in url:
        try:
            url = resolve(url)
        except SecretError as error:
            raise StoreError(f"database.url: {error}") from None
    if url.startswith("postgres://"):
        url = f"postgresql://{url.removeprefix('postgres://')}"
    try:
        target = make_url(url)
    except ArgumentError:
        raise StoreError("database.url is not a URL such as postgresql://host/name") from None
    backend = target.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise StoreError("database.url must begin with postgresql:// or sqlite:///")
    return target.set(drivername="sqlite" if backend == "sqlite" else "postgresql+psycopg")


def _sqlite(target: URL) -> Engine:
    path = Path(target.database or "")
    if not target.database or target.database == ":memory:":
        raise StoreError("database.url: rows in memory would be lost; name a file")
    make_file(path)
    engine = create_engine(target, connect_args={"timeout": PATIENCE, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that will write takes the lock at once: one that found it taken halfway could only fail.
        writes = connection.get_execution_options().get("seekgate_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def make_file(path: Path) -> None:
    """Make an empty SQLite database in WAL mode for this user alone, unless the file is there. Raise `StoreError`.

    It is made beside and linked into its place, so that of two processes which come at once each finds a whole one.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            return
        beside = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            connection = sqlite3.connect(beside)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.close()
            os.link(beside, path)
        except FileExistsError:
            pass
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"cannot make the database {path}: {reason}") from None


def _postgresql(target: URL) -> Engine:
    try:
        return create_engine(
            target,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args={
                "connect_timeout": 5,
                "application_name": "seekgate",
                # A prepared statement soon gets a plan that knows nothing of its values, and ours are lists of ids.
                "prepare_threshold": None,
                "options": f"-c lock_timeout={int(PATIENCE * 1000)} -c statement_timeout=60000",
            },
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise StoreError("PostgreSQL needs an extra: pip install 'seekgate[postgresql]'") from None
