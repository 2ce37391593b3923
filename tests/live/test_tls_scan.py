"""What a TLS scanner (sslyze) finds at a gateway's listeners."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from seekgate.config.snapshot import Pair
from tests.support.certificates import Pki
from tests.support.live import gateway, settings

SCANNER = Path(__file__).parents[2] / "tools/tls-scan.sh"
SCANS = [
    "--sslv2",
    "--sslv3",
    "--tlsv1",
    "--tlsv1_1",
    "--tlsv1_2",
    "--tlsv1_3",
    "--compression",
    "--heartbleed",
]
SCANS += ["--openssl_ccs", "--reneg", "--early_data", "--robot", "--fallback"]
OLD = ("ssl_2_0_cipher_suites", "ssl_3_0_cipher_suites", "tls_1_0_cipher_suites", "tls_1_1_cipher_suites")
MODERN = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Results for three listeners: as they are by default, with client certificates, with TLS 1.2 by name."""
    folder = tmp_path_factory.mktemp("scan")
    pki = Pki(folder / "pki")
    pair: Pair = pki.issue("server", server=True)
    plain = {"certificate": pair.certificate, "key": pair.key}
    mutual = {**plain, "client_certificates": "required", "client_ca": str(pki.ca), "crl": str(pki.crl)}
    listen = [
        {"address": "127.0.0.1:0", "tls": tls} for tls in (plain, mutual, {**plain, "min_version": "1.2"})
    ]

    with gateway(folder / "node", settings("http://127.0.0.1:9", listen=listen)) as node:
        assert node.said("TLS 1.2 is spoken here too")
        targets = [f"localhost:{urlsplit(url).port}" for url in node.ready["listen"]]
        out = folder / "scan.json"
        command = [str(SCANNER), "--quiet", "--mozilla_config=disable", f"--json_out={out}", *SCANS, *targets]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert [worker.pid for worker in node.workers], "the gateway has survived it"
    found = json.loads(out.read_text())["server_scan_results"]
    assert [each["scan_status"] for each in found] == ["COMPLETED"] * 3, found
    by_port = {each["server_location"]["port"]: each["scan_result"] for each in found}
    return [by_port[int(target.partition(":")[2])] for target in targets]


def suites(scan: dict[str, Any], version: str) -> set[str]:
    """The cipher suites that were accepted in a version."""
    assert scan[version]["status"] == "COMPLETED", scan[version]
    return {each["cipher_suite"]["name"] for each in scan[version]["result"]["accepted_cipher_suites"]}


def test_nothing_old_is_spoken_anywhere(scans: list[dict[str, Any]]) -> None:
    for scan in scans:
        assert [suites(scan, version) for version in OLD] == [set()] * 4
        assert suites(scan, "tls_1_3_cipher_suites") == MODERN


def test_tls_1_2_is_not_spoken_unless_asked_for_and_then_without_weak_suites(
    scans: list[dict[str, Any]],
) -> None:
    default, mutual, asked = (suites(scan, "tls_1_2_cipher_suites") for scan in scans)
    assert default == mutual == set()
    assert asked == {
        f"TLS_ECDHE_ECDSA_WITH_{cipher}"
        for cipher in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")
    }


def test_what_is_known_to_be_weak(scans: list[dict[str, Any]]) -> None:
    weak = {
        "tls_compression": "supports_compression",
        "openssl_ccs_injection": "is_vulnerable_to_ccs_injection",
        "heartbleed": "is_vulnerable_to_heartbleed",
        "session_renegotiation": "is_vulnerable_to_client_renegotiation_dos",
        "tls_1_3_early_data": "supports_early_data",
    }
    for scan in (scans[0], scans[2]):
        for command, field in weak.items():
            assert scan[command]["status"] == "COMPLETED", scan[command]
            assert scan[command]["result"][field] is False, command
        assert scan["robot"]["result"]["robot_result"].startswith("NOT_VULNERABLE")
    assert scans[2]["tls_fallback_scsv"]["result"]["supports_fallback_scsv"] is True
    assert scans[2]["session_renegotiation"]["result"]["supports_secure_renegotiation"] is True
