"""The table of keys."""

from __future__ import annotations

import pytest

from seekgate.pipeline.principal import Principal
from seekgate.stages.identity import state
from seekgate.stages.identity.state import KeyTable, Known, digest

TABLE = [("app", "sg-1", ()), ("office", "sg-2", ("192.0.2.0/24", "2001:db8::/32"))]


def test_found_by_the_secret_only() -> None:
    table = KeyTable(TABLE)
    assert len(table) == 2
    app = table.find(b"sg-1")
    assert app is not None
    assert app.principal.name == "app"
    for other in (b"", b"sg", b"sg-1 ", b"SG-1", b"app", digest(b"sg-1")):
        assert table.find(other) is None


@pytest.mark.parametrize(
    ("client", "allowed"),
    [
        ("192.0.2.9", True),
        ("192.0.3.9", False),
        ("2001:db8::9", True),
        ("2001:db9::9", False),
        ("::1", False),
    ],
)
def test_networks(client: str, allowed: bool) -> None:
    office = KeyTable(TABLE).find(b"sg-2")
    assert office is not None
    assert office.allowed_from(client) is allowed
    assert Known(Principal("app")).allowed_from(client)


def test_what_was_right_is_remembered() -> None:
    table = KeyTable(TABLE)
    assert table.presented(b"Bearer sg-1") is None
    assert table.find(b"sg-1", b"Bearer sg-1") is table.presented(b"Bearer sg-1") is not None
    assert table.find(b"sg-9", b"Bearer sg-9") is None
    assert table.presented(b"Bearer sg-9") is None, "nothing that was wrong is remembered"
    table.find(b"sg-1")
    assert table.presented(b"") is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MAX_REMEMBERED", 3)
    table = KeyTable(TABLE)
    for number in range(50):
        table.find(b"sg-1", b"Bearer %dsg-1" % number)
    assert sum(table.presented(b"Bearer %dsg-1" % number) is not None for number in range(50)) <= 3


def test_the_table_keeps_no_secret_before_it_is_used() -> None:
    table = KeyTable([("app", "a-very-long-secret", ())])
    assert "a-very-long-secret" not in repr([getattr(table, name) for name in table.__slots__])
