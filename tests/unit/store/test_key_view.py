"""Tests of seekgate.store.key_view."""

from __future__ import annotations

import pytest

from seekgate.store.database import Database
from seekgate.store.errors import NotFound, Refused
from seekgate.store.key_view import list_keys, show_key
from seekgate.store.keys import Order, create_key, revoke_key
from seekgate.store.owners import create_owner

SECRET = b"0123456789abcdef0123456789abcdef"
FAR = 4_102_444_800.0


def names(keys: list[object]) -> list[str]:
    return [key.name for key in keys]  # type: ignore[attr-defined]


def test_keys_are_listed_by_owner(database: Database) -> None:
    create_owner(database, "team", "sales")
    create_owner(database, "application", "shop", parent="sales")
    create_owner(database, "user", "ada")
    create_key(database, SECRET, Order("a", application="shop"))
    create_key(database, SECRET, Order("b", team="sales", user="ada"))
    create_key(database, SECRET, Order("c"))
    assert names([*list_keys(database, 0.0)]) == ["a", "b", "c"]
    assert names([*list_keys(database, 0.0, team="sales")]) == ["a", "b"]
    assert names([*list_keys(database, 0.0, application="shop")]) == ["a"]
    assert names([*list_keys(database, 0.0, user="ada")]) == ["b"]
    assert names([*list_keys(database, 0.0, organisation="default")]) == ["a", "b", "c"]
    revoke_key(database, "c")
    assert names([*list_keys(database, 0.0)]) == ["a", "b"]
    assert names([*list_keys(database, 0.0, revoked=True)]) == ["a", "b", "c"]


def test_the_state_of_a_key_depends_on_the_time(database: Database) -> None:
    create_key(database, SECRET, Order("k", starts_at=FAR - 10, expires_at=FAR))
    states = [show_key(database, "k", at).state for at in (FAR - 11, FAR - 10, FAR - 1, FAR)]
    assert states == ["not yet", "active", "active", "expired"]


def test_a_key_is_found_by_name_and_id_and_never_by_itself(database: Database) -> None:
    key, secret = create_key(database, SECRET, Order("shop"))
    assert show_key(database, "shop", 0.0) == show_key(database, key.id, 0.0)
    with pytest.raises(NotFound, match="no key is called 'shpo'; did you mean 'shop'"):
        show_key(database, "shpo", 0.0)
    with pytest.raises(Refused, match="that is a key itself") as caught:
        show_key(database, secret, 0.0)
    assert secret not in str(caught.value)
