"""Tests of seekgate.store.subjects."""

from __future__ import annotations

import pytest

from seekgate.store.database import Database
from seekgate.store.errors import NotFound, Refused
from seekgate.store.keys import Order, create_key
from seekgate.store.limits import SCOPES
from seekgate.store.owners import create_owner
from seekgate.store.subjects import Subject, find, split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("team:sales", ("team", "sales")),
        ("app:shop", ("application", "shop")),
        ("org:acme", ("organisation", "acme")),
        ("model:a:b", ("model", "a:b")),
    ],
)
def test_a_subject_is_scope_and_name(text: str, parts: tuple[str, str]) -> None:
    assert split(text, SCOPES) == parts


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sales", "names nobody"),
        ("team:", "names nobody"),
        ("teem:x", "did you mean 'team'"),
        ("zz:x", "expected one of"),
    ],
)
def test_what_is_none_is_said(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        split(text, SCOPES)


def test_subjects_are_found(database: Database) -> None:
    team = create_owner(database, "team", "sales")
    key, _ = create_key(database, b"0" * 32, Order("k"))
    with database.reading() as connection:
        found = [
            find(connection, text, SCOPES, every=True, elsewhere={"in-file"})
            for text in ("team:sales", f"team:{team.id}", "key:k", "key:in-file", "model:flash", "team:*")
        ]
        with pytest.raises(NotFound, match="did you mean 'sales'"):
            find(connection, "team:slaes", SCOPES)
        with pytest.raises(Refused, match="name one team"):
            find(connection, "team:*", SCOPES)
        with pytest.raises(Refused, match="not a usable name"):
            find(connection, "model:a\nb", SCOPES)
    assert found == [
        Subject("team", team.id, "team:sales", own=True),
        Subject("team", team.id, "team:sales", own=True),
        Subject("key", key.id, f"key:{key.id}", own=True),
        Subject("key", "in-file", "key:in-file"),
        Subject("model", "flash", "model:flash"),
        Subject("team", "*", "team:*"),
    ]
    assert found[0].values() == {"scope": "team", "subject": team.id, "team_id": team.id}
    assert found[3].values() == {"scope": "key", "subject": "in-file"}
