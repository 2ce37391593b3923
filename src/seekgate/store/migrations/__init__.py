"""Migrations of the rows' tables, run by `seekgate.store.schema` on first use of a database."""
