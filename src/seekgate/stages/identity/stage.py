"""Identity: who calls.

A caller presents an API key or a token as ``Authorization: Bearer …`` (OpenAI's SDKs) or ``x-api-key`` (Anthropic's),
or a client certificate. What it presented lately and was right is one look-up and one comparison (`Recent`); everything
else takes the long way.

Not knowing is not refusing: where the keys have not been read or an issuer's keys cannot be had, the answer is 503 and
not 401, because that is our fault and a client that throws its key away would not help.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.principal import ANONYMOUS, Principal
from seekgate.pipeline.stage import Reply, Stage, Verdict, Wait
from seekgate.stages.identity.certificates import Certificates
from seekgate.stages.identity.state import FileKeys, KeyTable, Known, Recent
from seekgate.wire import errors

PREFIX = b"sk-sg-"
"""How keys begin that ``seekgate keys create`` makes."""

_API_KEY = b"\0"
"""What `Recent` knows ``x-api-key`` with. No field's value has NUL (RFC 9110, section 5.5), so that such an entry is
never taken for an ``Authorization``."""

_BEARER = (b"WWW-Authenticate", b"Bearer")
_INVALID = (b"WWW-Authenticate", b'Bearer error="invalid_token"')

_MISSING = Reply(
    error=errors.UNAUTHENTICATED,
    message="No API key was given. Send it as 'Authorization: Bearer YOUR_KEY'.",
    headers=(_BEARER,),
)
_UNKNOWN = Reply(
    error=errors.UNAUTHENTICATED,
    message="The API key is not known here. Check that the client uses a key of this gateway.",
    headers=(_INVALID,),
)
_EXPIRED = Reply(
    error=errors.KEY_EXPIRED,
    message="The API key has expired. Ask for a new one, or for the old one to be rotated.",
    headers=(_INVALID,),
)
_EARLY = Reply(error=errors.UNAUTHENTICATED, message="The API key is not valid yet.", headers=(_INVALID,))
_NO_CERTIFICATE = Reply(
    error=errors.UNAUTHENTICATED,
    message="A client certificate is required here besides the API key, and none was presented.",
    headers=(_BEARER,),
)
_STRANGE_CERTIFICATE = Reply(
    error=errors.UNAUTHENTICATED,
    message="The client certificate stands for nobody who may call here.",
    headers=(_BEARER,),
)
_NOT_TOGETHER = Reply(
    error=errors.ACCESS_DENIED, message="The API key does not belong to the holder of the client certificate."
)


class Absent(Protocol):
    """What a token needs and is not here: keys of its issuer."""

    def fetched(self) -> Awaitable[None]:
        """Done when the issuer's keys have been asked for once more, well or not."""
        ...

    def reply(self) -> Reply:
        """The answer if they did not come, or the token's key is not among them."""
        ...


class Tokens(Protocol):
    """What checks signed tokens (`seekgate.stages.identity.tokens`)."""

    def look_at(self, secret: bytes, now: float) -> Known | Reply | Absent | None:
        """Whose token this is, why it is refused, or what it needs; None: it is no token."""
        ...


def _nothing_wrong() -> str:
    return ""


def _nobody(_: str) -> None:
    return None


