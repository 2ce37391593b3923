"""Tests of seekgate.store.rows: a follower that reads what changed has what is there."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from seekgate.config.rows import BindingRow, Budget, Grant, KeyRow, LimitRow, RoleRow, Row
from seekgate.store.bindings import bind, list_bindings, unbind
from seekgate.store.database import Database
from seekgate.store.errors import StoreError
from seekgate.store.key_view import list_keys
from seekgate.store.keys import (
    Order,
    change_key,
    create_key,
    forget_ended,
    remove_key,
    revoke_key,
    rotate_key,
)
from seekgate.store.limits import remove_budget, remove_limits, set_budget, set_limits
from seekgate.store.owners import change_owner, create_owner, list_owners, remove_owner
from seekgate.store.roles import change_role, create_role, list_roles, remove_role
from seekgate.store.rows import all_rows, epoch, last_number, rows_since

SECRET = b"0123456789abcdef0123456789abcdef"
State = dict[tuple[str, str], Row]


def everything(database: Database, size: int = 1000) -> State:
    return {(kind, id): row for batch in all_rows(database, size) for _, kind, id, row in batch if row}


class Follower:
    """What a follower knows who began with nothing and applies every change."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.seen = 0
        self.state: State = {}

    def look(self) -> list[tuple[str, str]]:
        """Take what is new; the rows that were told of."""
        entries = rows_since(self.database, self.seen)
        assert [entry[0] for entry in entries] == sorted(entry[0] for entry in entries)
        for number, kind, id, row in entries:
            assert number > self.seen
            if row is None:
                self.state.pop((kind, id), None)
            else:
                self.state[kind, id] = row
        self.seen = last_number(self.database)
        assert self.state == everything(self.database)
        return [(kind, id) for _, kind, id, _ in entries]


def key(database: Database, name: str, **order: Any) -> str:
    return create_key(database, SECRET, Order(name, **order))[0].id


def test_nothing_is_there_at_first(database: Database) -> None:
    assert last_number(database) == 0
    assert rows_since(database, 0) == []
    assert everything(database) == {}
    assert len(epoch(database)) == 32


def test_a_key_carries_the_names_of_what_it_belongs_to(database: Database) -> None:
    create_owner(database, "organisation", "acme")
    create_owner(database, "team", "sales", parent="acme")
    create_owner(database, "application", "shop", parent="sales", tier="core")
    create_owner(database, "user", "ada", parent="acme")
    made, _ = create_key(
        database,
        SECRET,
        Order(
            "k",
            application="shop",
            user="ada",
            roles=["user"],
            actions=["chat"],
            models=["deepseek-*"],
            cidr=["10.0.0.0/8"],
            starts_at=5.0,
            expires_at=9e9,
        ),
    )
    bind(database, "user:ada", ["auditor"])
    (row,) = [row for (kind, _), row in everything(database).items() if kind == "key"]
    assert isinstance(row, KeyRow)
    assert row == KeyRow(
        id=made.id,
        digest=row.digest,
        name="k",
        organisation="acme",
        team="sales",
        application="shop",
        tier="core",
        user="ada",
        roles=("user",),
        actions=("chat",),
        models=("deepseek-*",),
        cidr=("10.0.0.0/8",),
        starts_at=5.0,
        expires_at=9e9,
    )


def test_a_team_renamed_touches_its_keys_bindings_and_limits(database: Database) -> None:
    follower = Follower(database)
    create_owner(database, "team", "sales")
    create_owner(database, "application", "shop", parent="sales")
    own, of_app, other = (
        key(database, "a", team="sales"),
        key(database, "b", application="shop"),
        key(database, "c"),
    )
    bind(database, "team:sales", ["user"])
    set_limits(database, "team:sales", {"requests": {60: 5}})
    follower.look()
    change_owner(database, "team", "sales", rename="verkauf")
    told = follower.look()
    assert set(told) == {
        ("key", f"{own}.1"),
        ("key", f"{of_app}.1"),
        ("binding", "team:sales"),
        ("binding", "team:verkauf"),
        ("limit", "team:sales"),
        ("limit", "team:verkauf"),
    }
    assert follower.state["binding", "team:verkauf"] == BindingRow(
        "team:verkauf", "team", "verkauf", ("user",)
    )
    assert ("key", f"{other}.1") in follower.state


