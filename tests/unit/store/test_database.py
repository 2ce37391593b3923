"""Tests of seekgate.store.database."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from seekgate.store import database as module
from seekgate.store.database import Database, make_file, open_database
from seekgate.store.errors import Conflict, StoreError, Unavailable
from seekgate.store.owners import create_owner, list_owners
from seekgate.store.rows import last_number
from seekgate.store.tables import changes, organisations
from tests.support.postgres import Postgres


def test_sqlite_is_a_file_for_this_user_alone_in_wal_mode(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    database = open_database("sqlite", home)
    with database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        for path in home.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    database.close()


def test_of_many_who_come_at_once_each_finds_the_same_new_database(tmp_path: Path) -> None:
    def epoch(_: int) -> str:
        database = open_database("sqlite", tmp_path / "home")
        try:
            with database.reading() as connection:
                return str(connection.execute(text("SELECT epoch FROM installation")).scalar_one())
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(epoch, range(6)))) == 1


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"something")
    make_file(path)
    assert path.read_bytes() == b"something"
    assert [each.name for each in tmp_path.iterdir()] == ["x.db"]


def test_what_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "seekgate.db").write_bytes(b"this is a text file, and not a database at all" * 20)
    with pytest.raises(Unavailable, match="not a database"):
        open_database("sqlite", tmp_path)


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot make the database"):
        open_database("sqlite", tmp_path / "file" / "home")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://host/x", "must begin with postgresql:// or sqlite:///"),
        ("sqlite://", "name a file"),
        ("env:SEEKGATE_TEST_NO_SUCH_URL", "SEEKGATE_TEST_NO_SUCH_URL is not set"),
        ("nothing", "not a secret reference"),
    ],
)
def test_a_url_that_cannot_be_used_is_said_so(url: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=reason):
        open_database(url, tmp_path)


def test_a_url_may_be_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWS_URL", f"sqlite:///{tmp_path}/other.db")
    open_database("env:ROWS_URL", tmp_path / "home").close()
    assert (tmp_path / "other.db").exists()
    assert not (tmp_path / "home").exists()


def test_the_password_is_in_no_message() -> None:
    with pytest.raises(Unavailable) as caught:
        open_database("postgresql://ada:hush-hush@127.0.0.1:1/rows", Path("/nonexistent"))
    assert "hush-hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_change_is_numbered_noted_and_committed_together(
    database: Database, noted: list[dict[str, Any]]
) -> None:
    with database.changing() as change:
        number = change.record(
            "team", "team_1", "create", [("limit", "team:x"), ("limit", "team:x")], name="x"
        )
    assert (
        noted[0].items()
        >= {
            "event": "row",
            "number": number,
            "kind": "team",
            "id": "team_1",
            "action": "create",
            "actor": "cli:ada",
            "name": "x",
        }.items()
    )
    with database.reading() as connection:
        row = connection.execute(select(changes)).one()
    assert (row.number, row.actor, row.touched) == (number, "cli:ada", '[["limit", "team:x"]]')


def test_what_fails_changes_nothing_and_the_journal_says_so(
    database: Database, noted: list[dict[str, Any]]
) -> None:
    def fail() -> None:
        with database.changing() as change:
            change.record("team", "team_1", "create")
            raise ZeroDivisionError

    before = last_number(database)
    with pytest.raises(ZeroDivisionError):
        fail()
    assert last_number(database) == before
    assert [event["event"] for event in noted] == ["row", "row.failed"]
    assert noted[1]["number"] == noted[0]["number"]


def test_what_cannot_be_journalled_is_not_done(database: Database) -> None:
    def full(event: Mapping[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    database.note = full
    with pytest.raises(StoreError, match="cannot be journalled, so it is not made: No space left"):
        create_owner(database, "team", "sales")
    assert list_owners(database, "team") == []


def test_a_reader_sees_one_state(database: Database) -> None:
    with database.reading() as connection:
        before = connection.execute(select(organisations.c.name)).all()
        create_owner(database, "organisation", "meanwhile")
        assert connection.execute(select(organisations.c.name)).all() == before
    assert len(list_owners(database, "organisation")) == 2


def test_a_broken_constraint_is_a_conflict(database: Database) -> None:
    row = {"id": "org_x", "name": "default", "created_at": 0.0}
    with pytest.raises(Conflict, match="contradicts other rows"), database.changing() as change:
        change.connection.execute(insert(organisations).values(**row))


def test_numbers_become_visible_in_their_order(url: str, tmp_path: Path, database: Database) -> None:
    """A follower that reads up to the newest number must never find a smaller one later."""
    writers, each = 4, 12
    done = threading.Event()
    missed: list[tuple[int, int]] = []

    def write(number: int) -> None:
        mine = open_database(url, tmp_path)
        for step in range(each):
            create_owner(mine, "team", f"t{number}-{step}")
        mine.close()

    def follow() -> list[int]:
        seen: list[int] = []
        finished = False
        while not finished:
            finished = done.is_set()
            with database.reading() as connection:
                found = (
                    connection.execute(select(changes.c.number).order_by(changes.c.number)).scalars().all()
                )
            missed.extend(
                (number, seen[-1]) for number in found if number not in seen and seen and number < seen[-1]
            )
            seen = list(found)
        return seen

    with ThreadPoolExecutor(writers + 1) as pool:
        following = pool.submit(follow)
        for future in [pool.submit(write, number) for number in range(writers)]:
            future.result()
        done.set()
        assert len(following.result()) == writers * each
    assert not missed
    assert len(list_owners(database, "team")) == writers * each


def test_changes_queue_and_a_queue_that_does_not_move_is_said(
    url: str, tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    hasty = open_database(url, tmp_path)
    with database.changing() as change:
        change.record("team", "x", "create")
        with pytest.raises(Unavailable, match="busy"):
            create_owner(hasty, "team", "sales")
    create_owner(hasty, "team", "sales")
    hasty.close()


def test_a_writer_that_is_killed_leaves_no_lock_behind(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.url(postgres.create("rows"))
    first, second = open_database(url, tmp_path), open_database(url, tmp_path)

    def killed() -> None:
        with first.changing() as change:
            pid = change.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            postgres.run(f"SELECT pg_terminate_backend({pid})")
            change.record("team", "x", "create")

    with pytest.raises(Unavailable):
        killed()
    assert create_owner(second, "team", "sales").name == "sales"
    first.close()
    second.close()


def test_a_server_that_went_away_is_used_again(postgres: Postgres, tmp_path: Path) -> None:
    database = open_database(postgres.url(postgres.create("rows")), tmp_path)
    assert last_number(database) == 0
    postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'seekgate'")
    assert last_number(database) == 0
    database.close()


def test_sqlite_keeps_what_a_killed_process_committed(tmp_path: Path) -> None:
    pid = os.fork()
    if not pid:
        try:
            create_owner(open_database("sqlite", tmp_path), "team", "sales")
        finally:
            os._exit(7)  # nothing is closed
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    database = open_database("sqlite", tmp_path)
    assert [team.name for team in list_owners(database, "team")] == ["sales"]
    database.close()
    with sqlite3.connect(tmp_path / "seekgate.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
