"""From a client certificate to a principal: the first rule whose patterns match.

In a pattern ``*`` stands for one part of a name: one label of a DNS name, the part of an e-mail address before the
``@``, one segment of a URI's path, one value of a distinguished name. ``**`` at the end of a URI stands for all that
follows. So a pattern never matches more of a name than is seen of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from seekgate.config.compiled.identity import Certificate
from seekgate.pipeline.peer import Peer
from seekgate.pipeline.principal import Principal
from seekgate.stages.identity.state import FOREVER, Known

REMEMBERED = 4096

_PART = {
    "dns": r"[^.]+",
    "email": r"[^@]+",
    "uri": r"[^/]+",
    "subject": r"(?:[^,+\\]|\\.)*",
}


class _Rule:
    """One rule, its patterns compiled."""

    def __init__(self, entry: Certificate) -> None:
        self.entry = entry
        self._subject = _compiled(entry.subject, "subject")
        self._spiffe = _compiled(entry.spiffe, "uri")
        kind = "uri" if "://" in entry.san else "email" if "@" in entry.san else "dns"
        self._san = _compiled(entry.san, kind)
        self._names = {"uri": "uris", "email": "emails", "dns": "dns"}[kind]

    def matches(self, peer: Peer) -> bool:
        """Whether every pattern of the rule matches."""
        if self._subject is not None and not self._subject(peer.subject):
            return False
        if self._spiffe is not None and not self._spiffe(peer.spiffe):
            return False
        names: tuple[str, ...] = getattr(peer, self._names)
        return self._san is None or any(map(self._san, names))


class Certificates:
    """Rules in their order. Whom a certificate stands for is remembered; certificates are few."""

    __slots__ = ("_known", "_rules")

    def __init__(self, rules: Iterable[Certificate]) -> None:
        self._rules = tuple(_Rule(rule) for rule in rules)
        self._known: dict[Peer | str, Known | None] = {}

    def find(self, peer: Peer) -> Known | None:
        """Whom this certificate's holder is, or None when no rule is about it."""
        # A fingerprint says everything of a certificate, but not how much of it a proxy has told.
        key = peer.fingerprint if peer.fingerprint and peer.source == "handshake" else peer
        try:
            return self._known[key]
        except KeyError:
            pass
        rule = next((rule.entry for rule in self._rules if rule.matches(peer)), None)
        known = None if rule is None else _known(rule, peer)
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[key] = known
        return known


def _known(rule: Certificate, peer: Peer) -> Known:
    # What is unique about a holder, in the order of how sure it is to stay the same when the certificate is renewed.
    id = peer.spiffe or peer.subject or next(iter((*peer.uris, *peer.dns, *peer.emails)), peer.fingerprint)
    principal = Principal(
        rule.name or peer.spiffe or peer.common_name or id,
        id,
        "mtls",
        rule.organisation,
        rule.team,
        rule.application,
        rule.tier,
        "",
        rule.roles,
    )
    return Known(principal, until=peer.expires_at or FOREVER)


def _compiled(pattern: str, kind: str) -> Callable[[str], object] | None:
    if not pattern:
        return None
    tail = ""
    if kind == "uri" and pattern.endswith("/**"):
        pattern, tail = pattern[:-2], r".+"
    flags = re.IGNORECASE if kind == "dns" else 0
    text = _PART[kind].join(re.escape(part) for part in pattern.split("*")) + tail
    return re.compile(text, flags | re.DOTALL).fullmatch
