"""When certificates and revocation lists expire."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

BLOCK = re.compile(rb"-----BEGIN (CERTIFICATE|X509 CRL)-----.+?-----END \1-----", re.DOTALL)


def expiries(pem: bytes) -> Iterator[tuple[str, datetime.datetime]]:
    """What a PEM file holds, in words, and the end of each. Raise `ValueError` for what cannot be read.

    A revocation list that does not say when the next one comes never expires.
    """
    from cryptography import x509  # heavy, and needed only where certificates are named

    for block in BLOCK.finditer(pem):
        if block[1] == b"CERTIFICATE":
            certificate = x509.load_pem_x509_certificate(block[0])
            name = certificate.subject.rfc4514_string() or "without a subject"
            yield f"the certificate {name}", certificate.not_valid_after_utc
        else:
            revoked = x509.load_pem_x509_crl(block[0])
            if revoked.next_update_utc is not None:
                yield f"the revocation list of {revoked.issuer.rfc4514_string()}", revoked.next_update_utc
