"""Tests of seekgate.store.owners."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.store.database import Database
from seekgate.store.errors import Conflict, NotFound, Refused
from seekgate.store.keys import Order, create_key, remove_key, revoke_key
from seekgate.store.owners import change_owner, create_owner, list_owners, remove_owner, show_owner
from seekgate.store.rows import last_number

SECRET = b"0123456789abcdef0123456789abcdef"


def test_a_tree_of_owners(database: Database, noted: list[dict[str, Any]]) -> None:
    create_owner(database, "organisation", "acme")
    sales = create_owner(database, "team", "sales", parent="acme")
    shop = create_owner(database, "application", "shop", parent=sales.id, tier="core")
    assert (sales.parent, shop.parent, shop.tier) == ("acme", "sales", "core")
    assert create_owner(database, "user", "ada").parent == "default"
    assert create_owner(database, "team", "legal").parent == "default"
    assert [team.name for team in list_owners(database, "team")] == ["legal", "sales"]
    assert [team.name for team in list_owners(database, "team", parent="acme")] == ["sales"]
    assert show_owner(database, "application", shop.id) == shop
    assert [event["action"] for event in noted] == ["create"] * 5
    assert noted[2]["parent"] == "sales"


def test_names_are_unique_within_their_kind(database: Database) -> None:
    create_owner(database, "team", "sales")
    create_owner(database, "user", "sales")
    with pytest.raises(Conflict, match="a team called 'sales' exists already"):
        create_owner(database, "team", "sales")
    create_owner(database, "team", "legal")
    with pytest.raises(Conflict):
        change_owner(database, "team", "legal", rename="sales")
    with pytest.raises(Conflict, match="an organisation called 'default'"):
        create_owner(database, "organisation", "default")


def test_mistakes_are_told_with_the_nearest_name(database: Database) -> None:
    create_owner(database, "team", "sales")
    with pytest.raises(NotFound, match="no team is called 'slaes'; did you mean 'sales'"):
        create_owner(database, "application", "shop", parent="slaes")
    with pytest.raises(NotFound, match="there is no user yet"):
        show_owner(database, "user", "ada")
    with pytest.raises(Refused, match="belongs to a team"):
        create_owner(database, "application", "shop")
    with pytest.raises(Refused, match="belongs to nothing"):
        create_owner(database, "organisation", "x", parent="default")
    with pytest.raises(Refused, match="has no tier"):
        create_owner(database, "team", "x", tier="core")
    with pytest.raises(Refused, match="has no tier"):
        change_owner(database, "team", "sales", tier="core")
    create_owner(database, "user", "ada")
    with pytest.raises(Refused, match="identity provider"):
        change_owner(database, "user", "ada", rename="eva")


def test_what_changes_is_journalled_with_what_it_was(database: Database, noted: list[dict[str, Any]]) -> None:
    create_owner(database, "organisation", "acme")
    create_owner(database, "team", "sales")
    after = change_owner(database, "team", "sales", rename="verkauf", parent="acme", disabled=True)
    assert (after.name, after.parent, after.disabled) == ("verkauf", "acme", True)
    assert noted[-1]["changed"] == {
        "name": ["sales", "verkauf"],
        "parent": ["default", "acme"],
        "disabled": [False, True],
    }
    assert change_owner(database, "team", "verkauf", disabled=False).disabled is False
    assert noted[-1]["action"] == "enable"


def test_what_changes_nothing_is_no_change(database: Database) -> None:
    create_owner(database, "team", "sales")
    number = last_number(database)
    change_owner(database, "team", "sales", rename="sales", disabled=False, parent="default")
    assert last_number(database) == number


def test_only_what_is_empty_is_removed(database: Database) -> None:
    create_owner(database, "team", "sales")
    create_owner(database, "application", "shop", parent="sales")
    key = create_key(database, SECRET, Order("k", team="sales"))[0]
    assert show_owner(database, "team", "sales").keys == 1
    revoke_key(database, "k")
    assert show_owner(database, "team", "sales").keys == 0
    with pytest.raises(Conflict, match="still has 1 application and 1 key"):
        remove_owner(database, "team", "sales")
    remove_key(database, key.id)
    remove_owner(database, "application", "shop")
    assert remove_owner(database, "team", "sales").name == "sales"
    assert list_owners(database, "team") == []


def test_the_default_organisation_stays(database: Database) -> None:
    with pytest.raises(Refused, match="cannot be removed"):
        remove_owner(database, "organisation", "default")
    change_owner(database, "organisation", "default", rename="acme")
    assert create_owner(database, "team", "sales").parent == "acme"