@pytest.mark.parametrize(
    ("kind", "name"),
    [("organisation", "default"), ("team", "sales"), ("application", "shop"), ("user", "ada")],
)
def test_what_is_disabled_stops_its_keys_until_it_is_enabled(
    kind: Any, name: str, database: Database
) -> None:
    create_owner(database, "team", "sales")
    create_owner(database, "application", "shop", parent="sales")
    create_owner(database, "user", "ada")
    mine = key(database, "mine", application="shop", user="ada")
    follower = Follower(database)
    follower.look()
    change_owner(database, kind, name, disabled=True)
    assert follower.look() == [("key", f"{mine}.1")]
    assert ("key", f"{mine}.1") not in follower.state
    assert [each.state for each in list_keys(database, 0.0)] == ["disabled"]
    change_owner(database, kind, name, disabled=False)
    follower.look()
    assert ("key", f"{mine}.1") in follower.state


def test_while_a_rotation_overlaps_a_key_has_two_rows_with_one_id(database: Database) -> None:
    follower = Follower(database)
    mine = key(database, "mine", expires_at=9e9)
    rotated, _ = rotate_key(database, SECRET, "mine", 3600)
    follower.look()
    old, new = (follower.state["key", f"{mine}.{number}"] for number in (1, 2))
    assert isinstance(old, KeyRow)
    assert isinstance(new, KeyRow)
    assert old.id == new.id == mine
    assert old.digest != new.digest
    assert (old.expires_at, new.expires_at) == (rotated.secrets[0].expires_at, 9e9)
    rotate_key(database, SECRET, "mine", 0)
    follower.look()
    assert {id for _, id in follower.state} == {f"{mine}.3"}


def test_a_revoked_key_is_gone(database: Database) -> None:
    follower = Follower(database)
    mine = key(database, "mine")
    follower.look()
    revoke_key(database, "mine")
    assert follower.look() == [("key", f"{mine}.1")]
    assert follower.state == {}


def test_roles_of_a_user_stand_in_one_row_only(database: Database) -> None:
    follower = Follower(database)
    create_owner(database, "user", "ada")
    mine = key(database, "mine", user="ada")
    follower.look()
    bind(database, "user:ada", ["user"])
    assert follower.look() == [("binding", "user:ada")]
    assert follower.state["binding", "user:ada"] == BindingRow("user:ada", "user", "ada", ("user",))
    bind(database, "key:mine", ["limit-manager"])
    assert follower.look() == [("key", f"{mine}.1")]
    row = follower.state["key", f"{mine}.1"]
    assert isinstance(row, KeyRow)
    assert (row.user, row.roles) == ("ada", ("limit-manager",))


def test_limits_and_roles_are_told_as_they_are(database: Database) -> None:
    follower = Follower(database)
    mine = key(database, "mine")
    set_budget(database, "key:mine", Budget("day", "CNY", hard=5))
    set_limits(database, "model:flash", {"tokens": {60: 7}}, 3)
    create_role(database, "analyst", [Grant("allow", ("chat",))])
    follower.look()
    assert follower.state["limit", f"key:{mine}"] == LimitRow(
        f"key:{mine}", "key", mine, (), None, (Budget("day", "CNY", hard=5),)
    )
    flash = follower.state["limit", "model:flash"]
    assert isinstance(flash, LimitRow)
    assert flash.concurrency == 3
    assert follower.state["role", "analyst"] == RoleRow("analyst", (Grant("allow", ("chat",)),))


def test_of_several_changes_of_a_row_the_last_counts(database: Database) -> None:
    create_owner(database, "team", "sales")
    for limit in (1, 2, 3):
        set_limits(database, "team:sales", {"requests": {60: limit}})
    (entry,) = rows_since(database, 0)
    assert entry[0] == last_number(database)
    assert isinstance(entry[3], LimitRow)
    assert entry[3].windows[0].limit == 3


def test_upto_leaves_later_changes_for_the_next_time(database: Database) -> None:
    create_owner(database, "team", "a")
    set_limits(database, "team:a", {"requests": {60: 1}})
    upto = last_number(database)
    set_limits(database, "team:*", {"requests": {60: 1}})
    assert [id for _, _, id, _ in rows_since(database, 0, upto)] == ["team:a"]
    assert [id for _, _, id, _ in rows_since(database, upto)] == ["team:*"]


