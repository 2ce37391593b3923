"""Certificates of an authority of the test's own, as the files that a listener or a client is configured with."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import trustme

from seekgate.config.snapshot import Tls


class Authority:
    """Issues certificates for 127.0.0.1 into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = trustme.CA()
        self.file = folder / "root.pem"
        self.root.cert_pem.write_to_path(self.file)

    def issue(self, name: str, kind: trustme.KeyType = trustme.KeyType.ECDSA) -> Tls:
        """A new pair at these paths; what was there is replaced."""
        issued = self.root.issue_cert("127.0.0.1", common_name=name, key_type=kind)
        pair = Tls(str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key"))
        Path(pair.certificate).write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(pair.key)
        return pair

    def client(self) -> ssl.SSLContext:
        """A client that trusts this authority."""
        context = ssl.create_default_context(cafile=str(self.file))
        context.set_alpn_protocols(["http/1.1"])
        return context

    def shown(self, port: int) -> str:
        """The name in the certificate that a listener on this machine shows. Raise `ssl.SSLError`."""
        with (
            socket.create_connection(("127.0.0.1", port), 30) as plain,
            self.client().wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            found = secure.getpeercert()
        assert found is not None
        return str(dict(pair for names in found["subject"] for pair in names)["commonName"])  # type: ignore[misc]
