"""What `seekgate check` says of the listeners' certificates and of whom they believe."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.certificates import Pki
from tests.support.configuration import MINIMAL, loaded, messages, problems

ENVIRONMENT = {"APP_KEY": "a", "CLOUD_KEY": "b"}
TRUSTED = "trusted_proxies: [10.0.0.0/8]\n"


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    made = Pki(tmp_path)
    made.issue("server", server=True)
    return made


def said(pki: Pki, tls: str, more: str = "", before: str = "") -> list[str]:
    """Without the file's path and line, which are the same for all."""
    text = (
        MINIMAL
        + before
        + f"listen: [{{address: 'h:1', tls: {{certificate: server.pem, key: server.key{tls}}}{more}}}]"
    )
    found = problems(text, ENVIRONMENT, pki.folder, outside=True)
    return [str(problem).removeprefix("<text>:").partition(": ")[2] for problem in found]


MTLS = ", client_certificates: required, client_ca: ca.pem"


def test_nothing_is_wrong(pki: Pki) -> None:
    assert said(pki, "") == []
    assert said(pki, MTLS + ", crl: crl.pem, crl_check: chain") == []
    pki.issue("b", server=True)
    assert said(pki, ", certificates: [{certificate: b.pem, key: b.key}]") == []


def test_what_is_compiled(pki: Pki) -> None:
    secure = f"tls: {{certificate: server.pem, key: server.key{MTLS}}}"
    text = f"{MINIMAL}{TRUSTED}listen: {{address: 'h:1', xfcc_from: [a.example], {secure}}}"
    (listen,) = loaded(text, ENVIRONMENT, pki.folder, outside=True).settings.listen
    assert listen.xfcc_from == ["a.example"]
    assert listen.tls is not None
    assert (listen.tls.min_version, listen.tls.client_certificates, listen.tls.crl_check) == (
        "1.3",
        "required",
        "leaf",
    )


def test_tls_1_2_by_name_only_and_with_a_warning(pki: Pki) -> None:
    assert said(pki, ", min_version: '1.2'") == [
        "listen[0].tls.min_version: warning: TLS 1.2 is spoken here too; leave it out once no client needs it"
    ]
    for other in ("1.1", "1.0"):
        (found,) = said(pki, f", min_version: '{other}'")
        assert found.startswith(
            f"listen[0].tls.min_version: '{other}' is not known here; expected one of 1.3, 1.2"
        )


def test_settings_that_contradict_each_other(pki: Pki) -> None:
    assert said(pki, ", client_certificates: optional") == [
        "listen[0].tls.client_certificates: client certificates are asked for, and nothing says whose are accepted; "
        "expected client_ca beside it"
    ]
    assert said(pki, ", client_ca: ca.pem, crl: crl.pem") == [
        f"listen[0].tls.{name}: no client certificates are asked for here; "
        "expected client_certificates: required or optional"
        for name in ("client_ca", "crl")
    ]


def test_files_that_do_not_hold_what_they_should(pki: Pki) -> None:
    (pki.folder / "junk").write_text("junk")
    assert said(pki, ", client_certificates: required, client_ca: crl.pem, crl: junk") == [
        "listen[0].tls.client_ca: this file holds no certificate that can be read; expected certificates in PEM",
        "listen[0].tls.crl: this file holds no revocation list that can be read; expected revocation lists in PEM",
    ]
    (found,) = said(pki, MTLS + ", crl: gone.pem")
    assert found.startswith(f"listen[0].tls.crl: cannot read {pki.folder}/gone.pem")
    pki.issue("b", server=True)
    (found,) = said(pki, ", certificates: [{certificate: b.pem, key: server.key}]")
    assert found.startswith(
        "listen[0].tls.certificates[0].certificate: this certificate and key cannot be used"
    )


def test_what_has_expired(pki: Pki) -> None:
    pki.issue("server", server=True, days=-1)
    pki.revoke(days=-1)
    assert said(pki, MTLS + ", crl: crl.pem") == [
        "listen[0].tls.certificate: warning: the certificate CN=server has expired; renew it",
        "listen[0].tls.crl: warning: the revocation list of CN=authority has expired; renew it",
    ]


def test_who_is_believed_about_certificates(pki: Pki) -> None:
    named, anybody = ", xfcc_from: ['spiffe://td/envoy']", ", xfcc_from: [trusted_proxies]"
    assert said(pki, MTLS, named, TRUSTED) == []
    assert said(pki, "", anybody, TRUSTED) == []
    assert said(pki, MTLS, named) == [
        "listen[0].xfcc_from: no proxy is trusted by its address; expected trusted_proxies in this file"
    ]
    (found,) = said(pki, MTLS, anybody, TRUSTED)
    assert found.startswith("listen[0].xfcc_from: client certificates are asked for here")
    (found,) = said(pki, "", named, TRUSTED)
    assert found.startswith("listen[0].xfcc_from: no client certificates are asked for here")
    plain = MINIMAL + TRUSTED + "listen: {address: 'h:1', xfcc_from: [trusted_proxies]}"
    assert messages(plain) == []


@pytest.mark.parametrize("entry", ["''", "' a'", "'*'", "a.*", "a/*", "'spiffe://*/a'"])
def test_entries_that_name_nobody(pki: Pki, entry: str) -> None:
    (found,) = said(pki, MTLS, f", xfcc_from: [{entry}]", TRUSTED)
    assert found.startswith("listen[0].xfcc_from[0]: ")


def test_a_provider_is_not_sent_the_header() -> None:
    text = MINIMAL.replace("{type: deepseek,", "{type: deepseek, forward_headers: [X-Forwarded-Client-Cert],")
    (found,) = messages(text)
    assert "this header is the gateway's own" in found
