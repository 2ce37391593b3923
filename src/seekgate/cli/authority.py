"""A certificate authority for trying things out: it lives as long as its files do, and protects nothing."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey
_SKEW = datetime.timedelta(minutes=5)  # clocks of the two ends differ


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key, both in PEM."""

    certificate: bytes
    key: bytes

    @property
    def parsed(self) -> x509.Certificate:
        """The certificate, read."""
        return x509.load_pem_x509_certificate(self.certificate)


class Authority:
    """An authority with a new key (P-256). ``days`` is how long it is valid."""

    def __init__(self, name: str, days: float = 30) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        now = datetime.datetime.now(datetime.UTC)
        self._certificate = (
            _builder(self._name, self._name, self._key, now, now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def certificate(self) -> bytes:
        """The authority's own certificate, PEM."""
        return self._certificate.public_bytes(Encoding.PEM)

    def issue(
        self,
        name: str,
        *,
        hosts: Iterable[str] = (),
        uris: Iterable[str] = (),
        client: bool = False,
        server: bool = False,
        days: float = 30,
        begins: datetime.datetime | None = None,
    ) -> Issued:
        """A new key (P-256) and a certificate for it. ``hosts`` are DNS names and IP addresses; ``days`` may be
        negative for one that has expired. A ``client`` may identify itself with it, a ``server`` too."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        ends = now + datetime.timedelta(days=days)
        begins = begins or min(now, ends - datetime.timedelta(days=1))
        builder = (
            _builder(_name(name), self._name, key, begins, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH] * client + [ExtendedKeyUsageOID.SERVER_AUTH] * server
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        names = [*map(_host, hosts), *map(x509.UniformResourceIdentifier, uris)]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Issued(certificate.public_bytes(Encoding.PEM), private)

    def revocations(self, revoked: Iterable[Issued] = (), days: float = 30) -> bytes:
        """The authority's revocation list, PEM; the next one is due in ``days`` (negative: it has expired)."""
        now = datetime.datetime.now(datetime.UTC)
        due = now + datetime.timedelta(days=days)
        builder = x509.CertificateRevocationListBuilder(
            self._name, min(now - _SKEW, due - datetime.timedelta(days=1)), due
        ).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        for each in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder(each.parsed.serial_number, now - _SKEW).build()
            )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, begins: datetime.datetime, ends: datetime.datetime
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), begins - _SKEW, ends
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
