"""The version of the tables: what a database has, what this code needs, and the way from one to the other.

Revisions are numbers of four digits. Alembic is imported only when there is something to do: it would take longer
than most commands.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from seekgate.store.errors import Newer, StoreError

HEAD = "0001"
"""The newest revision that this code knows."""

FOLDER = Path(__file__).parent / "migrations"


def revision(connection: Connection) -> str | None:
    """The revision of a database, None when it has no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def outdated(connection: Connection) -> bool:
    """Whether `upgrade` has something to do. Raise `Newer`, or `StoreError` for a database that is not ours."""
    found = revision(connection)
    if found is None:
        return True
    if not found.isdigit() or len(found) != len(HEAD):
        raise StoreError(
            "the database has tables of another program (an alembic_version that is not of SeekGate); "
            "give SeekGate a database of its own"
        )
    if found > HEAD:
        raise Newer(
            f"the database was made by a newer SeekGate (its tables have version {found}, this one knows {HEAD}); "
            "use that version, or restore a backup from before the upgrade"
        )
    return found < HEAD


def upgrade(connection: Connection) -> None:
    """Bring the tables to `HEAD`, within the transaction of ``connection``, which the caller commits."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
