r"""``X-Forwarded-Client-Cert``: what a proxy that ended TLS says of its client's certificate.

The format is Envoy's ("x-forwarded-client-cert" in its documentation of HTTP headers): elements between commas, one
for each proxy, the latest last; in each, ``Key=Value`` pairs between semicolons, keys in any case. A value with one of
``,;=`` stands in double quotes, and a quote within it is written ``\"``. Nothing here decides whom to believe.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

HEADER = b"x-forwarded-client-cert"

# The one pair that stands here, and what follows it. A quoted value ends at the first quote without a backslash. Blanks
# have one place in the pattern each, so that it takes time in proportion to its text.
_PAIR = re.compile(
    r'[ \t]*([A-Za-z][A-Za-z0-9_-]*)=(?:"((?:[^"\\]|\\.)*)"[ \t]*|([^",;]*))(?:([,;])|$)', re.DOTALL
)
_HASH = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_SINGLE = frozenset({"hash", "cert", "chain", "subject"})


class XfccError(ValueError):
    """The header does not have the format; the message quotes nothing of it."""


class Element(msgspec.Struct, frozen=True, gc=False):
    """What one proxy said.

    ``by`` are the URIs of the proxy's own certificate; ``hash`` is the SHA-256 of the client's, in lower-case hex;
    ``cert`` and ``chain`` are PEM; ``subject`` is a distinguished name (RFC 4514, its escapes left in place).
    """

    by: tuple[str, ...] = ()
    hash: str = ""
    cert: str = ""
    chain: str = ""
    subject: str = ""
    uris: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()


def parse(value: bytes) -> list[Element]:
    """The elements, in the header's order. Raise `XfccError` when any part of it is malformed.

    Strict, because one part that is read wrongly would shift where the next one begins: a caller may have written
    everything that stands before the last element.
    """
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise XfccError("not UTF-8") from None
    elements: list[Element] = []
    pairs: dict[str, list[str]] = {}
    at = 0
    while True:
        found = _PAIR.match(text, at)
        if found is None:
            raise XfccError("not a list of Key=Value pairs")
        key, quoted, plain, separator = found.groups()
        key = key.lower()
        if key in _SINGLE and key in pairs:
            raise XfccError("a key that may stand once stands twice")
        # The escapes of a subject are its own (RFC 4514), with those of quotes among them.
        raw = (
            plain.rstrip(" \t")
            if quoted is None
            else quoted
            if key == "subject"
            else quoted.replace('\\"', '"')
        )
        pairs.setdefault(key, []).append(raw)
        if separator != ";":
            elements.append(_element(pairs))
            pairs = {}
        if separator is None:
            return elements
        at = found.end()
        if separator == ";" and at == len(text):
            raise XfccError("nothing stands behind the last semicolon")


def _element(pairs: dict[str, list[str]]) -> Element:
    digest = pairs.get("hash", [""])[0]
    if digest and not _HASH(digest):
        raise XfccError("the hash is no SHA-256")
    return Element(
        by=tuple(pairs.get("by", ())),
        hash=digest.lower(),
        cert=_pem(pairs, "cert"),
        chain=_pem(pairs, "chain"),
        subject=pairs.get("subject", [""])[0],
        uris=tuple(uri for uri in pairs.get("uri", ()) if uri),
        dns=tuple(name for name in pairs.get("dns", ()) if name),
    )


def _pem(pairs: dict[str, list[str]], key: str) -> str:
    """A certificate in PEM, which is forwarded percent-encoded."""
    try:
        return unquote(pairs.get(key, [""])[0], errors="strict")
    except UnicodeDecodeError:
        raise XfccError("a certificate is not text") from None
