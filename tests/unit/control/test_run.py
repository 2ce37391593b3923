"""The control process as the supervisor starts it, on a real database."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.config import used_keys
from seekgate.config.rowlog import RowLogReader, RowLogWriter, log_path
from seekgate.host.messages import Drain, encode
from seekgate.store import keys
from seekgate.store.database import FILE, Database, open_database
from tests.support.until import until

SECRET = b"s" * 32
ROOT = Path(__file__).parents[3]


class Control:
    """The process, and our end of its control socket."""

    def __init__(self, home: Path, database: str = "sqlite") -> None:
        self.home = home
        self.ours, theirs = socket.socketpair()
        command = [
            sys.executable,
            "-P",
            "-m",
            "seekgate.control.run",
            "--home",
            str(home),
            "--database",
            database,
        ]
        command += ["--control-fd", str(theirs.fileno())]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "SEEKGATE_HOME": str(home)}
        self.process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=environment, stderr=subprocess.PIPE, text=True
        )
        theirs.close()
        self.reader = RowLogReader(log_path(home))
        self.rows: dict[str, str] = {}

    def ids(self) -> set[str]:
        """The keys in the log as it is now."""
        more = True
        while more:
            part = self.reader.read()
            if part.reset:
                self.rows.clear()
            for one in part.changes:
                if one.gone:
                    self.rows.pop(one.id, None)
                else:
                    self.rows[one.id] = one.kind
            more = part.more
        return {id.rpartition(".")[0] for id in self.rows}

    def end(self) -> str:
        """Close our end; what it has said."""
        self.ours.close()
        try:
            _, said = self.process.communicate(timeout=30)
        finally:
            self.process.kill()
            self.reader.close()
        return said


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = open_database("sqlite", tmp_path)
    yield made
    made.close()


def add(database: Database, name: str) -> str:
    """A key; its id."""
    key, _ = keys.create_key(database, SECRET, keys.Order(name=name))
    return key.id


def test_its_life(tmp_path: Path, database: Database) -> None:
    first = add(database, "first")
    used_keys.leave(tmp_path, 0, {first: 1_780_000_000.0})
    control = Control(tmp_path)
    try:
        until(lambda: first in control.ids(), "the first key")
        second = add(database, "second")
        until(lambda: second in control.ids(), "the second key")
        keys.revoke_key(database, "first")
        until(lambda: first not in control.ids(), "the first key to go")
        until(lambda: not (tmp_path / "rows" / "used-0.json").exists(), "what was used to be taken")
        control.ours.sendall(encode(Drain(5.0)))
        assert control.process.wait(30) == 0
    finally:
        said = control.end()
    assert said == ""
    with sqlite3.connect(tmp_path / FILE) as plain:
        assert plain.execute("SELECT last_used_at FROM keys WHERE name = 'first'").fetchone() == (
            1_780_000_000.0,
        )


@pytest.mark.parametrize("how", ["SIGTERM", "orphaned"])
def test_it_ends_when_it_should(tmp_path: Path, database: Database, how: str) -> None:
    control = Control(tmp_path)
    try:
        until(log_path(tmp_path).exists, "the row log")
        if how == "SIGTERM":
            control.process.send_signal(signal.SIGTERM)
        else:
            control.ours.close()
        assert control.process.wait(30) == 0
    finally:
        control.end()


def test_it_waits_for_the_one_before_and_follows_what_happened_meanwhile(
    tmp_path: Path, database: Database
) -> None:
    writer = RowLogWriter(log_path(tmp_path))
    id = add(database, "first")
    control = Control(tmp_path)
    try:
        line = control.process.stderr.readline() if control.process.stderr else ""
        assert "the row log cannot be written yet" in line
        writer.close()
        until(lambda: id in control.ids(), "the key")
    finally:
        control.end()


def test_a_database_that_does_not_answer_is_said_once_and_it_still_ends(tmp_path: Path) -> None:
    """A server that accepts and says nothing: the worst of all."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        control = Control(tmp_path, f"postgresql://nobody@127.0.0.1:{port}/rows")
        try:
            connection, _ = deaf.accept()
            control.ours.sendall(encode(Drain(1.0)))
            assert control.process.wait(30) == 0
            connection.close()
        finally:
            said = control.end()
    assert not log_path(tmp_path).exists()
    assert len(said.splitlines()) <= 1
