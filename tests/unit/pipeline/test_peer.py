"""What is said of a certificate's holder, from its handshake and from a proxy."""

from __future__ import annotations

import base64
import datetime
import gc
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from seekgate.pipeline import peer as module
from seekgate.pipeline.peer import Peer, Peers, of_certificate, of_element, spiffe_id
from seekgate.wire.xfcc import Element, parse

EXPIRES = datetime.datetime(2100, 1, 2, tzinfo=datetime.UTC)


def certificate(names: list[x509.GeneralName], common_name: str = "张三, team-a") -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@example.com"),
        ]
    )
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the authority")])
    builder = x509.CertificateBuilder(
        issuer, subject, key.public_key(), 0xAB12, datetime.datetime(2020, 1, 1), EXPIRES
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


NAMES = [
    x509.UniformResourceIdentifier("spiffe://td/ns/a/sa/b"),
    x509.DNSName("a.example"),
    x509.DNSName("b.example"),
    x509.RFC822Name("a@example.com"),
]


def test_a_peer_is_not_tracked_and_never_changes() -> None:
    peer = Peer(common_name="team-a")
    assert not gc.is_tracked(peer)
    with pytest.raises(AttributeError):
        peer.common_name = "team-b"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("uris", "expected"),
    [
        ((), ""),
        (("https://a.example",), ""),
        (("https://a.example", "spiffe://td/ns/a/sa/b"), "spiffe://td/ns/a/sa/b"),
        (("spiffe://td/a", "spiffe://td/b"), ""),
    ],
)
def test_one_spiffe_id_or_none(uris: tuple[str, ...], expected: str) -> None:
    assert spiffe_id(uris) == expected


def test_everything_a_certificate_says() -> None:
    der = certificate(NAMES)
    assert of_certificate(der) == Peer(
        subject="emailAddress=a@example.com,CN=张三\\, team-a,O=Example",
        common_name="张三, team-a",
        dns=("a.example", "b.example"),
        emails=("a@example.com",),
        uris=("spiffe://td/ns/a/sa/b",),
        spiffe="spiffe://td/ns/a/sa/b",
        serial="ab12",
        fingerprint=hashlib.sha256(der).hexdigest(),
        issuer="CN=the authority",
        expires_at=EXPIRES.timestamp(),
    )


def test_a_certificate_that_cannot_be_read_names_nobody() -> None:
    assert of_certificate(b"junk") == Peer(fingerprint=hashlib.sha256(b"junk").hexdigest())
    assert of_certificate(certificate([])).dns == ()


def test_a_certificate_of_a_version_that_there_is_not_names_nobody() -> None:
    der = certificate(NAMES).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x04", 1)
    assert of_certificate(der) == Peer(fingerprint=hashlib.sha256(der).hexdigest())
    text = base64.b64encode(der).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    assert of_element(Element(cert=pem, subject="CN=admin")) is None


def test_a_proxy_that_forwards_the_certificate_is_not_read_beside_it() -> None:
    der = certificate(NAMES)
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()
    element = Element(cert=pem, subject="CN=admin", uris=("spiffe://td/admin",))
    found = of_element(element)
    assert found is not None
    assert (found.spiffe, found.source, found.serial) == ("spiffe://td/ns/a/sa/b", "xfcc", "ab12")
    assert of_element(Element(cert=pem, hash=found.fingerprint)) == found
    assert of_element(Element(cert=pem, hash="0" * 64)) is None
    assert of_element(Element(cert="junk", subject="CN=admin")) is None


def test_what_a_proxy_says_in_words() -> None:
    element = parse(
        rf'By=spiffe://td/gate;Hash={"0a" * 32};Subject="CN=\E5\BC\A0,O=x";URI=spiffe://td/a;DNS=d'.encode()
    )[0]
    assert of_element(element) == Peer(
        subject="CN=张,O=x",
        common_name="张",
        dns=("d",),
        uris=("spiffe://td/a",),
        spiffe="spiffe://td/a",
        fingerprint="0a" * 32,
        source="xfcc",
    )
    assert of_element(parse(b'By=spiffe://td/gate;Subject=""')[0]) is None


def test_each_is_read_once_and_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def counted(der: bytes) -> Peer:
        read.append(der)
        return Peer(fingerprint=der.hex())

    monkeypatch.setattr(module, "of_certificate", counted)
    peers = Peers(limit=2)
    assert peers.certificate(b"a") is peers.certificate(b"a")
    peers.certificate(b"b")
    peers.certificate(b"c")
    peers.certificate(b"b")
    peers.certificate(b"a")
    assert read == [b"a", b"b", b"c", b"a"]


def test_the_last_element_counts() -> None:
    peers = Peers()
    found = peers.forwarded(b"URI=spiffe://td/admin, URI=spiffe://td/a")
    assert found is not None
    assert found.spiffe == "spiffe://td/a"
    assert peers.forwarded(b"URI=spiffe://td/admin, URI=spiffe://td/a") is found
    assert peers.forwarded(b"nonsense") is None
