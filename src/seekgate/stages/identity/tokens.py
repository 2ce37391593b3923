"""JSON Web Tokens (RFC 7519) as callers present them: signed by an issuer that is trusted, for us, and now.

The header of a token is what its presenter likes, so nothing in it is followed: the key is one that the issuer itself
publishes under the header's ``kid``, the algorithm one that this issuer is allowed, and a header that would bring its
own key or another rule (``jku``, ``jwk``, ``x5u``, ``x5c``, ``crit``) is refused (RFC 8725, 3). Everything cheap is
checked first; the signature, which takes most of the time, last. A token that was right is remembered by the stage
until it expires.
"""

from __future__ import annotations

import contextlib
import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Iterable
from typing import Any, Protocol

from seekgate.config.compiled.identity import Issuer
from seekgate.pipeline.stage import Reply
from seekgate.stages.identity.claims import principal
from seekgate.stages.identity.jwks import KeySet
from seekgate.stages.identity.state import Known
from seekgate.wire import errors
from seekgate.wire.errors import ErrorKind

MAX_BYTES = 16_384
ALGORITHMS = frozenset(f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)) | {
    "EdDSA"
}
_FORBIDDEN = ("crit", "jku", "jwk", "x5u", "x5c")
_TYPES = ("jwt", "at+jwt", "application/jwt", "application/at+jwt")


class KeySource(Protocol):
    """Where the keys of one issuer come from, kept up to date by somebody else (`seekgate.gateway.followed`)."""

    @property
    def value(self) -> KeySet | None:
        """The keys as they last came; None: they have never come."""
        ...

    @property
    def trouble(self) -> str:
        """Why the last attempt to fetch them failed; "" if it did not."""
        ...

    def fresh(self, now: float) -> bool:
        """Whether they are not too old to rely on. ``now`` is Unix seconds."""
        ...

    def again(self) -> Awaitable[None]:
        """Done when an attempt to fetch them that begins from now on has ended, well or not."""
        ...


class _Refused(Exception):
    """A token is refused; inside this module only."""

    def __init__(self, message: str, kind: ErrorKind = errors.UNAUTHENTICATED) -> None:
        super().__init__(message)
        self.kind = kind


class Absent:
    """A token whose signature cannot be checked yet: its issuer's keys are not here, or its key is not among them."""

    __slots__ = ("_source", "_unknown")

    def __init__(self, source: KeySource, unknown: bool) -> None:
        self._source = source
        self._unknown = unknown

    def fetched(self) -> Awaitable[None]:
        """Done when the issuer's keys have been asked for once more."""
        return self._source.again()

    def reply(self) -> Reply:
        """401 where the issuer has just been asked and does not publish such a key; 503 where it could not be asked:
        that is not the caller's fault."""
        if self._unknown and not self._source.trouble:
            return _reply("the key that it names is not one of its issuer's")
        return Reply(
            error=errors.IDENTITY_UNAVAILABLE,
            message="The token cannot be checked at the moment: the keys of its issuer cannot be fetched. "
            "It is not your fault.",
        )


