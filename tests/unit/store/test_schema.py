"""Tests of seekgate.store.schema: the version of the tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from seekgate.config.builtin_roles import BUILTIN_ROLES
from seekgate.store import schema
from seekgate.store.database import Database, open_database
from seekgate.store.errors import Newer, StoreError
from seekgate.store.owners import create_owner
from seekgate.store.tables import metadata, roles


def _set(database: Database, revision: str) -> None:
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :to").bindparams(to=revision))


def test_the_code_knows_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.FOLDER))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [schema.HEAD]
    assert all(each.revision.isdigit() and len(each.revision) == 4 for each in script.walk_revisions())


def test_the_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    with database.reading() as connection:
        assert schema.revision(connection) == schema.HEAD
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_built_in_roles_are_the_codes(database: Database) -> None:
    with database.reading() as connection:
        found = connection.execute(select(roles.c.name).where(roles.c.grants.is_(None))).scalars()
        assert sorted(found) == sorted(row.id for row in BUILTIN_ROLES)


def test_a_newer_database_is_refused_and_left_alone(url: str, tmp_path: Path, database: Database) -> None:
    _set(database, "0999")
    with pytest.raises(Newer, match="version 0999, this one knows 0001"):
        open_database(url, tmp_path)
    with database.reading() as connection:
        assert schema.revision(connection) == "0999"


def test_a_database_of_another_program_is_refused(url: str, tmp_path: Path, database: Database) -> None:
    _set(database, "ae1027a6acf")
    with pytest.raises(StoreError, match="another program"):
        open_database(url, tmp_path)


def test_opening_again_keeps_what_is_there(url: str, tmp_path: Path, database: Database) -> None:
    create_owner(database, "team", "sales")
    again = open_database(url, tmp_path)
    with again.reading() as connection:
        assert connection.execute(text("SELECT name FROM teams")).scalars().all() == ["sales"]
        assert not schema.outdated(connection)
    again.close()


def test_a_failed_upgrade_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def upgrade(connection: object) -> None:
        real(connection)  # type: ignore[arg-type]
        raise StoreError("no power")

    real = schema.upgrade
    monkeypatch.setattr(schema, "upgrade", upgrade)
    with pytest.raises(StoreError, match="no power"):
        open_database("sqlite", tmp_path)
    monkeypatch.undo()
    database = open_database("sqlite", tmp_path)
    with database.reading() as connection:
        assert schema.revision(connection) == schema.HEAD
    database.close()
