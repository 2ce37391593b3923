"""Tests of seekgate.store.bindings."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.store.bindings import Binding, bind, list_bindings, unbind
from seekgate.store.database import Database
from seekgate.store.errors import NotFound, Refused
from seekgate.store.keys import Order, create_key
from seekgate.store.owners import create_owner, remove_owner
from seekgate.store.rows import last_number

SECRET = b"0123456789abcdef0123456789abcdef"


def test_roles_add_up_and_are_taken_again(database: Database, noted: list[dict[str, Any]]) -> None:
    create_owner(database, "team", "sales")
    assert bind(database, "team:sales", ["user"]).roles == ("user",)
    assert bind(database, "team:sales", ["operator", "user"]) == Binding("team:sales", ("operator", "user"))
    assert noted[-1]["roles"] == ["operator"]
    assert unbind(database, "team:sales", ["user"]).roles == ("operator",)
    assert unbind(database, "team:sales", []).roles == ()
    with pytest.raises(NotFound, match="has no roles"):
        unbind(database, "team:sales", [])


def test_a_role_that_is_there_already_is_no_change(database: Database) -> None:
    bind(database, "user:ada", ["user"])
    number = last_number(database)
    bind(database, "user:ada", ["user"])
    assert last_number(database) == number


def test_bindings_are_listed_by_name(database: Database) -> None:
    create_owner(database, "team", "sales")
    create_owner(database, "application", "shop", parent="sales")
    create_key(database, SECRET, Order("k", roles=["auditor"]))
    for subject in ("org:default", "team:sales", "app:shop", "user:ada"):
        bind(database, subject, ["user"])
    found = {each.subject: each.roles for each in list_bindings(database)}
    assert found == {
        "organisation:default": ("user",),
        "team:sales": ("user",),
        "application:shop": ("user",),
        "user:ada": ("user",),
        "key:k": ("auditor",),
    }
    assert [each.subject for each in list_bindings(database, role="auditor")] == ["key:k"]
    assert [each.subject for each in list_bindings(database, subject="team:sales")] == ["team:sales"]
    with pytest.raises(NotFound, match="no role"):
        list_bindings(database, role="nobody")


def test_mistakes_are_told(database: Database) -> None:
    create_owner(database, "team", "sales")
    with pytest.raises(NotFound, match="did you mean 'user'"):
        bind(database, "team:sales", ["usr"])
    with pytest.raises(NotFound, match="does not have the role 'user'; it has none"):
        unbind(database, "team:sales", ["user"])
    with pytest.raises(Refused, match="name one team"):
        bind(database, "team:*", ["user"])
    with pytest.raises(Refused, match="no scope"):
        bind(database, "model:x", ["user"])


def test_one_subject_does_not_get_duties_that_are_kept_apart(database: Database) -> None:
    bind(database, "user:ada", ["key-manager"])
    for role in ("auditor", "audit-keeper"):
        with pytest.raises(Refused, match=r"user:ada would have both 'admin\.keys'"):
            bind(database, "user:ada", [role])
    with pytest.raises(Refused):
        bind(database, "user:eva", ["auditor", "role-manager"])
    assert [each.subject for each in list_bindings(database)] == ["user:ada"]


def test_a_removed_team_leaves_no_binding(database: Database) -> None:
    create_owner(database, "team", "sales")
    bind(database, "team:sales", ["user"])
    remove_owner(database, "team", "sales")
    assert list_bindings(database) == []
