"""JSON Web Key Sets (RFC 7517): from an issuer's document to the keys that its tokens may be signed with.

Only public keys for signatures are taken: RSA of 2,048 bits and more, the NIST curves of RFC 7518 and the Edwards
curves of RFC 8037. Whatever else a set contains (symmetric keys, keys for encryption, keys of kinds to come) is passed
over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakSet

from seekgate.stages.identity.state import Known

MAX_KEYS = 100
MIN_RSA_BITS = 2048
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_PUBLIC = ("kty", "n", "e", "crv", "x", "y")


class KeySetError(ValueError):
    """The document is no key set, or has no key that can be used; the text says why."""


class VerificationKey:
    """One key. ``verified`` are those whose tokens were found to be signed with it: should the issuer withdraw it,
    they are worth nothing any more."""

    __slots__ = ("_key", "_verify", "algorithms", "identity", "kid", "verified")

    def __init__(
        self, kid: str, algorithms: frozenset[str], identity: str, key: Any, verify: dict[str, Any]
    ) -> None:
        self.kid = kid
        self.algorithms = algorithms
        self.identity = identity
        self._key = key
        self._verify = verify
        self.verified: WeakSet[Known] = WeakSet()

    def signed(self, algorithm: str, content: bytes, signature: bytes) -> bool:
        """Whether ``signature`` over ``content`` was made with this key. ``algorithm`` is one of ``algorithms``."""
        return bool(self._verify[algorithm].verify(content, self._key, signature))

    def withdraw(self) -> None:
        """The issuer does not stand for this key any more, or nobody knows whether it does."""
        for known in self.verified:
            known.until = 0.0
        self.verified.clear()


class KeySet:
    """The keys of one issuer."""

    __slots__ = ("_by_kid", "keys")

    def __init__(self, keys: Iterable[VerificationKey]) -> None:
        self.keys = tuple(keys)
        self._by_kid: dict[str, list[VerificationKey]] = {}
        for key in self.keys:
            self._by_kid.setdefault(key.kid, []).append(key)

    def forget(self) -> None:
        """The keys are too old to rely on: so is every token that was found to be signed with one."""
        for key in self.keys:
            key.withdraw()

    def find(self, kid: str | None, algorithm: str) -> list[VerificationKey]:
        """The keys that a token with this header may be signed with; without ``kid`` every key of that kind."""
        keys = self.keys if kid is None else self._by_kid.get(kid, ())
        return [key for key in keys if algorithm in key.algorithms]


def succeed(old: KeySet | None, document: bytes) -> KeySet:
    """The set that ``document`` describes. Keys that ``old`` had too stay the same objects; others of ``old`` are
    withdrawn. Raise `KeySetError`: then ``old`` is as it was."""
    before = {} if old is None else {(key.kid, key.identity): key for key in old.keys}
    keys = [before.pop((key.kid, key.identity), key) for key in _parse(document)]
    for key in before.values():
        key.withdraw()
    return KeySet(keys)


def _parse(document: bytes) -> list[VerificationKey]:
    try:
        entries = json.loads(document)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeySetError('not a key set: a JSON object with "keys" is expected') from None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise KeySetError(f'"keys" must be a list of at most {MAX_KEYS} keys')
    keys = [key for entry in entries if isinstance(entry, dict) and (key := _key(entry)) is not None]
    if not keys:
        raise KeySetError("it contains no public key that signatures can be checked with")
    return keys


def _key(entry: dict[str, Any]) -> VerificationKey | None:
    uses = entry.get("key_ops")
    if entry.get("use", "sig") != "sig" or not (
        uses is None or (isinstance(uses, list) and "verify" in uses)
    ):
        return None
    kid = entry.get("kid", "")
    algorithms = _algorithms(entry)
    if not isinstance(kid, str) or not algorithms:
        return None
    import jwt.algorithms  # with cryptography; imported where tokens are configured

    public = {name: entry[name] for name in _PUBLIC if name in entry}
    try:
        if entry["kty"] == "RSA":
            key: Any = jwt.algorithms.RSAAlgorithm.from_jwk(public)
            if key.key_size < MIN_RSA_BITS:
                return None
        elif entry["kty"] == "EC":
            key = jwt.algorithms.ECAlgorithm.from_jwk(public)
        else:
            key = jwt.algorithms.OKPAlgorithm.from_jwk(public)
    except (jwt.InvalidKeyError, ValueError, TypeError, KeyError):
        return None
    made = jwt.algorithms.get_default_algorithms()
    verify = {name: made[name] for name in algorithms}
    identity = json.dumps([public, sorted(algorithms)], sort_keys=True)
    return VerificationKey(kid, frozenset(algorithms), identity, key, verify)


def _algorithms(entry: dict[str, Any]) -> set[str]:
    """What a key may be used with: what its kind allows, and of that only ``alg`` if the key names one."""
    kinds: dict[object, Callable[[], set[str]]] = {
        "RSA": lambda: {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
        "EC": lambda: {_CURVES[curve]} if isinstance(curve, str) and curve in _CURVES else set(),
        "OKP": lambda: {"EdDSA"} if curve in ("Ed25519", "Ed448") else set(),
    }
    kty, curve = entry.get("kty"), entry.get("crv")
    able = kinds[kty]() if isinstance(kty, str) and kty in kinds else set()
    named = entry.get("alg")
    return able if named is None else able & {named} if isinstance(named, str) else set()
