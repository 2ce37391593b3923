"""Roles, bindings, and what is remembered."""

from __future__ import annotations

import pytest

from seekgate.config.rows import BindingRow, RoleRow
from seekgate.pipeline.principal import ANONYMOUS, Principal
from seekgate.stages.access import state
from seekgate.stages.access.state import AccessRows, AccessTable, Held
from tests.support.access import allow, caller, deny, table, world

NONE: frozenset[str] = frozenset()


def may(made: AccessTable, principal: Principal, action: str = "chat", model: str | None = "pro") -> bool:
    return made.decide(made.profile(principal), action, model, NONE, "192.0.2.1", 0.0).allowed


def test_who_has_no_role_has_the_default_ones() -> None:
    assert may(table(), ANONYMOUS)
    assert not may(table(default_roles=()), ANONYMOUS)
    made = table({"listing": (allow("models.list"),)}, default_roles=("listing",))
    assert not may(made, ANONYMOUS)
    assert may(made, ANONYMOUS, "models.list", None)
    assert made.held(ANONYMOUS) == (Held("listing", "default"),)


def test_a_role_that_is_nowhere_grants_nothing_and_is_no_reason_for_default_ones() -> None:
    made = table()
    assert not may(made, caller("gone"))
    assert made.role("gone") is None


def test_roles_come_by_every_binding() -> None:
    rows = AccessRows()
    rows.apply("binding", "team:sales", BindingRow("team:sales", "team", "sales", ("by-team", "own")))
    rows.apply("binding", "user:li", BindingRow("user:li", "user", "li", ("by-user",)))
    bindings = (BindingRow("organisation:acme", "organisation", "acme", ("by-organisation",)),)
    made = table({}, rows, bindings=bindings)
    someone = caller("own", user="li", team="sales", organisation="acme", application="shop")
    assert made.held(someone) == (
        Held("own", "own"),
        Held("by-user", "binding user:li (row)"),
        Held("by-team", "binding team:sales (row)"),
        Held("by-organisation", "binding organisation:acme (seekgate.yaml:90)"),
    )


def test_a_changed_row_is_in_force_at_once() -> None:
    rows = AccessRows()
    made = table({}, rows)
    someone = caller("analyst", team="sales")
    assert not may(made, someone)
    rows.apply("role", "analyst", RoleRow("analyst", (allow("chat"),)))
    assert may(made, someone)
    rows.apply("role", "analyst", RoleRow("analyst", (allow("chat"), deny("chat", models=("pro",)))))
    assert not may(made, someone)
    rows.apply("role", "analyst", None)
    assert not may(made, someone)
    rows.apply("binding", "team:sales", BindingRow("team:sales", "team", "sales", ("user",)))
    assert may(made, someone)
    rows.apply("binding", "team:sales", None)
    assert not may(made, someone)
    version = rows.version
    rows.apply("key", "k", None)
    rows.apply("role", "never", None)
    assert rows.version == version + 1, "a key is not access's row"


def test_what_the_file_has_wins_and_that_is_said_once() -> None:
    rows, told = AccessRows(), list[str]()
    rows.apply("role", "analyst", RoleRow("analyst", (allow("*"),)))
    rows.apply("binding", "team:sales", BindingRow("team:sales", "team", "sales", ("user",)))
    snapshot = world(
        {"analyst": (allow("embed"),)}, (BindingRow("team:sales", "team", "sales", ("analyst",)),)
    )
    made = AccessTable(snapshot, rows, told.append)
    assert told == [], "nothing is done before it is needed"
    assert not may(made, caller("analyst"))
    rows.apply("role", "other", RoleRow("other", ()))
    assert not may(made, caller(team="sales"))
    assert sorted(told) == [
        "the binding 'team:sales' of seekgate.yaml takes the place of the database's",
        "the role 'analyst' of seekgate.yaml takes the place of the database's",
    ]


def test_a_built_in_role_can_be_replaced() -> None:
    rows = AccessRows()
    rows.apply("role", "user", RoleRow("user", (allow("embed"),)))
    made = table({}, rows)
    assert not may(made, ANONYMOUS)
    assert made.role("user").home == "row"  # type: ignore[union-attr]
    assert may(table({"user": (allow("chat"),)}), ANONYMOUS)


def test_callers_with_the_same_roles_share_a_profile() -> None:
    made = table()
    one, other = caller("user"), caller("user")
    assert made.profile(one) is made.profile(other) is made.profile(one)
    assert made.profile(caller("user", models=frozenset(("pro",)))) is not made.profile(one)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_PRINCIPALS", "MAX_PROFILES", "MAX_VERDICTS"):
        monkeypatch.setattr(state, name, 3)
    made = table()
    someone = caller("user")
    profile = made.profile(someone)
    for number in range(20):
        assert not may(made, caller(f"role-{number}"))
        made.verdict(profile, "chat", "pro", frozenset((f"class-{number}",)), "", 0.0)
    assert len(profile.verdicts) <= 3
    assert len(made._known) <= 3
    assert len(made._profiles) <= 3
    assert set(made._roles) == {"user"}
    assert may(made, someone)


def test_what_depends_on_the_address_is_not_remembered() -> None:
    made = table({"office": (allow("chat", cidr=("10.0.0.0/8",)),)})
    profile = made.profile(caller("office"))
    for client, expected in (("10.0.0.1", True), ("192.0.2.1", False), ("10.0.0.1", True)):
        assert made.verdict(profile, "chat", "pro", NONE, client, 0.0).whole is expected
    assert not profile.verdicts


def test_what_is_visible() -> None:
    made = table({
        "some": (allow("models.list"), allow("chat", models=("flash",)), allow("embed", models=("vec*",))),
        "unlisted": (allow("chat"), allow("models.list", models=("pro",))),
        "office": (allow("*", cidr=("10.0.0.0/8",)),),
    })  # fmt: skip

    def seen(role: str, client: str = "192.0.2.1") -> frozenset[str] | None:
        return made.visible(made.profile(caller(role)), client, 0.0).names

    assert seen("user") is None
    for _ in range(2):  # the second time from memory
        assert seen("some") == frozenset(("flash", "fast", "vectors"))
    assert seen("unlisted") == frozenset(("pro", "best"))
    assert seen("office") == frozenset()
    assert seen("office", "10.0.0.1") is None


@pytest.mark.parametrize("role", ["key-manager", "role-manager"])
@pytest.mark.parametrize("action", ["audit.read", "audit.export", "audit.erase"])
def test_who_manages_keys_or_roles_has_nothing_of_the_audit(role: str, action: str) -> None:
    made = table({"everything": (allow("*"),)})
    for someone in (caller(role, "auditor", "audit-keeper"), caller("everything")):
        decision = made.decide(made.profile(someone), action, None, NONE, "", 0.0)
        assert (decision.allowed, decision.cause) == (False, "separate_duties")
        assert may(made, someone, "audit.verify", None)
    assert not may(made, caller(role), action, None)
    assert may(made, caller("auditor", "audit-keeper"), action, None)
    apart = table({"everything": (allow("*"),)}, separate_duties=False)
    assert may(apart, caller("everything"), action, None)
