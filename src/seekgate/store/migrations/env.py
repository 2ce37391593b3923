"""Alembic's environment: the caller hands in a connection whose transaction it commits itself."""

from __future__ import annotations

from alembic import context

from seekgate.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can roll back DDL too, once the driver leaves transactions to us (`seekgate.store.database`).
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
