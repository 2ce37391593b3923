"""Certificates of an authority of the test's own, as the files that a listener or a client is configured with."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import trustme

from seekgate.cli.authority import Authority as TestAuthority
from seekgate.cli.authority import Issued
from seekgate.config.snapshot import Pair, Tls


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


class Pki:
    """An authority whose certificates, server's and clients', can expire and be revoked; its files in a folder."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.crl = folder / "crl.pem"
        self._issued: dict[str, Issued] = {}
        self.renew(name)

    def renew(self, name: str = "authority") -> None:
        """A new authority at the same paths; it has revoked nothing."""
        self.authority = TestAuthority(name)
        replace(self.ca, self.authority.certificate)
        self.revoke()

    def issue(self, name: str, **more: Any) -> Pair:
        """A new pair at these paths; what was there is replaced. A server's is for 127.0.0.1 and localhost."""
        if more.get("server"):
            more.setdefault("hosts", ["127.0.0.1", "localhost"])
        issued = self._issued[name] = self.authority.issue(name, **more)
        pair = Pair(str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key"))
        replace(Path(pair.key), issued.key)
        replace(Path(pair.certificate), issued.certificate)
        return pair

    def revoke(self, *names: str, days: float = 30) -> None:
        """Write the list of what is revoked: these, and nothing else."""
        replace(self.crl, self.authority.revocations([self._issued[name] for name in names], days))

    def tls(self, name: str = "server", **more: Any) -> Tls:
        """A listener's settings that ask for client certificates of this authority."""
        pair = self.issue(name, server=True)
        asked = {"client_certificates": "required", "client_ca": str(self.ca), "crl": str(self.crl)}
        return Tls(pair.certificate, pair.key, **{**asked, **more})

    def client(self, pair: Pair | None = None) -> ssl.SSLContext:
        """A client that trusts this authority and shows a certificate."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if pair is not None:
            context.load_cert_chain(pair.certificate, pair.key)
        return context


def replace(path: Path, content: bytes) -> None:
    """Whole at once, as tools that renew certificates do it."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.replace(path)