class Tokens:
    """Checks tokens of some issuers. ``issuers`` are their settings and where their keys come from."""

    __slots__ = ("_issuers",)

    def __init__(self, issuers: Iterable[tuple[Issuer, KeySource]]) -> None:
        self._issuers = {issuer.issuer: (issuer, source) for issuer, source in issuers}

    def look_at(self, secret: bytes, now: float) -> Known | Reply | Absent | None:
        """Whose token this is, why it is refused, or what is missing to tell; None: it is no token.

        ``now`` is Unix seconds.
        """
        if not secret.startswith(b"eyJ") and secret.count(b".") < 2:
            return None
        try:
            return self._look_at(secret, now)
        except _Refused as refused:
            return _reply(str(refused), refused.kind)

    def _look_at(self, token: bytes, now: float) -> Known | Absent:
        if len(token) > MAX_BYTES:
            raise _Refused(f"it is longer than {MAX_BYTES} bytes")
        parts = token.split(b".")
        if len(parts) != 3:
            raise _Refused("it does not have the three parts of a signed token")
        header, claims = _object(parts[0], "header"), _object(parts[1], "claims")
        algorithm, kid = _check_header(header)
        issuer, source = self._issuer(claims)
        if algorithm not in issuer.algorithms:
            raise _Refused("its algorithm is not one that its issuer may use here")
        until = _check_times(claims, issuer, now)
        _check_audience(claims, issuer)
        who = principal(issuer, claims)
        if who is None:
            raise _Refused("it does not say who its subject is")
        signature = _decoded(parts[2], "signature")
        keys = source.value
        if keys is None or not source.fresh(now):
            return Absent(source, unknown=False)
        for key in keys.find(kid, algorithm):
            if key.signed(algorithm, token[: token.rindex(b".")], signature):
                known = Known(who, until=until)
                key.verified.add(known)
                return known
        if kid is None or not keys.find(kid, algorithm):
            return Absent(source, unknown=True)
        raise _Refused("its signature is wrong")

    def _issuer(self, claims: dict[str, Any]) -> tuple[Issuer, KeySource]:
        name = claims.get("iss")
        found = self._issuers.get(name) if isinstance(name, str) else None
        if found is None:
            raise _Refused("its issuer is not trusted here")
        return found


def _check_header(header: dict[str, Any]) -> tuple[str, str | None]:
    """The algorithm and the key's id."""
    for name in _FORBIDDEN:
        if name in header:
            raise _Refused(f"its header has the field '{name}', which is not accepted")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise _Refused("its algorithm is not accepted: only signatures with RS, PS, ES or EdDSA are")
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise _Refused("the id of its key is not text")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise _Refused("it is not a token for access")
    return algorithm, kid


def _check_times(claims: dict[str, Any], issuer: Issuer, now: float) -> float:
    """Until when it is good, in Unix seconds, with the skew that its issuer's clock is allowed."""
    until = _instant(claims, "exp")
    if until is None:
        raise _Refused("it does not say when it expires")
    if until + issuer.skew <= now:
        raise _Refused("it has expired", errors.KEY_EXPIRED)
    for name, what in (("nbf", "it is not valid yet"), ("iat", "it was issued in the future")):
        instant = _instant(claims, name)
        if instant is not None and instant - issuer.skew > now:
            raise _Refused(what)
    return until + issuer.skew


def _instant(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    number = math.inf
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            number = float(value)
    if not math.isfinite(number):
        raise _Refused(f"its claim '{name}' is not a number")
    return number


def _check_audience(claims: dict[str, Any], issuer: Issuer) -> None:
    audience = claims.get("aud")
    meant = audience if isinstance(audience, list) else [audience]
    if not any(isinstance(each, str) and each in issuer.audiences for each in meant):
        raise _Refused("it was not issued for this gateway")


def _decoded(part: bytes, what: str) -> bytes:
    """Base64url without padding (RFC 7515, 2), and nothing else: no second spelling of the same token."""
    try:
        data = urlsafe_b64decode(part + b"=" * (-len(part) % 4)) if part else b""
    except ValueError:
        data = b""
    if urlsafe_b64encode(data).rstrip(b"=") != part:
        raise _Refused(f"its {what} is not base64url")
    return data


def _object(part: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(_decoded(part, what).decode(), object_pairs_hook=_once, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise _Refused(f"its {what} is not a JSON object, or has the same key twice") from None
    if not isinstance(value, dict):
        raise _Refused(f"its {what} is not a JSON object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same key twice")
    return found


def _constant(name: str) -> Any:
    raise ValueError(name)


def _reply(reason: str, kind: ErrorKind = errors.UNAUTHENTICATED) -> Reply:
    return Reply(
        error=kind,
        message=f"The token is refused: {reason}.",
        headers=((b"WWW-Authenticate", b'Bearer error="invalid_token"'),),
    )
