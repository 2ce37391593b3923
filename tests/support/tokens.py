"""An issuer of tokens that tests play: its keys, its key set, and tokens that are right or forged in one respect."""

from __future__ import annotations

import base64
import hmac
import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from seekgate.config.compiled import identity as compiled

NOW = 1_780_000_000.0
NAME = "https://login.example"
AUDIENCE = "seekgate"


@cache
def private(kind: str, number: int = 0) -> Any:
    """A private key for signatures of this kind, made once: RSA keys take long."""
    if kind.startswith("ES"):
        curves: dict[str, ec.EllipticCurve] = {
            "ES256": ec.SECP256R1(),
            "ES384": ec.SECP384R1(),
            "ES512": ec.SECP521R1(),
        }
        return ec.generate_private_key(curves[kind])
    if kind == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 1024 if kind == "weak" else 2048)


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(kind: str, kid: str | None = "one", number: int = 0, **more: Any) -> dict[str, Any]:
    """The public half of `private` as an issuer publishes it."""
    algorithm = jwt.get_algorithm_by_name("RS256" if kind == "weak" else kind)
    entry: dict[str, Any] = json.loads(algorithm.to_jwk(private(kind, number).public_key()))
    entry.pop("key_ops", None)
    return {**entry, **({} if kid is None else {"kid": kid}), **more}


def document(*keys: dict[str, Any]) -> bytes:
    """A key set."""
    return json.dumps({"keys": list(keys)}).encode()


def claims(**changes: Any) -> dict[str, Any]:
    """Claims that are right at `NOW`; a change to None leaves one out."""
    base = {"iss": NAME, "aud": AUDIENCE, "sub": "ann", "iat": NOW - 10, "exp": NOW + 600, **changes}
    return {name: value for name, value in base.items() if value is not None}


def sign(header: Any, payload: Any, kind: str = "RS256", number: int = 0) -> bytes:
    """A token of exactly these parts (text as it stands, everything else as JSON), truly signed as ``kind``."""
    parts = [
        encoded((part if isinstance(part, str) else json.dumps(part)).encode()) for part in (header, payload)
    ]
    content = ".".join(parts).encode()
    signature = jwt.get_algorithm_by_name(kind).sign(content, private(kind, number))
    return content + b"." + encoded(signature).encode()


def token(kind: str = "RS256", kid: str | None = "one", number: int = 0, **changes: Any) -> bytes:
    """A token that is right, but for what ``changes`` say of its claims."""
    header = {"alg": kind, "typ": "JWT", **({} if kid is None else {"kid": kid})}
    return sign(header, claims(**changes), kind, number)


def with_hmac(header: dict[str, Any], payload: dict[str, Any], secret: bytes) -> bytes:
    """A token with an HMAC where a signature should be."""
    content = ".".join(encoded(json.dumps(part).encode()) for part in (header, payload)).encode()
    return content + b"." + encoded(hmac.digest(secret, content, "sha256")).encode()


def pem(kind: str = "RS256") -> bytes:
    """The public key in the form that a verifier with HMAC would take for a secret."""
    key: bytes = private(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key


def issuer(**changes: Any) -> compiled.Issuer:
    """Settings of the issuer."""
    fields: dict[str, Any] = {
        "issuer": NAME,
        "audiences": (AUDIENCE, "other-name"),
        "jwks": f"{NAME}/keys",
        "algorithms": ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"),
    }
    return compiled.Issuer(**{**fields, **changes})