def test_all_rows_come_in_batches_of_one_state(database: Database) -> None:
    ids = {f"{key(database, f'k{number}')}.1" for number in range(25)}
    batches = []
    for batch in all_rows(database, 10):
        assert len(batch) <= 10
        batches.append(batch)
        key(database, f"late{len(batches)}")
    assert {id for batch in batches for _, _, id, _ in batch} == ids
    assert {number for batch in batches for number, _, _, _ in batch} == {25}


def test_many_keys_of_one_owner_are_followed(database: Database) -> None:
    create_owner(database, "team", "sales")
    for number in range(30):
        key(database, f"k{number}", team="sales")
    follower = Follower(database)
    follower.look()
    change_owner(database, "team", "sales", disabled=True)
    assert len(follower.look()) == 30
    assert follower.state == {}


NAMES = ("a", "b", "c", "d")


def _walk(database: Database, rng: random.Random) -> None:
    """One random change; what is refused changes nothing."""
    name, other = rng.choice(NAMES), rng.choice(NAMES)
    kind: Any = rng.choice(("organisation", "team", "application", "user"))
    subject = f"{rng.choice(('organisation', 'team', 'application', 'user', 'key'))}:{name}"
    limited = (
        f"{rng.choice(('key', 'application', 'team', 'organisation', 'model'))}:{rng.choice((name, '*'))}"
    )
    of = rng.choice(("team", "application", "organisation"))
    owner: dict[str, Any] = {of: other, **({"user": rng.choice(NAMES)} if rng.random() < 0.6 else {})}
    parent = other if kind == "application" or rng.random() < 0.5 else None
    steps: tuple[Callable[[], object], ...] = (
        lambda: create_owner(database, kind, name, parent=None if kind == "organisation" else parent),
        lambda: create_owner(database, kind, name, parent=None if kind == "organisation" else parent),
        lambda: change_owner(database, kind, name, rename=other),
        lambda: change_owner(database, kind, name, disabled=rng.random() < 0.4),
        lambda: change_owner(database, kind, name, parent=other),
        lambda: remove_owner(database, kind, name),
        lambda: create_key(database, SECRET, Order(name, **owner)),
        lambda: create_key(database, SECRET, Order(name, **owner)),
        lambda: change_key(database, name, disabled=rng.random() < 0.4, rename=other),
        lambda: rotate_key(database, SECRET, name, rng.choice((0, 60))),
        lambda: (revoke_key if rng.random() < 0.4 else remove_key)(database, name),
        lambda: forget_ended(database, rng.choice((0.0, 9e9))),
        lambda: bind(database, subject, [rng.choice(("user", "operator", other))]),
        lambda: bind(database, subject, ["user"]),
        lambda: unbind(database, subject, []),
        lambda: create_role(database, name, [Grant("allow", ("chat",))]),
        lambda: change_role(database, name, add=[Grant("deny", ("embed",))]),
        lambda: remove_role(database, name),
        lambda: set_limits(database, limited, {"requests": {60: rng.randrange(9)}}),
        lambda: remove_limits(database, limited),
        lambda: set_budget(database, limited, Budget("day", "CNY", hard=rng.randrange(9))),
        lambda: remove_budget(database, limited),
    )
    rng.choice(steps)()


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_changed_a_follower_has_what_is_there(seed: int, database: Database) -> None:
    rng = random.Random(seed)
    for name in NAMES:
        create_owner(database, "organisation", name)
        create_owner(database, "team", name, parent=name)
        create_owner(database, "application", name, parent=name)
        create_owner(database, "user", name)
        key(database, name, application=name, user=name)
    follower = Follower(database)
    done = refused = 0
    while done < 120:
        try:
            _walk(database, rng)
            done += 1
        except StoreError:
            refused += 1
        if rng.random() < 0.4:
            follower.look()
    follower.look()
    assert refused > 20
    kinds = {kind for kind, _ in follower.state}
    assert kinds <= {"key", "role", "binding", "limit"}
    listed = (
        list_keys(database, 0.0),
        list_bindings(database),
        list_roles(database),
        list_owners(database, "team"),
    )
    assert all(isinstance(each, list) for each in listed)
