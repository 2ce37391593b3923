"""Plain words for what can go wrong on the network."""

from __future__ import annotations

import errno
import http.client
import io
import socket
import ssl
from email.message import Message
from http.client import HTTPMessage
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request

import pytest

from seekgate.engine.network import PullError, Redirects, Transient, explain, megabytes, require_space

URL = "https://models.example/m.gguf"


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (URLError(socket.gaierror(-2, "unknown")), Transient, "cannot be resolved"),
        (URLError(ConnectionRefusedError(111, "refused")), Transient, "refused the connection"),
        (URLError(TimeoutError()), Transient, "did not answer in time"),
        (TimeoutError(), Transient, "did not answer in time"),
        (ConnectionResetError(), Transient, "broke"),
        (http.client.IncompleteRead(b""), Transient, "broke"),
        (URLError(OSError(errno.ENETUNREACH, "Network is unreachable")), Transient, "unreachable"),
        (OSError(errno.ENOSPC, "full"), PullError, "disk is full"),
        (URLError(ssl.SSLError(1, "handshake failure")), Transient, "TLS connection"),
    ],
)
def test_each_failure_is_named_with_the_host(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[PullError | Transient], says: str
) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    found = explain(URL, error)
    assert isinstance(found, kind)
    assert says in found.what
    assert found.advice


def test_a_certificate_that_does_not_verify_is_final() -> None:
    error = ssl.SSLCertVerificationError(1, "verify failed")
    error.verify_message = "self-signed certificate"
    found = explain(URL, URLError(error))
    assert isinstance(found, PullError)
    assert "self-signed certificate" in found.what
    assert "SSL_CERT_FILE" in found.advice


def test_the_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example:3128")
    found = explain(URL, URLError(ConnectionRefusedError()))
    assert "proxy.example:3128" in found.what
    assert "secret" not in found.what


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, PullError),
        (410, PullError),
        (401, PullError),
        (403, PullError),
        (418, PullError),
        (429, Transient),
        (502, Transient),
    ],
)
def test_statuses(status: int, kind: type[PullError | Transient]) -> None:
    found = explain(URL, HTTPError(URL, status, "", Message(), None))
    assert isinstance(found, kind)
    assert str(status) in found.what


def test_a_redirect_out_of_encryption_is_refused() -> None:
    with pytest.raises(PullError, match="not encrypted"):
        Redirects().redirect_request(
            Request(URL), io.BytesIO(), 302, "", HTTPMessage(), "http://models.example/m.gguf"
        )


def test_space(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(PullError, match="SEEKGATE_CACHE"):
        require_space(tmp_path, 1 << 62)


def test_sizes() -> None:
    assert megabytes(98_362_432) == "98.4 MB"
    assert megabytes(4_683_073_504) == "4.7 GB"
