"""Key sets: which keys are taken, for which algorithms, and what happens to those that go."""

from __future__ import annotations

from typing import Any

import pytest

from seekgate.pipeline.principal import Principal
from seekgate.stages.identity.jwks import MAX_KEYS, KeySetError, succeed
from seekgate.stages.identity.state import Known
from tests.support.tokens import document, jwk

RSA = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


def algorithms(entry: dict[str, Any]) -> set[str]:
    """What the key of this entry may be used with; a second key keeps the set from being empty."""
    keys = succeed(None, document(entry, jwk("EdDSA", "spare")))
    return {name for key in keys.keys if key.kid != "spare" for name in key.algorithms}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (jwk("RS256"), RSA),
        (jwk("RS256", use="sig"), RSA),
        (jwk("RS256", key_ops=["verify", "sign"]), RSA),
        (jwk("RS256", alg="PS384"), {"PS384"}),
        (jwk("RS256", alg="RS256", x5c=["MIIB"], x5t="a"), {"RS256"}),
        (jwk("ES256"), {"ES256"}),
        (jwk("ES384"), {"ES384"}),
        (jwk("ES512"), {"ES512"}),
        (jwk("EdDSA"), {"EdDSA"}),
        (jwk("RS256", alg="HS256"), set()),
        (jwk("RS256", alg="none"), set()),
        (jwk("RS256", alg=["RS256"]), set()),
        (jwk("RS256", alg="ES256"), set()),
        (jwk("RS256", use="enc"), set()),
        (jwk("RS256", key_ops=["encrypt"]), set()),
        (jwk("RS256", key_ops=None), RSA),
        (jwk("RS256", key_ops=5), set()),
        (jwk("RS256", key_ops="verify"), set()),
        (jwk("ES256", crv=[]), set()),
        (jwk("EdDSA", crv={}), set()),
        (jwk("RS256", kid=None) | {"kid": 7}, set()),
        (jwk("weak"), set()),
        (jwk("ES256", crv="secp256k1"), set()),
        (jwk("ES256", crv="P-384"), set()),
        (jwk("ES256", y=jwk("ES256")["x"]), set()),
        (jwk("EdDSA", crv="X25519"), set()),
        (jwk("EdDSA", x="AAAA"), set()),
        (jwk("RS256", n="!!"), set()),
        ({"kty": "oct", "k": "c2VjcmV0", "kid": "one"}, set()),
        ({"kty": "RSA", "kid": "one"}, set()),
        ({"kty": ["RSA"]}, set()),
        ({}, set()),
    ],
)
def test_which_keys_are_taken(entry: dict[str, Any], expected: set[str]) -> None:
    assert algorithms(entry) == expected


def test_a_private_key_that_was_published_is_only_used_for_checking() -> None:
    import json

    import jwt

    from tests.support.tokens import private

    entry = json.loads(jwt.get_algorithm_by_name("RS256").to_jwk(private("RS256")))
    assert "d" in entry
    keys = succeed(None, document({**entry, "kid": "one", "key_ops": ["verify"]}))
    assert not hasattr(keys.keys[0]._key, "sign")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [17, null]}', b"\xff", b"[" * 5000,
        document({"kty": "oct", "k": "c2VjcmV0"}), document(*[jwk("EdDSA", str(n)) for n in range(MAX_KEYS + 1)]),
    ],
)  # fmt: skip
def test_what_is_no_usable_key_set(data: bytes) -> None:
    before = succeed(None, document(jwk("RS256")))
    known = Known(Principal("ann"))
    before.keys[0].verified.add(known)
    with pytest.raises(KeySetError):
        succeed(before, data)
    assert known.until > 0.0


def test_keys_by_kid_and_algorithm() -> None:
    keys = succeed(
        None, document(jwk("RS256", "a"), jwk("ES256", "a"), jwk("RS256", "b", 7), jwk("EdDSA", None))
    )
    assert len(keys.find("a", "RS256")) == len(keys.find("a", "ES256")) == len(keys.find("b", "PS512")) == 1
    assert keys.find("c", "RS256") == keys.find("a", "EdDSA") == []
    assert len(keys.find(None, "RS256")) == 2
    assert len(keys.find(None, "EdDSA")) == 1


def test_keys_that_stay_stay_the_same_and_others_are_withdrawn() -> None:
    before = succeed(None, document(jwk("RS256", "a"), jwk("RS256", "b", 7)))
    known = [Known(Principal(key.kid)) for key in before.keys]
    for key, each in zip(before.keys, known, strict=True):
        key.verified.add(each)
    after = succeed(before, document(jwk("ES256", "c"), jwk("RS256", "a")))
    assert after.keys[1] is before.keys[0]
    assert [each.until > 0.0 for each in known] == [True, False]


def test_another_key_under_the_same_kid_is_another_key() -> None:
    before = succeed(None, document(jwk("RS256", "a")))
    known = Known(Principal("ann"))
    before.keys[0].verified.add(known)
    after = succeed(before, document(jwk("RS256", "a", 7)))
    assert after.keys[0] is not before.keys[0]
    assert known.until == 0.0
