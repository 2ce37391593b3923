"""Tests of seekgate.store.tables."""

from __future__ import annotations

import subprocess
import sys

from seekgate.store import tables


def test_names_of_constraints_are_given_so_that_migrations_can_drop_them() -> None:
    for table in tables.metadata.tables.values():
        for constraint in table.constraints:
            assert constraint.name, f"{table.name}: {constraint}"
            assert len(str(constraint.name)) <= 63


def test_what_belongs_to_something_is_indexed() -> None:
    for table in tables.metadata.tables.values():
        indexed = {next(iter(index.columns.keys())) for index in table.indexes} | {
            next(iter(table.primary_key.columns.keys()))
        }
        for column in table.columns:
            if column.name.endswith("_id"):
                assert column.name in indexed, f"{table.name}.{column.name}"


def test_the_tables_load_no_dialect_and_no_mapper() -> None:
    program = (
        "import sys, seekgate.store.tables as t; "
        "print([m for m in sys.modules if m in ('sqlalchemy.orm', 'alembic', 'sqlalchemy.dialects.postgresql')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
