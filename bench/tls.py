"""The certificate of a run: self-made, for loopback, thrown away with the work folder."""

from __future__ import annotations

from pathlib import Path

import trustme


def make_certificate(folder: Path) -> None:
    """Write ``certificate.pem`` (with its chain) and ``key.pem`` (ECDSA P-256) for 127.0.0.1 and localhost."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    (folder / "certificate.pem").write_bytes(chain)
    key = folder / "key.pem"
    key.touch(mode=0o600)
    key.write_bytes(certificate.private_key_pem.bytes())
