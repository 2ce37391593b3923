"""Tests of seekgate.store.row_queries."""

from __future__ import annotations

from seekgate.config.rows import KeyRow
from seekgate.store import row_queries
from seekgate.store.database import Database
from seekgate.store.keys import Order, create_key, rotate_key
from seekgate.store.limits import set_limits
from seekgate.store.owners import create_owner

SECRET = b"0123456789abcdef0123456789abcdef"


def test_ids_that_do_not_exist_have_no_rows(database: Database) -> None:
    with database.reading() as connection:
        assert row_queries.fetch_keys(connection, ["key_x.1", "odd"]) == {}
        assert row_queries.fetch_roles(connection, ["nobody", "user"]) == {}
        assert row_queries.fetch_bindings(connection, ["team:x", "odd"]) == {}
        assert row_queries.fetch_limits(connection, ["team:x", "odd"]) == {}


def test_only_the_secrets_that_are_asked_for_are_fetched(database: Database) -> None:
    key, _ = create_key(database, SECRET, Order("k"))
    rotate_key(database, SECRET, "k", 60)
    with database.reading() as connection:
        found = row_queries.fetch_keys(connection, [f"{key.id}.2"])
        assert list(found) == [f"{key.id}.2"]
        assert isinstance(found[f"{key.id}.2"], KeyRow)
        assert sorted(row_queries.key_ids(connection)) == [f"{key.id}.1", f"{key.id}.2"]
        assert row_queries.secrets_of(connection, "organisation", "org_default") == [
            f"{key.id}.1",
            f"{key.id}.2",
        ]
        assert row_queries.secrets_of(connection, "team", "org_default") == []


def test_names_with_anything_in_them_are_found(database: Database) -> None:
    for name in ("it's", "销售 部", 'a"b', "a%_b", "a\\b"):
        create_owner(database, "team", name)
        set_limits(database, f"team:{name}", {"requests": {60: 1}})
        with database.reading() as connection:
            assert list(row_queries.fetch_limits(connection, [f"team:{name}"])) == [f"team:{name}"]
