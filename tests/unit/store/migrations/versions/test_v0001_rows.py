"""Tests of the first migration."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from seekgate.store import schema
from seekgate.store.database import Database, open_database
from seekgate.store.errors import Conflict
from seekgate.store.tables import metadata


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_database("sqlite", tmp_path)


def test_it_makes_the_default_organisation_and_an_epoch_of_its_own(
    tmp_path: Path, database: Database
) -> None:
    other = open_database("sqlite", tmp_path / "other")
    epochs = set()
    for each in (database, other):
        with each.reading() as connection:
            assert connection.execute(text("SELECT id, name FROM organisations")).all() == [
                ("org_default", "default")
            ]
            epochs.add(connection.execute(text("SELECT epoch FROM installation")).scalar_one())
        each.close()
    assert len(epochs) == 2


def test_it_can_be_undone(database: Database) -> None:
    with database.writing() as connection:
        config = Config()
        config.set_main_option("script_location", str(schema.FOLDER))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
    with database.writing() as connection:
        schema.upgrade(connection)
        assert set(metadata.tables) < set(inspect(connection).get_table_names())
    database.close()


KEY = "INSERT INTO keys (id, name, created_at, {}) VALUES ('k', 'k', 0, {})"


@pytest.mark.parametrize(
    "statement",
    [
        KEY.format("starts_at", "0"),
        KEY.format("organisation_id, starts_at, expires_at", "'org_default', 5, 5"),
        KEY.format("organisation_id", "'org_missing'"),
        "INSERT INTO teams (id, name, organisation_id, created_at) VALUES ('t', 't', 'org_missing', 0)",
        "INSERT INTO installation (id, epoch, created_at) VALUES (2, 'x', 0)",
        "INSERT INTO bindings (scope, subject, role, created_at) VALUES ('team', 'x', 'user', 0)",
        "INSERT INTO bindings (scope, subject, role, created_at) VALUES ('user', 'x', 'nobody', 0)",
        "INSERT INTO bindings (scope, subject, role, created_at) VALUES ('planet', 'x', 'user', 0)",
        "INSERT INTO limits (scope, subject, created_at) VALUES ('planet', 'x', 0)",
        "INSERT INTO limits (scope, subject, concurrency, created_at) VALUES ('model', 'x', -1, 0)",
        "INSERT INTO applications (id, name, team_id, tier, created_at) VALUES ('a', 'a', 't', 'vital', 0)",
        "DELETE FROM organisations WHERE id = 'org_default'",
    ],
)
def test_the_database_itself_refuses_what_makes_no_sense(statement: str, database: Database) -> None:
    def run(*statements: str) -> None:
        with database.writing() as connection:
            for each in statements:
                connection.execute(text(each))

    run("INSERT INTO teams (id, name, organisation_id, created_at) VALUES ('t', 't0', 'org_default', 0)")
    with pytest.raises((Conflict, IntegrityError)):
        run(statement)
    database.close()


def test_the_name_of_a_revoked_key_is_free(database: Database) -> None:
    insert = (
        "INSERT INTO keys (id, name, organisation_id, created_at, revoked_at) VALUES "
        "('{}', 'k', 'org_default', 0, {})"
    )
    with database.writing() as connection:
        for id, revoked in (("k1", "5"), ("k2", "6"), ("k3", "NULL")):
            connection.execute(text(insert.format(id, revoked)))
    with pytest.raises(Conflict), database.writing() as connection:
        connection.execute(text(insert.format("k4", "NULL")))
    database.close()
