from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from seekgate.cli.authority import Authority


def test_what_is_issued_is_what_was_asked_for() -> None:
    authority = Authority("the authority")
    issued = authority.issue("a", hosts=["localhost", "::1"], uris=["spiffe://td/a"], client=True, days=2)
    certificate = issued.parsed
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["::1"]
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://td/a"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=1) < left <= datetime.timedelta(days=2)


def test_a_certificate_that_has_expired_was_valid_once() -> None:
    certificate = Authority("x").issue("a", days=-3).parsed
    assert (
        certificate.not_valid_before_utc
        < certificate.not_valid_after_utc
        < datetime.datetime.now(datetime.UTC)
    )


def test_what_is_revoked() -> None:
    authority = Authority("x")
    one, other = authority.issue("one"), authority.issue("other")
    revoked = x509.load_pem_x509_crl(authority.revocations([one]))
    assert revoked.is_signature_valid(x509.load_pem_x509_certificate(authority.certificate).public_key())  # type: ignore[arg-type]
    assert revoked.get_revoked_certificate_by_serial_number(one.parsed.serial_number) is not None
    assert revoked.get_revoked_certificate_by_serial_number(other.parsed.serial_number) is None
