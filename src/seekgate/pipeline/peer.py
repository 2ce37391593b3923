"""Who a client certificate says the caller is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from seekgate.wire import xfcc
from seekgate.wire.distinguished import common_name, normalised

Source = Literal["handshake", "xfcc"]


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
    source: Source = "handshake"
    issuer: str = ""
    expires_at: float = 0.0


def spiffe_id(uris: tuple[str, ...]) -> str:
    """The SPIFFE id among a certificate's URIs: an X.509-SVID has exactly one (SPIFFE X509-SVID, 2), and a certificate
    with several has none that could be relied on."""
    found = [uri for uri in uris if uri.startswith("spiffe://")]
    return found[0] if len(found) == 1 else ""


def of_certificate(der: bytes, source: Source = "handshake") -> Peer:
    """The holder of a certificate (DER). One that cannot be read has a fingerprint and no name, so that no rule about
    names fits it."""
    from cryptography import x509  # heavy, and needed only where client certificates are asked for

    fingerprint = hashlib.sha256(der).hexdigest()
    try:
        certificate = x509.load_der_x509_certificate(der)
        subject, issuer = name_text(certificate.subject), name_text(certificate.issuer)
        dns, emails, uris = _alternative_names(certificate)
        return Peer(
            subject=subject,
            common_name=common_name(subject),
            dns=dns,
            emails=emails,
            uris=uris,
            spiffe=spiffe_id(uris),
            serial=f"{certificate.serial_number:x}",
            fingerprint=fingerprint,
            source=source,
            issuer=issuer,
            expires_at=certificate.not_valid_after_utc.timestamp(),
        )
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return Peer(fingerprint=fingerprint, source=source)


def name_text(name: Any) -> str:
    """A ``cryptography`` name as text, with the words that OpenSSL has for its attributes."""
    from cryptography.x509.oid import NameOID

    text: str = name.rfc4514_string(
        {NameOID.EMAIL_ADDRESS: "emailAddress", NameOID.SERIAL_NUMBER: "serialNumber"}
    )
    return text


def _alternative_names(certificate: Any) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), (), ()
    dns, emails, uris = (
        tuple(names.get_values_for_type(kind))
        for kind in (x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier)
    )
    return dns, emails, uris


def of_element(element: xfcc.Element) -> Peer | None:
    """Whom a proxy says its client is; None when it says nothing that names somebody, or contradicts itself.

    If it forwards the certificate itself, everything is read from there: names that stand beside it were put together
    from text that the client had a hand in.
    """
    if element.cert:
        peer = _of_pem(element.cert)
        return None if peer is None or (element.hash and element.hash != peer.fingerprint) else peer
    subject = normalised(element.subject)
    if not (element.hash or subject or element.uris or element.dns):
        return None
    return Peer(
        subject=subject,
        common_name=common_name(subject),
        dns=element.dns,
        uris=element.uris,
        spiffe=spiffe_id(element.uris),
        fingerprint=element.hash,
        source="xfcc",
    )


def _of_pem(pem: str) -> Peer | None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    except (ValueError, x509.InvalidVersion):
        return None
    return of_certificate(der, "xfcc")


class Peers:
    """Those that were read before, ``limit`` of each source at most: the oldest is forgotten first."""

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._certificates: dict[bytes, Peer | None] = {}
        self._headers: dict[bytes, Peer | None] = {}

    def certificate(self, der: bytes) -> Peer:
        """The holder of a certificate that a handshake has verified."""
        digest = hashlib.sha256(der).digest()
        peer = self._known(self._certificates, digest, lambda: of_certificate(der))
        assert peer is not None
        return peer

    def forwarded(self, header: bytes) -> Peer | None:
        """Whom the last element of the header means, the one that the proxy which is believed added itself; None when
        the header is malformed or names nobody."""
        return self._known(self._headers, hashlib.sha256(header).digest(), lambda: _last(header))

    def _known(
        self, kept: dict[bytes, Peer | None], key: bytes, read: Callable[[], Peer | None]
    ) -> Peer | None:
        if key in kept:
            return kept[key]
        peer = read()
        if len(kept) >= self._limit:
            del kept[next(iter(kept))]
        kept[key] = peer
        return peer


def _last(header: bytes) -> Peer | None:
    try:
        return of_element(xfcc.parse(header)[-1])
    except xfcc.XfccError:
        return None
