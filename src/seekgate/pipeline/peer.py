"""Who a client certificate says the caller is."""

from __future__ import annotations

from typing import Literal

import msgspec


class Peer(msgspec.Struct, frozen=True, gc=False):
    """The holder of a client certificate that was verified, by the listener itself (``source`` ``handshake``) or by a
    proxy that is believed about it (``xfcc``).

    ``subject`` and ``issuer`` are distinguished names as text (RFC 4514, the most specific part first); ``dns``,
    ``emails`` and ``uris`` are the certificate's alternative names in its order; ``spiffe`` is the SPIFFE id when
    exactly one URI is one, else empty. ``serial`` is the serial number in lower-case hex without leading zeros,
    ``fingerprint`` the SHA-256 of the DER in lower-case hex, ``expires_at`` Unix seconds.

    A proxy may leave out any of these (empty, or 0). A peer is shared by all requests of its connection and never
    changed.
    """

    subject: str = ""
    common_name: str = ""
    dns: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    spiffe: str = ""
    serial: str = ""
    fingerprint: str = ""
    source: Literal["handshake", "xfcc"] = "handshake"
    issuer: str = ""
    expires_at: float = 0.0


def spiffe_id(uris: tuple[str, ...]) -> str:
    """The SPIFFE id among a certificate's URIs: an X.509-SVID has exactly one (SPIFFE X509-SVID, 2), and a certificate
    with several has none that could be relied on."""
    found = [uri for uri in uris if uri.startswith("spiffe://")]
    return found[0] if len(found) == 1 else ""
