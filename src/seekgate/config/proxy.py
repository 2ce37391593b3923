"""Which proxy, if any, leads to an upstream: the usual environment variables, read once when compiling.

The variables have no standard. As in curl: the lower-case name wins, ``HTTP_PROXY`` in capitals is not read (a CGI
client could set it with a ``Proxy`` header), ``NO_PROXY`` is a list of host names, domains with or without a leading
dot, addresses, networks, each with an optional port, or ``*``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from seekgate.config.problems import Invalid
from seekgate.config.units import Base, parse_base

_EXPECTED = "a proxy such as http://proxy.example.com:3128"


def parse_proxy(value: str) -> str:
    """``http://host:port`` in its usual form; raise `Invalid` for other schemes, a password, or a path."""
    try:
        base = parse_base(value if "://" in value else f"http://{value}", _EXPECTED)
    except Invalid as error:
        if error.what.startswith("a user or password"):
            raise Invalid("a proxy with a user or password is not supported", _EXPECTED) from None
        raise Invalid("not a proxy", _EXPECTED) from None
    if base.scheme != "http" or base.path:
        raise Invalid("only a proxy reached over plain http:// is supported (CONNECT)", _EXPECTED)
    host = f"[{base.host}]" if ":" in base.host else base.host
    return f"http://{host}:{base.port}"


def proxy_for(base: Base, environ: Mapping[str, str]) -> str | None:
    """The proxy that the environment names for this upstream, or None. Raise `Invalid`, naming the variable."""
    names = (
        f"{base.scheme}_proxy",
        "HTTPS_PROXY" if base.scheme == "https" else "",
        "all_proxy",
        "ALL_PROXY",
    )
    for name in names:
        value = environ.get(name, "")
        if not value:
            continue
        if bypassed(base.host, base.port, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
            return None
        try:
            return parse_proxy(value)
        except Invalid as error:
            raise Invalid(f"{name}: {error.what}", error.expected, "or 'proxy: none'") from None
    return None


def bypassed(host: str, port: int, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` names this upstream."""
    host = host.rstrip(".").lower()
    return any(_fits(entry.strip().lower(), host, port) for entry in no_proxy.split(",") if entry.strip())


def _fits(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, colon, digits = entry.rpartition(":")
    if colon and digits.isdigit() and (":" not in name or name.endswith("]")):
        if int(digits) != port:
            return False
        entry = name
    entry = entry.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        domain = entry.removeprefix("*").removeprefix(".").rstrip(".")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
