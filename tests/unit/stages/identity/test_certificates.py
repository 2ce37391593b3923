"""From certificates to principals."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.config.compiled.identity import Certificate
from seekgate.pipeline.peer import Peer
from seekgate.pipeline.principal import Principal
from seekgate.stages.identity import certificates as module
from seekgate.stages.identity.certificates import Certificates
from seekgate.stages.identity.state import FOREVER

PEER = Peer(
    subject="CN=chat,OU=Billing\\, EU,O=Acme",
    common_name="chat",
    dns=("chat.eu.acme.example", "chat.acme.example"),
    emails=("ops@acme.example",),
    uris=("spiffe://acme.example/ns/prod/sa/chat",),
    spiffe="spiffe://acme.example/ns/prod/sa/chat",
    fingerprint="ab" * 32,
)


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"subject": "CN=chat,OU=Billing\\, EU,O=Acme"}, True),
        ({"subject": "CN=*,OU=*,O=Acme"}, True),
        ({"subject": "CN=*,O=Acme"}, False),
        ({"subject": "CN=chat*"}, False),
        ({"subject": "CN=chat,OU=Billing*,O=Acme"}, True),
        ({"subject": "cn=chat,OU=*,O=Acme"}, False),
        ({"san": "chat.acme.example"}, True),
        ({"san": "CHAT.acme.example"}, True),
        ({"san": "*.acme.example"}, True),
        ({"san": "*.example"}, False),
        ({"san": "*.eu.acme.example"}, True),
        ({"san": "chat.acme.example.evil"}, False),
        ({"san": "chatXacme.example"}, False),
        ({"san": "*@acme.example"}, True),
        ({"san": "ops@*"}, True),
        ({"san": "dev@acme.example"}, False),
        ({"san": "spiffe://acme.example/**"}, True),
        ({"spiffe": "spiffe://acme.example/ns/prod/sa/chat"}, True),
        ({"spiffe": "spiffe://acme.example/ns/*/sa/chat"}, True),
        ({"spiffe": "spiffe://acme.example/ns/*/sa/*"}, True),
        ({"spiffe": "spiffe://acme.example/*"}, False),
        ({"spiffe": "spiffe://acme.example/**"}, True),
        ({"spiffe": "spiffe://acme.example/ns/prod/**"}, True),
        ({"spiffe": "spiffe://acme.example/ns/prod/sa/chat/**"}, False),
        ({"spiffe": "spiffe://acme.exampleX/**"}, False),
        ({"spiffe": "spiffe://acme.example/ns/prod/sa/chat2"}, False),
        ({"spiffe": "spiffe://acme.example/**", "san": "*.acme.example", "subject": "CN=*,OU=*,O=*"}, True),
        ({"spiffe": "spiffe://acme.example/**", "san": "other.example"}, False),
    ],
)
def test_patterns(pattern: dict[str, Any], matches: bool) -> None:
    assert (Certificates([Certificate(**pattern)]).find(PEER) is not None) is matches


def test_the_first_rule_that_matches_counts() -> None:
    rules = Certificates(
        [
            Certificate(san="other.example", team="no"),
            Certificate(
                spiffe="spiffe://acme.example/ns/prod/**",
                organisation="acme",
                team="sales",
                application="shop",
                tier="core",
                roles=("user",),
            ),
            Certificate(san="*.acme.example", team="late"),
        ]
    )
    found = rules.find(PEER)
    assert found is not None
    assert found.principal == Principal(
        PEER.spiffe, PEER.spiffe, "mtls", "acme", "sales", "shop", "core", "", ("user",)
    )
    assert found.until == FOREVER
    assert rules.find(PEER) is found


def test_what_a_holder_is_called() -> None:
    rules = Certificates([Certificate(san="*.acme.example")])
    plain = rules.find(Peer(subject="CN=a,O=Acme", common_name="a", dns=("a.acme.example",)))
    bare = rules.find(Peer(dns=("b.acme.example",), expires_at=50.0))
    assert plain is not None
    assert bare is not None
    assert (plain.principal.name, plain.principal.id) == ("a", "CN=a,O=Acme")
    assert (bare.principal.name, bare.principal.id, bare.until) == ("b.acme.example", "b.acme.example", 50.0)
    named = Certificates([Certificate(san="*.acme.example", name="partner")]).find(PEER)
    assert named is not None
    assert (named.principal.name, named.principal.id) == ("partner", PEER.spiffe)


def test_what_a_proxy_has_told_less_of_is_looked_at_by_itself() -> None:
    rules = Certificates([Certificate(san="*.acme.example")])
    assert rules.find(PEER) is not None
    told = {"fingerprint": PEER.fingerprint, "source": "xfcc"}
    assert rules.find(Peer(**told)) is None  # type: ignore[arg-type]
    assert rules.find(Peer(**told, dns=PEER.dns)) is not None  # type: ignore[arg-type]
    assert rules.find(PEER) is not None


def test_strangers_are_remembered_too_and_everything_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 4)
    rules = Certificates([Certificate(san="*.acme.example")])
    for n in range(20):
        assert rules.find(Peer(dns=(f"{n}.example",))) is None
        assert rules.find(Peer(dns=(f"{n}.example",))) is None
        assert len(rules._known) <= 4
