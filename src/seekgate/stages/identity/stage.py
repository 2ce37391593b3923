"""Identity: who calls.

A caller presents an API key as ``Authorization: Bearer …`` (OpenAI's SDKs) or ``x-api-key`` (Anthropic's).
"""

from __future__ import annotations

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Verdict
from seekgate.stages.identity.state import KeyTable
from seekgate.wire import errors

_MISSING = Reply(
    error=errors.UNAUTHENTICATED,
    message="No API key was given. Send it as 'Authorization: Bearer YOUR_KEY'.",
    headers=((b"WWW-Authenticate", b"Bearer"),),
)
_UNKNOWN = Reply(
    error=errors.UNAUTHENTICATED,
    message="The API key is not known here. Check that the client uses a key of this gateway.",
    headers=((b"WWW-Authenticate", b'Bearer error="invalid_token"'),),
)


class Identity(Stage):
    """Set ``principal``, or refuse."""

    __slots__ = ("_keys",)

    def __init__(self, keys: KeyTable) -> None:
        self._keys = keys

    def on_request(self, x: Exchange) -> Verdict:
        """401 without a known key, 403 from a network that the key does not allow."""
        presented = x.request.headers.get(b"authorization", b"")
        known = self._keys.presented(presented)
        if known is None:
            if presented.startswith((b"Bearer ", b"bearer ", b"BEARER ")):
                secret = presented[7:].strip()
            else:
                secret = b"" if presented else x.request.headers.get(b"x-api-key", b"")
            if not secret:
                return _MISSING
            known = self._keys.find(secret, presented)
            if known is None:
                return _UNKNOWN
        if known.networks and not known.allowed_from(x.client):
            return Reply(
                error=errors.ADDRESS_NOT_ALLOWED,
                message=f"The API key '{known.principal.name}' may not be used from {x.client}.",
            )
        x.principal = known.principal
        return None
