"""Distinguished names as text (RFC 4514), as certificates' subjects are shown and as proxies forward them."""

from __future__ import annotations

import re
from collections.abc import Iterator

# An escaped backslash is passed over, so that the hex digits behind it are not taken for an escape.
_HIGH = re.compile(r"\\\\|(?:\\[89A-Fa-f][0-9A-Fa-f])+")
_ESCAPE = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)


def normalised(name: str) -> str:
    r"""``name`` with its escaped UTF-8 (``\E5\BC\A0``) as characters: OpenSSL's RFC 2253 output, which Envoy forwards,
    escapes every byte past ASCII, and others do not. What is no UTF-8 stays escaped."""
    return _HIGH.sub(_decoded, name) if "\\" in name else name


def _decoded(found: re.Match[str]) -> str:
    text = found[0]
    if text == "\\\\":
        return text
    try:
        return bytes.fromhex(text.replace("\\", "")).decode()
    except UnicodeDecodeError:
        return text


def common_name(name: str) -> str:
    """The value of the first ``CN`` in ``name``, unescaped; empty when there is none that is text."""
    for part in _parts(name):
        kind, equals, value = part.partition("=")
        if equals and kind.strip().upper() == "CN" and not value.startswith("#"):
            return _ESCAPE.sub(_unescaped, value.encode()).decode(errors="replace")
    return ""


def _unescaped(found: re.Match[bytes]) -> bytes:
    one = found[1]
    return bytes.fromhex(one.decode()) if len(one) == 2 else one


def _parts(name: str) -> Iterator[str]:
    """The attributes, whether a comma or a plus stands between them."""
    start = at = 0
    while at < len(name):
        if name[at] == "\\":
            at += 1
        elif name[at] in ",+":
            yield name[start:at]
            start = at + 1
        at += 1
    yield name[start:]
