from __future__ import annotations

import datetime

import pytest

from seekgate.cli.authority import Authority
from seekgate.config.expiry import expiries


def test_everything_in_a_file_has_its_end() -> None:
    authority = Authority("the authority", days=10)
    file = (
        authority.certificate
        + b"text between\n"
        + authority.issue("a", days=5).certificate
        + authority.revocations(days=2)
    )
    now = datetime.datetime.now(datetime.UTC)
    assert [(name, round((end - now) / datetime.timedelta(days=1))) for name, end in expiries(file)] == [
        ("the certificate CN=the authority", 10),
        ("the certificate CN=a", 5),
        ("the revocation list of CN=the authority", 2),
    ]


def test_other_things_in_a_file() -> None:
    assert list(expiries(b"")) == []
    assert list(expiries(Authority("a").issue("b").key)) == []
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with pytest.raises(ValueError, match=r".+"):
        list(expiries(broken))
