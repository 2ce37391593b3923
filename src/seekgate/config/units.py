"""Text to numbers and back: durations, sizes, addresses, URLs, networks. Pure; each raises `Invalid`."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from seekgate.config.problems import Invalid

DURATION = "a duration such as 500ms, 10s, 2m, 1h or 1m30s"
SIZE = "a size such as 1024, 32KiB or 8MB"
ADDRESS = "host:port such as 127.0.0.1:8080 or [::1]:8080"

_DURATION = re.compile(
    r"(?:([0-9]+(?:\.[0-9]+)?)h)?(?:([0-9]+(?:\.[0-9]+)?)m)?(?:([0-9]+(?:\.[0-9]+)?)s)?(?:([0-9]+)ms)?\Z"
)
_SECONDS = (3600.0, 60.0, 1.0, 0.001)
_SIZE = re.compile(r"([0-9]{1,15}) ?([KMG]i?)?B?\Z", re.IGNORECASE)
_FACTOR = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?\Z"
)
_URL_TEXT = re.compile(r"[!-~]+\Z")


class Address(NamedTuple):
    """A host (IPv6 without its brackets) and a port; port 0 lets the system choose."""

    host: str
    port: int


class Base(NamedTuple):
    """A base URL taken apart; ``path`` has no trailing slash and is empty for the root."""

    scheme: str
    host: str
    port: int
    path: str


def parse_duration(value: object) -> float:
    """Seconds of ``500ms``, ``10s``, ``2m``, ``1h``, ``1m30s``. A bare number is refused: its unit would be a guess."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise Invalid("a number without a unit", DURATION, f"did you mean '{value}s'?")
    if not isinstance(value, str):
        raise Invalid("not a duration", DURATION)
    match = _DURATION.match(value)
    if not match or not value or len(value) > 30:
        raise Invalid("not a duration", DURATION)
    return sum(float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=True) if part)


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back as this many seconds, to the millisecond."""
    rest = round(seconds * 1000)
    text = ""
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def parse_size(value: object) -> int:
    """Bytes of ``1024``, ``32KiB`` (1024 each), ``8MB`` (1000 each); case does not matter."""
    if isinstance(value, bool):
        raise Invalid("not a size", SIZE)
    if isinstance(value, int) and value >= 0:
        return value
    match = _SIZE.match(value) if isinstance(value, str) else None
    if not match:
        raise Invalid("not a size", SIZE)
    return int(match[1]) * _FACTOR[(match[2] or "").lower()]


def format_size(size: int) -> str:
    """``32KiB`` where the size is a whole number of binary units, else the number of bytes."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def parse_address(value: object) -> Address:
    """``host:port`` with IPv6 in brackets (RFC 3986, section 3.2.2)."""
    if not isinstance(value, str):
        raise Invalid("not an address", ADDRESS)
    host, colon, digits = value.rpartition(":")
    if not colon or not digits.isascii() or not digits.isdigit():
        raise Invalid(
            "not an address: the port is missing" if not digits.isdigit() else "not an address", ADDRESS
        )
    if len(digits) > 5 or int(digits) > 65535:
        raise Invalid(f"the port {digits[:12]} is out of range", "a port from 0 to 65535")
    if not host:
        raise Invalid("not an address: the host is missing", ADDRESS, f"did you mean '0.0.0.0:{digits}'?")
    return Address(parse_host(host), int(digits))


def parse_host(host: str) -> str:
    """An IPv4 address, a name, or an IPv6 address in brackets, which are taken off."""
    if host.startswith("[") and host.endswith("]"):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise Invalid("not an IPv6 address in brackets", ADDRESS) from None
    if ":" in host:
        raise Invalid("an IPv6 address without brackets", ADDRESS)
    if re.fullmatch(r"[0-9.]+", host):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise Invalid("not an IPv4 address", ADDRESS) from None
    if not _HOST.match(host):
        raise Invalid("not a host name", ADDRESS)
    return host


def format_address(host: str, port: int) -> str:
    """``host:port``, with brackets around IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_base(value: object, expected: str = "a URL such as https://api.example.com/v1") -> Base:
    """A base URL. A user or password in it is refused (a secret in plain text), as are a query and a fragment."""
    if not isinstance(value, str) or not _URL_TEXT.match(value):
        raise Invalid("not a URL", expected)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise Invalid("not a URL", expected) from None
    if parts.username is not None or parts.password is not None:
        raise Invalid("a user or password inside a URL", "a secret reference in 'key', such as env:NAME")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Invalid("not an http:// or https:// URL", expected)
    if parts.query or parts.fragment:
        raise Invalid("a URL with a query or a fragment", expected)
    host = parse_host(f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or "")
    return Base(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), parts.path.rstrip("/"))


def parse_network(value: object) -> str:
    """A network in CIDR notation (RFC 4632), or one address; returned in its usual form."""
    expected = "a network such as 10.0.0.0/8, 2001:db8::/32, or one address"
    if not isinstance(value, str):
        raise Invalid("not a network", expected)
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        pass
    try:
        wider = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise Invalid("not a network", expected) from None
    raise Invalid(
        "the address has bits beyond the length of its prefix", expected, f"did you mean '{wider}'?"
    )
