"""Email addresses, IP addresses, IBANs and number plates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address

from seekgate.stages.privacy.detect import checks
from seekgate.stages.privacy.detect.kinds import Span

_EMAIL = re.compile(
    r"(?<![0-9A-Za-z._%+-])[0-9A-Za-z_](?:[0-9A-Za-z._%+'-]{0,62}[0-9A-Za-z_+-])?@"
    r"(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.){1,8}[A-Za-z]{2,24}(?![0-9A-Za-z_@]|-[0-9A-Za-z])"
)
_FILES = frozenset(
    ("png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "html", "json", "py", "zip", "gz")
)

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = re.compile(
    rf"(?<![0-9A-Za-z_.])(?<![0-9A-Za-z]/)(?<![=~]=)(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9A-Za-z_]|\.\d)"
)
_VERSION = re.compile(
    r"(?:版本号?|固件|升级[到至]|降级[到至]|\bversions?|\bver|\brelease|\bfirmware|\bbuild|\boid|\bpackage|[<>~^=]=?)\s?(?:是|为|[::])?\s?\Z",
    re.IGNORECASE,
)
_PACKAGE = re.compile(r"/[\w.-]{1,60}@\Z")  # a scoped package of npm with its version
_RELEASE = re.compile(r"\s?(?:版本|版\b|version|release|build)", re.IGNORECASE)
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z_:.])(?:[0-9A-Fa-f]{1,4}|:):[0-9A-Fa-f:]{2,35}(?:\.[0-9]{1,3}){0,3}(?!\.?[0-9A-Za-z_:])"
)

_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}\d\d(?:[ -]?[0-9A-Za-z]){11,36}")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][·•・. -]?"
    r"(?:[DFdf][A-HJ-NP-Za-hj-np-z0-9]\d{4}|\d{5}[DFdf]|[A-HJ-NP-Za-hj-np-z0-9]{4}[A-HJ-NP-Za-hj-np-z0-9挂学警港澳])"
    r"(?![0-9A-Za-z])"
)


def emails(text: str) -> Iterator[Span]:
    """Addresses as people have them (RFC 5322's dot-atoms); no file names, no ``git@host``."""
    for match in _EMAIL.finditer(text):
        local, _, host = match[0].partition("@")
        if host.rsplit(".", 1)[1].lower() not in _FILES and local != "git" and ".." not in local:
            yield Span(match.start(), match.end(), "EMAIL")


def addresses(text: str) -> Iterator[Span]:
    """IPv4 and IPv6 addresses that name a host: no loopback, no netmask, no version number of four parts."""
    for match in _IPV4.finditer(text):
        first = match[0].partition(".")[0]
        if first in ("0", "127", "255") or _PACKAGE.search(text, max(match.start() - 64, 0), match.start()):
            continue
        if _RELEASE.match(text, match.end()) or _VERSION.search(
            text, max(match.start() - 20, 0), match.start()
        ):
            continue
        yield Span(match.start(), match.end(), "IP")
    for match in _IPV6.finditer(text):
        if _ipv6(match[0]):
            yield Span(match.start(), match.end(), "IP")


def _ipv6(text: str) -> bool:
    if not any(character.isdigit() for character in text):
        return False
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return False
    return int(address) > 1 and (text.count(":") > 2 or len(text) > 6)


def ibans(text: str) -> Iterator[Span]:
    """Account numbers whose length is their country's and whose checksum is right; grouped or not."""
    for match in _IBAN.finditer(text):
        wanted = checks.IBAN_LENGTHS.get(match[0][:2].upper(), 0)
        count = 0
        for index, character in enumerate(match[0]):
            count += character not in " -"
            if count == wanted:
                end = match.start() + index + 1
                joined = match[0][: index + 1].replace(" ", "").replace("-", "").upper()
                if checks.iban(joined) and not (
                    text[end : end + 1].isascii() and text[end : end + 1].isalnum()
                ):
                    yield Span(match.start(), end, "IBAN")
                break


def plates(text: str) -> Iterator[Span]:
    """Number plates of the mainland (GA 36-2018): five characters, two letters at most, or six of a new-energy car."""
    for match in _PLATE.finditer(text):
        tail = match[0][2:].lstrip("·•・. -")
        letters = sum(character.isascii() and character.isalpha() for character in tail)
        if letters <= (3 if len(tail) == 6 else 2):
            yield Span(match.start(), match.end(), "PLATE")
