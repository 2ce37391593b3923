"""Who calls; the scenes (`tests/scenes/test_surface.py`) show the refusals' bytes."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable

import pytest

from seekgate.config.compiled.identity import Certificate
from seekgate.config.rows import KeyRow
from seekgate.config.snapshot import Key
from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.peer import Peer
from seekgate.pipeline.principal import ANONYMOUS, Principal
from seekgate.pipeline.stage import Reply, Verdict, Wait
from seekgate.stages.identity.certificates import Certificates
from seekgate.stages.identity.stage import Absent, Identity, IdentityByBoth
from seekgate.stages.identity.state import FileKeys, KeyHash, KeyTable, Known
from seekgate.wire import errors
from tests.support.scene_exchange import exchange

NOW = 1_780_000_000.0
SECRET = b"s" * 32
FILE = FileKeys(
    [
        (Key("app", "env:A"), "sg-1"),
        (Key("office", "env:B", ("203.0.113.0/24",)), "sg-2"),
        (Key("web", "env:C", organisation="acme", team="sales"), "sg-3"),
    ]
)


def bearer(secret: str) -> dict[bytes, bytes]:
    return {b"authorization": b"Bearer " + secret.encode()}


def keys(**fields: object) -> KeyTable:
    """One key, ``sk-sg-one``."""
    table = KeyTable()
    table.hash = KeyHash(SECRET)
    digest = hmac.digest(SECRET, b"sk-sg-one", "sha256").hex()
    table.apply("key", "k.0", KeyRow(id="k", digest=digest, name="one", **fields))  # type: ignore[arg-type]
    return table


def refused(verdict: Verdict, error: errors.ErrorKind) -> str:
    assert isinstance(verdict, Reply)
    assert verdict.error is error
    return verdict.message


@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": b"Bearer sg-1"},
        {b"authorization": b"bearer  sg-1 "},
        {b"x-api-key": b"sg-1"},
        {b"authorization": b"Bearer sg-1", b"x-api-key": b"wrong"},
    ],
)
def test_known(headers: dict[bytes, bytes]) -> None:
    stage = Identity(FILE)
    for _ in range(3):  # later times from memory, and from the older one
        x = exchange(headers=headers)
        assert stage.on_request(x) is None
        assert x.principal.name == "app"
        stage.recent.rotate()


@pytest.mark.parametrize(
    "headers",
    [{}, {b"authorization": b""}, {b"authorization": b"Bearer "}, {b"authorization": b"sg-1"}, {b"x-api-key": b""},
     {b"authorization": b"Bearer sg-9"}, {b"authorization": b"Bearer sg-9", b"x-api-key": b"sg-1"},
     {b"authorization": b"Basic sg-1"}, {b"authorization": b"\0sg-1"}],
)  # fmt: skip
def test_unknown(headers: dict[bytes, bytes]) -> None:
    stage = Identity(FILE)
    stage.on_request(exchange(headers={b"x-api-key": b"sg-1"}))
    if headers != {b"authorization": b"\0sg-1"}:  # which the reader of heads does not let through
        x = exchange(headers=headers)
        verdict = stage.on_request(x)
        refused(verdict, errors.UNAUTHENTICATED)
        assert x.principal is ANONYMOUS
        assert isinstance(verdict, Reply)
        assert verdict.headers[0][0] == b"WWW-Authenticate"


def test_networks_are_checked_each_time() -> None:
    stage = Identity(FILE)
    assert stage.on_request(exchange(headers=bearer("sg-2"), client="203.0.113.5")) is None
    verdict = stage.on_request(exchange(headers=bearer("sg-2"), client="192.0.2.1"))
    assert "may not be used from 192.0.2.1" in refused(verdict, errors.ADDRESS_NOT_ALLOWED)


@pytest.mark.parametrize("headers", [bearer("sk-sg-one"), {b"x-api-key": b"sk-sg-one"}])
def test_a_key_of_the_database(headers: dict[bytes, bytes]) -> None:
    used: list[str] = []
    stage = Identity(FILE, keys(), used=used.append)
    for _ in range(3):
        x = exchange(headers=headers)
        assert stage.on_request(x) is None
        assert (x.principal.name, x.principal.kind, x.principal.id) == ("one", "key", "k")
    assert used == ["k"]
    stage.recent.rotate()
    stage.on_request(exchange(headers=headers))
    assert used == ["k", "k"], "said once more after each rotation"
    refused(stage.on_request(exchange(headers=bearer("sk-sg-two"))), errors.UNAUTHENTICATED)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({b"x-api-key": b"sg-1"}, {b"authorization": b"sg-1"}),
        ({b"authorization": b"Bearer sg-1"}, {b"x-api-key": b"Bearer sg-1"}),
        ({b"x-api-key": b"sg-1"}, {b"authorization": b"Basic eA==", b"x-api-key": b"sg-1"}),
    ],
)
def test_what_is_remembered_of_one_header_does_not_count_for_the_other(
    good: dict[bytes, bytes], bad: dict[bytes, bytes]
) -> None:
    stage = Identity(FILE)
    for _ in range(2):
        assert stage.on_request(exchange(headers=good)) is None
        refused(stage.on_request(exchange(headers=bad)), errors.UNAUTHENTICATED)
    assert len(stage.recent) == 1


def test_a_revoked_key_stops_at_once() -> None:
    table = keys()
    stage = Identity(FILE, table)
    assert stage.on_request(exchange(headers=bearer("sk-sg-one"))) is None
    table.apply("key", "k.0", None)
    for _ in range(2):
        refused(stage.on_request(exchange(headers=bearer("sk-sg-one"))), errors.UNAUTHENTICATED)
        stage.recent.rotate()


def test_what_changes_about_a_key_counts_at_once() -> None:
    table = keys(team="sales")
    stage = Identity(FILE, table)
    stage.on_request(exchange(headers=bearer("sk-sg-one")))
    digest = hmac.digest(SECRET, b"sk-sg-one", "sha256").hex()
    table.apply("key", "k.0", KeyRow(id="k", digest=digest, name="one", team="support"))
    x = exchange(headers=bearer("sk-sg-one"))
    assert stage.on_request(x) is None
    assert x.principal.team == "support"


def test_a_key_has_its_time() -> None:
    stage = Identity(FILE, keys(starts_at=NOW - 10, expires_at=NOW + 10))
    early, good, late = (
        exchange(headers=bearer("sk-sg-one"), admitted_at=at) for at in (NOW - 10.5, NOW, NOW + 10)
    )
    assert "not valid yet" in refused(stage.on_request(early), errors.UNAUTHENTICATED)
    assert stage.on_request(good) is None
    for _ in range(2):
        assert "expired" in refused(stage.on_request(late), errors.KEY_EXPIRED)
        stage.recent.rotate()


def test_not_knowing_is_not_refusing() -> None:
    stage = Identity(FILE, KeyTable(), unavailable=lambda: "the keys have not been read yet")
    verdict = stage.on_request(exchange(headers=bearer("sk-sg-one")))
    assert "the keys have not been read yet" in refused(verdict, errors.IDENTITY_UNAVAILABLE)
    assert stage.on_request(exchange(headers=bearer("sg-1"))) is None
    refused(stage.on_request(exchange()), errors.UNAUTHENTICATED)


class Waiting:
    """Tokens of an issuer whose keys come when they are asked for, or not."""

    def __init__(self, comes: bool) -> None:
        self.here = False
        self.comes = comes
        self.asked = 0

    def look_at(self, secret: bytes, now: float) -> Known | Reply | Absent | None:
        if secret != b"token":
            return None
        return Known(Principal("ann", "i|ann", "jwt", team="sales"), until=NOW + 5) if self.here else self

    def fetched(self) -> Awaitable[None]:
        return self._fetch()

    async def _fetch(self) -> None:
        self.asked += 1
        self.here = self.comes

    def reply(self) -> Reply:
        return Reply(error=errors.IDENTITY_UNAVAILABLE)


async def waited(verdict: Verdict) -> Reply | None:
    assert isinstance(verdict, Wait)
    return await verdict.awaitable


@pytest.mark.parametrize("comes", [True, False])
def test_a_token_whose_key_is_not_here_waits_for_it(comes: bool) -> None:
    tokens = Waiting(comes)
    stage = Identity(FILE, tokens=tokens)
    x = exchange(headers=bearer("token"))
    reply = asyncio.run(waited(stage.on_request(x)))
    assert (reply is None, x.principal.name, tokens.asked) == (comes, "ann" if comes else "", 1)
    if comes:
        again = exchange(headers=bearer("token"))
        assert stage.on_request(again) is None
        assert again.principal is x.principal
        refused(stage.on_request(exchange(headers=bearer("token"), admitted_at=NOW + 5)), errors.KEY_EXPIRED)


def test_a_secret_that_is_no_token_is_an_unknown_key() -> None:
    stage = Identity(FILE, tokens=Waiting(True))
    refused(stage.on_request(exchange(headers=bearer("other"))), errors.UNAUTHENTICATED)


MTLS = Certificates([Certificate(san="*.acme.example", organisation="acme", team="sales")])
ACME = Peer(subject="CN=shop", common_name="shop", dns=("shop.acme.example",))
OTHER = Peer(subject="CN=else", common_name="else", dns=("else.example",))


def by_peer(stage: Identity, peer: Peer | None, headers: dict[bytes, bytes]) -> tuple[Verdict, Exchange]:
    x = exchange(headers=headers, peer=peer)
    return stage.on_request(x), x


def test_a_certificate_speaks_where_neither_key_nor_token_does() -> None:
    stage = Identity(FILE, certificates=MTLS)
    verdict, x = by_peer(stage, ACME, {})
    assert verdict is None
    assert (x.principal.name, x.principal.kind, x.principal.team) == ("shop", "mtls", "sales")
    verdict, x = by_peer(stage, ACME, bearer("sg-1"))
    assert (verdict, x.principal.name) == (None, "app")
    verdict, x = by_peer(stage, ACME, bearer("sg-9"))
    refused(verdict, errors.UNAUTHENTICATED)
    assert "stands for nobody" in refused(by_peer(stage, OTHER, {})[0], errors.UNAUTHENTICATED)
    assert "No API key" in refused(by_peer(stage, None, {})[0], errors.UNAUTHENTICATED)


def test_a_certificate_says_nothing_where_no_rule_is_configured() -> None:
    assert "No API key" in refused(by_peer(Identity(FILE), ACME, {})[0], errors.UNAUTHENTICATED)


def test_a_certificate_that_has_expired_meanwhile() -> None:
    stage = Identity(FILE, certificates=MTLS)
    old = Peer(subject="CN=shop", dns=("shop.acme.example",), expires_at=NOW - 1)
    refused(by_peer(stage, old, {})[0], errors.UNAUTHENTICATED)


def test_both_are_demanded() -> None:
    stage = IdentityByBoth(FILE, certificates=MTLS)
    verdict, x = by_peer(stage, ACME, bearer("sg-3"))
    assert (verdict, x.principal.name) == (None, "web")
    assert "No API key" in refused(by_peer(stage, ACME, {})[0], errors.UNAUTHENTICATED)
    assert "certificate is required" in refused(
        by_peer(stage, None, bearer("sg-3"))[0], errors.UNAUTHENTICATED
    )
    refused(by_peer(stage, OTHER, bearer("sg-3"))[0], errors.UNAUTHENTICATED)
    refused(by_peer(stage, ACME, bearer("sg-9"))[0], errors.UNAUTHENTICATED)
    for _ in range(2):
        verdict, x = by_peer(stage, ACME, bearer("sg-1"))
        assert "does not belong to the holder" in refused(verdict, errors.ACCESS_DENIED)
        assert x.principal is ANONYMOUS


def test_both_are_demanded_and_no_rule_says_whose_a_certificate_is() -> None:
    stage = IdentityByBoth(FILE)
    assert by_peer(stage, OTHER, bearer("sg-1"))[0] is None
    refused(by_peer(stage, None, bearer("sg-1"))[0], errors.UNAUTHENTICATED)


@pytest.mark.parametrize("team", ["sales", "support"])
def test_both_are_demanded_of_who_waits_too(team: str) -> None:
    rules = Certificates([Certificate(san="*.acme.example", team=team)])
    stage = IdentityByBoth(FILE, tokens=Waiting(True), certificates=rules)
    x = exchange(headers=bearer("token"), peer=ACME)
    reply = asyncio.run(waited(stage.on_request(x)))
    assert (reply is None) is (team == "sales")