class Identity(Stage):
    """Set ``principal``, or refuse.

    ``unavailable`` says why a key that is not found may exist all the same; "" when it may not. ``used`` is told the
    ids of keys of the database that are used, each at least once while `Recent` is not rotated.
    """

    __slots__ = ("_certificates", "_file", "_keys", "_tokens", "_unavailable", "_used", "recent")

    def __init__(
        self,
        file: FileKeys,
        keys: KeyTable | None = None,
        tokens: Tokens | None = None,
        certificates: Certificates | None = None,
        unavailable: Callable[[], str] = _nothing_wrong,
        used: Callable[[str], None] = _nobody,
    ) -> None:
        self._file = file
        self._keys = KeyTable() if keys is None else keys
        self._tokens = tokens
        self._certificates = certificates
        self._unavailable = unavailable
        self._used = used
        self.recent = Recent()

    def on_request(self, x: Exchange) -> Verdict:
        """401 without a known key, token or certificate, 403 from a network that the key does not allow, 503 where it
        cannot be found out."""
        headers = x.request.headers
        known = self.recent.get(headers.get(b"authorization") or _API_KEY + headers.get(b"x-api-key", b""))
        if known is None or known.until <= x.admitted_at:
            return self._identify(x)
        if known.networks and not known.allowed_from(x.client):
            return _elsewhere(x, known)
        x.principal = known.principal
        return None

    def _identify(self, x: Exchange) -> Verdict:
        presented, secret = _presented(x)
        if not secret:
            return self._without_secret(x)
        known = self.recent.older(presented)
        if known is not None and known.until > x.admitted_at:
            return self._admit(x, presented, known)
        found = self._look_up(secret, x.admitted_at)
        if isinstance(found, Known):
            return self._admit(x, presented, found)
        if isinstance(found, Reply):
            return found
        return Wait(self._fetched(x, presented, secret, found))

    def _look_up(self, secret: bytes, now: float) -> Known | Reply | Absent:
        keys = self._keys
        # One of ours is most likely the database's: there it is looked for first, and hashed once only.
        ours = keys.hash is not None and secret.startswith(PREFIX)
        found = keys.find(secret) if ours else None
        if found is None:
            found = self._file.find(secret)
        if found is None and not ours and keys.hash is not None:
            found = keys.find(secret)
        if found is None and self._tokens is not None:
            looked = self._tokens.look_at(secret, now)
            if looked is not None:
                return looked
        if found is not None:
            return found
        reason = self._unavailable()
        return _UNKNOWN if not reason else _unavailable(reason)

    async def _fetched(self, x: Exchange, presented: bytes, secret: bytes, absent: Absent) -> Reply | None:
        await absent.fetched()
        found = self._look_up(secret, x.admitted_at)
        if isinstance(found, Known):
            return self._admit(x, presented, found)
        return found if isinstance(found, Reply) else found.reply()

    def _admit(self, x: Exchange, presented: bytes, known: Known) -> Reply | None:
        if known.until <= x.admitted_at:
            return _EXPIRED
        if known.since > x.admitted_at:
            return _EARLY
        if known.networks and not known.allowed_from(x.client):
            return _elsewhere(x, known)
        self.recent.put(presented, known)
        if known.principal.kind == "key":
            self._used(known.principal.id)
        x.principal = known.principal
        return None

    def _without_secret(self, x: Exchange) -> Reply | None:
        holder = self._holder(x)
        if holder is None:
            return _MISSING
        if isinstance(holder, Reply):
            return holder
        x.principal = holder.principal
        return None

    def _holder(self, x: Exchange) -> Known | Reply | None:
        """Whom the client certificate stands for; None: none was presented, or none means anything here."""
        if self._certificates is None or x.peer is None:
            return None
        holder = self._certificates.find(x.peer)
        return _STRANGE_CERTIFICATE if holder is None or holder.until <= x.admitted_at else holder


class IdentityByBoth(Identity):
    """A caller must show a certificate and a key or token that belong together: what the certificate's rule says of
    organisation, team and application must be so of the key. Without rules every verified certificate will do."""

    __slots__ = ()

    def on_request(self, x: Exchange) -> Verdict:
        """As `Identity`; 401 without a certificate too, 403 for a key of somebody else."""
        if x.peer is None:
            return _NO_CERTIFICATE
        holder = self._holder(x)
        if isinstance(holder, Reply):
            return holder
        verdict = super().on_request(x)
        if holder is None or isinstance(verdict, Reply):
            return verdict
        if isinstance(verdict, Wait):
            return Wait(_then(verdict.awaitable, x, holder.principal))
        return _together(x, holder.principal)

    def _without_secret(self, x: Exchange) -> Reply | None:
        return _MISSING


async def _then(first: Awaitable[Reply | None], x: Exchange, holder: Principal) -> Reply | None:
    return await first or _together(x, holder)


def _together(x: Exchange, holder: Principal) -> Reply | None:
    caller = x.principal
    for mine, theirs in (
        (holder.organisation, caller.organisation),
        (holder.team, caller.team),
        (holder.application, caller.application),
    ):
        if mine and mine != theirs:
            x.principal = ANONYMOUS
            return _NOT_TOGETHER
    return None


def _presented(x: Exchange) -> tuple[bytes, bytes]:
    """What `Recent` knows a caller by, and the secret in it."""
    headers = x.request.headers
    presented = headers.get(b"authorization", b"")
    if presented[:7].lower() == b"bearer ":
        return presented, presented[7:].strip()
    if presented:
        return b"", b""
    secret = headers.get(b"x-api-key", b"")
    return _API_KEY + secret, secret


def _elsewhere(x: Exchange, known: Known) -> Reply:
    return Reply(
        error=errors.ADDRESS_NOT_ALLOWED,
        message=f"The API key '{known.principal.name}' may not be used from {x.client}.",
    )


def _unavailable(reason: str) -> Reply:
    return Reply(
        error=errors.IDENTITY_UNAVAILABLE,
        message=f"Who is calling cannot be checked at the moment: {reason}. It is not your fault.",
    )
