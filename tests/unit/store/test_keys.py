"""Tests of seekgate.store.keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from seekgate.config.rows import KeyRow
from seekgate.store.database import Database
from seekgate.store.errors import Conflict, NotFound, Refused
from seekgate.store.key_hash import digest
from seekgate.store.key_view import show_key
from seekgate.store.keys import (
    Order,
    change_key,
    create_key,
    forget_ended,
    mark_used,
    remove_key,
    revoke_key,
    rotate_key,
)
from seekgate.store.owners import create_owner
from seekgate.store.rows import last_number, rows_since
from seekgate.store.tables import key_secrets

SECRET = b"0123456789abcdef0123456789abcdef"
YEAR_2100 = 4_102_444_800.0


def test_a_key_is_kept_as_a_keyed_hash_and_twelve_characters(
    database: Database, noted: list[dict[str, Any]]
) -> None:
    key, secret = create_key(database, SECRET, Order("shop"))
    with database.reading() as connection:
        (row,) = connection.execute(select(key_secrets)).all()
    assert (row.digest, row.prefix) == (digest(SECRET, secret), secret[:12])
    assert secret not in json.dumps(noted)
    assert secret[12:] not in repr(rows_since(database, 0))
    assert noted[0]["prefixes"] == [secret[:12]]
    assert key.state == "active"


def test_orders_that_make_no_sense_are_refused(database: Database) -> None:
    create_owner(database, "team", "sales")
    create_owner(database, "application", "shop", parent="sales")
    with pytest.raises(Refused, match="not to several"):
        create_key(database, SECRET, Order("k", team="sales", application="shop"))
    with pytest.raises(NotFound, match="did you mean 'shop'"):
        create_key(database, SECRET, Order("k", application="shpo"))
    with pytest.raises(NotFound, match="no role is called 'usr'; did you mean 'user'"):
        create_key(database, SECRET, Order("k", roles=["usr"]))
    with pytest.raises(Refused, match="expired already"):
        create_key(database, SECRET, Order("k", expires_at=5.0))
    with pytest.raises(Refused, match="expire before"):
        create_key(database, SECRET, Order("k", starts_at=YEAR_2100, expires_at=YEAR_2100))
    with pytest.raises(Refused, match="no action"):
        create_key(database, SECRET, Order("k", actions=["fly"]))
    create_key(database, SECRET, Order("k"))
    with pytest.raises(Conflict, match="rotate it, or choose another name"):
        create_key(database, SECRET, Order("k"))


def test_what_is_changed_is_changed_and_the_rest_stays(
    database: Database, noted: list[dict[str, Any]]
) -> None:
    create_key(database, SECRET, Order("k", actions=["chat"], models=["flash"], cidr=["10.0.0.0/8"]))
    key = change_key(database, "k", rename="k2", models=None, expires_at=YEAR_2100)
    assert (key.name, key.actions, key.models, key.cidr) == ("k2", ("chat",), None, ("10.0.0.0/8",))
    assert key.expires_at == YEAR_2100
    assert noted[-1]["before"]["models"] == ("flash",)
    key = change_key(database, "k2", actions=None, cidr=[], expires_at=None)
    assert (key.actions, key.cidr, key.expires_at) == (None, (), None)
    with pytest.raises(Refused, match="expire before"):
        change_key(database, key.id, starts_at=9.0, expires_at=8.0)
    number = last_number(database)
    assert change_key(database, "k2") == key
    assert last_number(database) == number
    create_key(database, SECRET, Order("other"))
    with pytest.raises(Conflict):
        change_key(database, "k2", rename="other")


def test_disabling_is_a_switch_and_revoking_is_not(database: Database, noted: list[dict[str, Any]]) -> None:
    key, _ = create_key(database, SECRET, Order("k"))
    assert change_key(database, "k", disabled=True).state == "disabled"
    assert change_key(database, "k", disabled=False).state == "active"
    assert revoke_key(database, "k").state == "revoked"
    assert [event["action"] for event in noted] == ["create", "disable", "enable", "revoke"]
    for again in (revoke_key, lambda *given: rotate_key(database, SECRET, given[1], 0)):
        with pytest.raises(Refused, match="revoked for good"):
            again(database, key.id)
    create_key(database, SECRET, Order("k"))
    assert show_key(database, "k", 0.0).id != key.id


def test_a_rotation_ends_the_old_secret_after_its_overlap(database: Database) -> None:
    _, first = create_key(database, SECRET, Order("k"))
    key, second = rotate_key(database, SECRET, "k", 3600)
    assert first != second
    old, new = key.secrets
    assert old.expires_at == pytest.approx(new.created_at + 3600)
    assert new.expires_at is None
    key, _ = rotate_key(database, SECRET, "k", 60)
    assert [each.expires_at is None for each in key.secrets] == [False, False, True]
    assert key.secrets[0].expires_at == pytest.approx(key.secrets[2].created_at + 60)
    with pytest.raises(Conflict, match="3 valid secrets"):
        rotate_key(database, SECRET, "k", 60)
    key, _ = rotate_key(database, SECRET, "k", 0)
    assert [each.ordinal for each in key.secrets] == [4]


@pytest.mark.parametrize("overlap", [-1.0, 1e9, float("nan")])
def test_an_overlap_has_its_bounds(overlap: float, database: Database) -> None:
    create_key(database, SECRET, Order("k"))
    with pytest.raises(Refused, match="overlap"):
        rotate_key(database, SECRET, "k", overlap)


def test_secrets_whose_overlap_is_over_are_forgotten(database: Database) -> None:
    key, _ = create_key(database, SECRET, Order("k"))
    rotated, _ = rotate_key(database, SECRET, "k", 60)
    number = last_number(database)
    assert forget_ended(database, 0.0) == 0
    assert last_number(database) == number
    assert forget_ended(database, (rotated.secrets[0].expires_at or 0) + 1) == 1
    assert [entry[2:] for entry in rows_since(database, number)] == [(f"{key.id}.1", None)]
    (left,) = show_key(database, "k", 0.0).secrets
    assert left.ordinal == 2


def test_use_is_remembered_and_is_no_change(database: Database, noted: list[dict[str, Any]]) -> None:
    key, _ = create_key(database, SECRET, Order("k"))
    number = last_number(database)
    mark_used(database, {})
    mark_used(database, {key.id: 50.0, "key_unknown": 1.0})
    mark_used(database, {key.id: 40.0})
    assert show_key(database, "k", 0.0).last_used_at == 50.0
    assert last_number(database) == number
    assert len(noted) == 1


def test_use_is_remembered_while_a_change_is_under_way(database: Database) -> None:
    """On PostgreSQL; SQLite has one writer."""
    key, _ = create_key(database, SECRET, Order("k"))
    if not database.is_sqlite:
        with database.changing() as change:
            change.record("team", "x", "create")
            mark_used(database, {key.id: 50.0})
        assert show_key(database, "k", 0.0).last_used_at == 50.0


def test_a_removed_key_is_gone_with_its_rows(database: Database) -> None:
    key, _ = create_key(database, SECRET, Order("k", roles=["user"]))
    rotate_key(database, SECRET, "k", 60)
    number = last_number(database)
    assert remove_key(database, "k").id == key.id
    told = {(kind, id): row for _, kind, id, row in rows_since(database, number)}
    assert told == {
        ("key", f"{key.id}.1"): None,
        ("key", f"{key.id}.2"): None,
        ("limit", f"key:{key.id}"): None,
    }
    with pytest.raises(NotFound):
        show_key(database, key.id, 0.0)


def test_a_rows_end_is_the_earlier_of_key_and_secret(database: Database) -> None:
    create_key(database, SECRET, Order("k", expires_at=YEAR_2100))
    rotate_key(database, SECRET, "k", 60)
    ends = sorted(row.expires_at or 0 for _, _, _, row in rows_since(database, 0) if isinstance(row, KeyRow))
    assert ends[0] < YEAR_2100
    assert ends[1] == YEAR_2100
