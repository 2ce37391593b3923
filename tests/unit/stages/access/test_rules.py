"""Grants made into sets."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from seekgate.config.builtin_roles import ACTIONS, INFERENCE
from seekgate.config.hours import parse_hours
from seekgate.config.rows import Grant, RoleRow
from seekgate.stages.access.rules import Names, Resources, Rule, actions, by_action, compile_role, names
from tests.support.access import allow, deny, world

RESOURCES = Resources(world())
NONE: frozenset[str] = frozenset()


def rule(grant: Grant) -> Rule:
    return compile_role(RoleRow("r", (grant,)), ("here:1",), RESOURCES)[0]


def test_names() -> None:
    assert names(("a", "b*")) == Names(frozenset("a"), ("b",))
    assert names(("a", "b*")).has("bcd")
    assert not names(("a", "b*")).has("ab")
    assert names(()).has("anything")
    assert names(("*",)).has("")


def test_actions_are_expanded() -> None:
    assert actions(("chat", "audit.*")) == {
        "chat",
        "audit.read",
        "audit.export",
        "audit.verify",
        "audit.erase",
    }
    assert actions(("*",)) == set(ACTIONS)
    assert rule(Grant("deny")).actions == set(ACTIONS), "no actions mean all of them"


@pytest.mark.parametrize(
    "narrowed",
    [{"models": ("pro",)}, {"providers": ("own",)}, {"regions": ("cn",)}, {"tiers": ("private",)},
     {"data_classes": ("x",)}],
)  # fmt: skip
@pytest.mark.parametrize("make", [allow, deny])
def test_a_rule_about_some_models_is_not_about_administration(
    make: object, narrowed: dict[str, object]
) -> None:
    assert rule(make("*", **narrowed)).actions == set(INFERENCE)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), None),
        (("pro",), {"pro"}),
        (("best",), {"pro"}),
        (("f*",), {"flash"}),
        (("*",), {"pro", "flash", "small", "vectors"}),
        (("none",), set()),
    ],
)
def test_models_are_found_by_any_of_their_names(patterns: tuple[str, ...], expected: set[str] | None) -> None:
    assert rule(allow("chat", models=patterns)).models == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"providers": ("cloud",)}, {0, 3}),
        ({"providers": ("c*", "own")}, {0, 2, 3, 5, 6}),
        ({"regions": ("cn",)}, {0, 2, 3}),
        ({"regions": ("*",)}, {0, 1, 2, 3, 4, 5, 6}),
        ({"tiers": ("private",)}, {2, 5, 6}),
        ({"regions": ("cn",), "tiers": ("private",)}, {2}),
        ({"providers": ("nobody",)}, set()),
    ],
)
def test_deployments(more: dict[str, tuple[str, ...]], expected: set[int] | None) -> None:
    assert rule(allow("chat", **more)).deployments == expected


@pytest.mark.parametrize(
    ("grant", "model", "classes", "expected"),
    [
        (allow("chat"), "pro", {"personal"}, True),
        (allow("chat", data_classes=("personal",)), "pro", set(), True),
        (allow("chat", data_classes=("personal",)), "pro", {"personal"}, True),
        (allow("chat", data_classes=("personal",)), "pro", {"personal", "secret"}, False),
        (allow("chat", data_classes=("personal", "s*")), "pro", {"personal", "secret"}, True),
        (deny("chat", data_classes=("personal",)), "pro", set(), False),
        (deny("chat", data_classes=("personal",)), "pro", {"personal", "secret"}, True),
        (deny("chat", data_classes=("per*",)), "pro", {"secret"}, False),
        (allow("chat", models=("pro",)), "flash", set(), False),
        (allow("models.list", models=("pro",)), None, set(), True),
        (deny("models.list", models=("pro",)), None, set(), False),
        (deny("models.list", tiers=("public",)), None, set(), False),
        (deny("models.list"), None, set(), True),
    ],
)
def test_what_a_rule_is_about(grant: Grant, model: str | None, classes: set[str], expected: bool) -> None:
    assert rule(grant).about(model, frozenset(classes)) is expected


@pytest.mark.parametrize(
    ("client", "allowed", "denied"),
    [
        ("10.1.2.3", True, True),
        ("11.1.2.3", False, False),
        ("2001:db8::7", True, True),
        ("2001:db9::7", False, False),
        ("::ffff:10.1.2.3", True, True),
        ("not an address", False, True),
    ],
)
def test_networks(client: str, allowed: bool, denied: bool) -> None:
    blocks = ("10.0.0.0/8", "2001:db8::/32")
    assert rule(allow("chat", cidr=blocks)).holds(client, 0.0) is allowed
    assert rule(deny("chat", cidr=blocks)).holds(client, 0.0) is denied


@pytest.mark.parametrize(
    ("block", "client", "within"),
    [
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "11.1.2.3", False),
        ("::ffff:10.1.2.3", "10.1.2.3", True),
        ("::ffff:0:0/96", "198.51.100.1", True),
        ("2001:db8::/96", "2001:db8::7", True),
    ],
)
def test_a_network_of_ipv4_may_be_written_as_one_of_ipv6(block: str, client: str, within: bool) -> None:
    assert rule(deny("chat", cidr=(block,))).holds(client, 0.0) is within


def at(text: str, zone: str = "Asia/Shanghai") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("hours", "moment", "expected"),
    [
        ("mon-fri 08:00-18:00 Asia/Shanghai", "2026-11-23T08:00:00", True),  # a Monday
        ("mon-fri 08:00-18:00 Asia/Shanghai", "2026-11-23T07:59:59", False),
        ("mon-fri 08:00-18:00 Asia/Shanghai", "2026-11-23T17:59:59", True),
        ("mon-fri 08:00-18:00 Asia/Shanghai", "2026-11-23T18:00:00", False),
        ("mon-fri 08:00-18:00 Asia/Shanghai", "2026-11-28T10:00:00", False),
        ("mon-fri 00:00-10:00 UTC", "2026-11-23T08:00:00", True),  # midnight there
        ("mon-fri 00:00-10:00 UTC", "2026-11-23T07:59:00", False),
        ("sun 22:00-06:00 Asia/Shanghai", "2026-11-22T23:00:00", True),
        ("sun 22:00-06:00 Asia/Shanghai", "2026-11-23T05:59:00", True),
        ("sun 22:00-06:00 Asia/Shanghai", "2026-11-23T06:00:00", False),
        ("sun 22:00-06:00 Asia/Shanghai", "2026-11-22T05:00:00", False),
        ("sat 00:00-24:00 Asia/Shanghai", "2026-11-28T23:59:59", True),
        ("sat 00:00-24:00 Asia/Shanghai", "2026-11-29T00:00:00", False),
        ("sat 12:00-12:00 Asia/Shanghai", "2026-11-29T11:59:00", True),
    ],
)
def test_hours(hours: str, moment: str, expected: bool) -> None:
    made = rule(allow("chat", hours=(parse_hours(hours),)))
    assert made.conditional
    assert made.holds("192.0.2.1", at(moment)) is expected


def test_hours_follow_the_clock_of_their_zone() -> None:
    made = rule(allow("chat", hours=(parse_hours("08:00-09:00 Europe/Berlin"),)))
    assert made.holds("", at("2026-07-01T08:30:00", "Europe/Berlin"))
    assert made.holds("", at("2026-12-01T08:30:00", "Europe/Berlin"))


def test_those_that_deny_come_first() -> None:
    role = compile_role(
        RoleRow("r", (allow("chat"), deny("chat"), allow("embed"))), ("a", "b", "c"), RESOURCES
    )
    found = by_action(role)
    assert [one.word for one in found["chat"]] == ["r#2", "r#1"]
    assert [one.source for one in found["embed"]] == ["c"]
    assert found["audit.read"] == ()
