"""The certificates of a run: self-made, for loopback, thrown away with the work folder."""

from __future__ import annotations

from pathlib import Path

import trustme

CLIENT = "client.bench.example"
"""What the client's certificate says of its holder: a DNS name."""


def make_certificates(folder: Path) -> None:
    """Write ``certificate.pem`` (with its chain) and ``key.pem`` (ECDSA P-256) for 127.0.0.1 and localhost, those of a
    client (``client.pem``, ``client-key.pem``), and ``ca.pem``, the authority of both."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    _write(folder, "certificate.pem", "key.pem", authority.issue_cert("127.0.0.1", "localhost"))
    _write(folder, "client.pem", "client-key.pem", authority.issue_cert(CLIENT))


def _write(folder: Path, certificate: str, key: str, leaf: trustme.LeafCert) -> None:
    (folder / certificate).write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    path = folder / key
    path.touch(mode=0o600)
    path.write_bytes(leaf.private_key_pem.bytes())
