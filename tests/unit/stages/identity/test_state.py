"""The tables of keys."""

from __future__ import annotations

import gc
import hmac

import pytest

from seekgate.config.rows import KeyRow, LimitRow
from seekgate.config.snapshot import Key
from seekgate.pipeline.principal import Principal
from seekgate.stages.identity import state
from seekgate.stages.identity.state import FOREVER, FileKeys, KeyHash, KeyTable, Known, Recent

SECRET = b"s" * 32
FILE = FileKeys(
    [
        (Key("app", "env:A"), "sg-1"),
        (Key("office", "env:B", ("192.0.2.0/24", "2001:db8::/32")), "sg-2"),
        (Key("web", "env:C", (), "acme", "sales", "shop", "core", ("user",)), "sg-3"),
    ]
)


def row(id: str, secret: str, **fields: object) -> KeyRow:
    digest = hmac.digest(SECRET, secret.encode(), "sha256").hex()
    return KeyRow(id=id, digest=digest, **{"name": id, **fields})  # type: ignore[arg-type]


def table(*rows: tuple[str, KeyRow]) -> KeyTable:
    made = KeyTable()
    made.hash = KeyHash(SECRET)
    for id, each in rows:
        made.apply("key", id, each)
    return made


def test_keys_of_the_file_are_found_by_their_secret_only() -> None:
    assert len(FILE) == 3
    app = FILE.find(b"sg-1")
    assert app is not None
    assert app.principal == Principal("app", "app", "file")
    for other in (b"", b"sg", b"sg-1 ", b"SG-1", b"app"):
        assert FILE.find(other) is None


def test_keys_of_the_file_say_where_they_belong() -> None:
    web = FILE.find(b"sg-3")
    assert web is not None
    assert web.principal == Principal("web", "web", "file", "acme", "sales", "shop", "core", "", ("user",))


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
    office = FILE.find(b"sg-2")
    assert office is not None
    assert office.allowed_from(client) is allowed
    assert Known(Principal("app")).allowed_from(client)


def test_a_row_becomes_a_principal() -> None:
    full = row(
        "key_1",
        "sk-sg-one",
        name="billing",
        organisation="acme",
        team="sales",
        application="shop",
        tier="core",
        user="ada",
        roles=("user", "batch"),
        actions=("chat",),
        models=(),
        cidr=("192.0.2.0/24",),
        starts_at=10.0,
        expires_at=20.0,
    )
    known = table(("key_1.0", full)).find(b"sk-sg-one")
    assert known is not None
    assert known.principal == Principal(
        "billing", "key_1", "key", "acme", "sales", "shop", "core", "ada", ("user", "batch"),
        frozenset({"chat"}), frozenset(),
    )  # fmt: skip
    assert (known.since, known.until) == (10.0, 20.0)
    assert known.allowed_from("192.0.2.1")
    assert not known.allowed_from("192.0.3.1")


def test_a_bare_row_bounds_nothing() -> None:
    known = table(("k.0", row("k", "s"))).find(b"s")
    assert known is not None
    assert (known.since, known.until, known.networks) == (0.0, FOREVER, ())
    assert (known.principal.actions, known.principal.models) == (None, None)


def test_somebody_who_is_remembered_is_decoded_once() -> None:
    keys = table(("k.0", row("k", "s")))
    known = keys.find(b"s")
    assert keys.find(b"s") is known
    del known
    gc.collect()
    assert keys.find(b"s") is not None


@pytest.mark.parametrize("change", [None, row("k", "s", name="renamed"), row("k", "another secret")])
def test_every_memory_of_a_row_that_changes_is_worthless_at_once(change: KeyRow | None) -> None:
    keys = table(("k.0", row("k", "s")))
    known = keys.find(b"s")
    assert known is not None
    keys.apply("key", "k.0", change)
    assert known.until == 0.0
    found = keys.find(b"s")
    assert (found is not None and found.principal.name == "renamed") is (
        change is not None and change.name != "k"
    )


def test_a_key_may_have_two_secrets_while_it_is_rotated() -> None:
    keys = table(("k.0", row("k", "old", expires_at=5.0)), ("k.1", row("k", "new")))
    old, new = keys.find(b"old"), keys.find(b"new")
    assert old is not None
    assert new is not None
    assert old.principal.id == new.principal.id == "k"
    keys.apply("key", "k.0", None)
    assert (keys.find(b"old"), keys.find(b"new"), old.until, new.until) == (None, new, 0.0, FOREVER)


def test_rows_that_are_gone_leave_nothing() -> None:
    keys = table(*((f"k{n}.0", row(f"k{n}", f"s{n}")) for n in range(100)))
    assert len(keys) == 100
    for n in range(100):
        keys.apply("key", f"k{n}.0", None)
    keys.apply("key", "never-there", None)
    keys.apply("limit", "key:x", LimitRow("key:x", "key", "x"))
    assert (len(keys), keys._digests, keys._known) == (0, {}, {})


def test_what_was_presented_is_remembered_in_two_generations() -> None:
    recent = Recent(entries=8)
    known = [Known(Principal(str(n))) for n in range(8)]
    for n in range(3):
        recent.put(b"%d" % n, known[n])
    assert recent.get(b"0") is known[0]
    recent.put(b"3", known[3])
    assert recent.get(b"0") is None
    assert recent.older(b"0") is known[0]
    recent.put(b"0", known[0])
    recent.rotate()
    assert recent.older(b"0") is known[0]
    assert recent.older(b"1") is None
    assert len(recent) == 1


def test_what_was_presented_is_bounded_in_bytes_too() -> None:
    recent = Recent(size=1000)
    for n in range(50):
        recent.put(b"%0100d" % n, Known(Principal(str(n))))
    assert len(recent) <= 10


@pytest.mark.parametrize("size", [0, 1, 32, 63, 64, 65, 200])
def test_the_hash_is_hmac(size: int) -> None:
    secret = bytes(range(size))
    for content in (b"", b"sk-sg-one", b"x" * 1000):
        assert KeyHash(secret).digest(content) == hmac.digest(secret, content, "sha256")


def test_whom_nobody_remembers_leaves_nothing_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "REMEMBERED", 10)
    keys = table(*((f"k{n}.0", row(f"k{n}", f"s{n}")) for n in range(100)))
    kept = [keys.find(b"s%d" % n) for n in range(5)]
    for n in range(100):
        keys.find(b"s%d" % n)
        assert len(keys._known) <= 20
    assert [keys.find(b"s%d" % n) for n in range(5)] == kept
    assert set(keys.ids()) == {f"k{n}.0" for n in range(100)}
